"""The choice of questions is seeded, keeps the shares of the kinds, and bad rows are named."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from gradus.errors import UserError
from gradus.evaluate.questions import choose, held_out

from .conftest import row


def _write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def test_the_choice_keeps_the_shares_of_the_kinds(tmp_path: Path) -> None:
    rows = [row(i) | {"id": f"q{i}", "kind": "a" if i < 60 else "b" if i < 90 else "c"} for i in range(100)]
    questions = held_out(_write(tmp_path / "test.jsonl", rows), 100, 1).questions
    chosen = choose(questions, 20, 1)
    assert Counter(question.kind for question in chosen) == {"a": 12, "b": 6, "c": 2}
    assert len({question.id for question in chosen}) == 20
    assert [q.id for q in chosen] == [q.id for q in choose(questions, 20, 1)]
    assert [q.id for q in chosen] != [q.id for q in choose(questions, 20, 2)]
    assert choose(questions, 100, 1) == questions
    assert len(choose(questions, 7, 1)) == 7


def test_references_without_a_word_cannot_be_graded(tmp_path: Path) -> None:
    empty = row(1)
    empty["messages"][-1]["content"] = "---\n\n```\n```"
    found = held_out(_write(tmp_path / "test.jsonl", [row(0), empty]), 9, 1)
    assert ([question.id for question in found.questions], found.available, found.skipped) == (["q0"], 1, 1)
    with pytest.raises(UserError, match="no reference answer of the held-out questions holds a word"):
        held_out(_write(tmp_path / "test.jsonl", [empty]), 9, 1)


def test_a_question_is_the_last_thing_the_user_says(tmp_path: Path) -> None:
    long = row(0)
    long["messages"] = [{"role": "system", "content": "Be short."}, *long["messages"]]
    question = held_out(_write(tmp_path / "test.jsonl", [long]), 9, 1).questions[0]
    assert question.text == "What does sine do?"
    assert question.prompt == long["messages"][:2]
    assert question.reference == long["messages"][2]["content"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"broken', "test.jsonl:2"),
        ('{"messages": [{"role": "user", "content": "x"}], "id": "a", "kind": "k", "group": "g", "document_id": "d"}', "question and its answer"),
        ('{"id": "a"}', "test.jsonl:2"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, line: str, words: str) -> None:
    path = _write(tmp_path / "test.jsonl", [row(0)])
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        held_out(path, 9, 1)
    assert words in str(caught.value)


def test_no_questions_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no held-out questions"):
        held_out(_write(tmp_path / "test.jsonl", []), 9, 1)
