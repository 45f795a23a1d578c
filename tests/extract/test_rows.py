"""Rows of instruction and chat data sets."""

from __future__ import annotations

import json

import pytest

from gradus.collect.text import Found, document_of
from gradus.extract.draft import Draft, Drop
from gradus.extract.rows import drafts
from gradus.records import Document


def document(*rows: object) -> Document:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    return document_of(Found("rows.jsonl", "\n".join(lines), "rows", "data/rows.jsonl", "data/rows.jsonl", "test"), "now")


def found(*rows: object) -> list[Draft]:
    return [item for item in drafts(document(*rows)) if isinstance(item, Draft)]


@pytest.mark.parametrize(
    ("row", "question", "answer"),
    [
        ({"instruction": "Add.", "input": "1 2", "output": "3"}, "Add.\n\n1 2", "3"),
        ({"instruction": "Add.", "input": "", "output": "3"}, "Add.", "3"),
        ({"prompt": "Hi", "completion": " there "}, "Hi", "there"),
        ({"Question": "Why?", " ANSWER ": "So."}, "Why?", "So."),
        ({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes"}]}, "Hi", "Yes"),
        ({"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Yes"}]}, "Hi", "Yes"),
        ({"prompt": [{"role": "user", "content": "Hi"}], "completion": [{"role": "assistant", "content": "Yes"}]}, "Hi", "Yes"),
        ({"input": "Hi", "output": "Yes"}, "Hi", "Yes"),
        ({"user": "Hi", "assistant": "Yes", "system": ""}, "Hi", "Yes"),
        ({"Term": "warm-up", "Definition": "Few steps."}, 'What does "warm-up" mean?', "Few steps."),
        ({"term": "What is an epoch?", "definition": "One pass."}, "What is an epoch?", "One pass."),
        ({"question": "Who?", "context": "Ann sang.", "answers": {"text": ["Ann", "ann"], "answer_start": [0, 0]}}, "Who?\n\nAnn sang.", "Ann"),
        ({"question": "Who?", "answers": [{"text": "Ann", "answer_start": 0}]}, "Who?", "Ann"),
        ({"question": "Who?", "answers": ["Ann"]}, "Who?", "Ann"),
        ({"instruction": "Add.", "instances": [{"input": "1 2", "output": "3"}]}, "Add.\n\n1 2", "3"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}, {"role": "assistant", "content": "Yes"}]}, "Hi", "Yes"),
    ],
)
def test_known_shapes(row: object, question: str, answer: str) -> None:
    (draft,) = found(row)
    assert (draft.question, draft.answer, draft.kind, draft.context) == (question, answer, "instruction", ())


def test_nested_rows_give_every_question_that_has_an_answer() -> None:
    answered = {"question": "Who?", "answers": [{"text": "Ann", "answer_start": 0}], "id": 1}
    impossible = {"question": "When?", "answers": [], "is_impossible": True, "id": 2}
    article = {"title": "Song", "paragraphs": [{"context": "Ann sang.", "qas": [answered, impossible, {**answered, "question": "Which Ann?"}]}]}
    assert [(draft.question, draft.answer) for draft in found(article)] == [("Who?\n\nAnn sang.", "Ann"), ("Which Ann?\n\nAnn sang.", "Ann")]
    several = {"instruction": "Add.", "instances": [{"input": "1 2", "output": "3"}, {"input": "2 2", "output": "4"}]}
    assert [draft.answer for draft in found(several)] == ["3", "4"]


def test_a_conversation_gives_one_example_so_that_no_turn_is_trained_twice() -> None:
    turns = [("system", "Be short."), ("user", "A?"), ("assistant", "a"), ("user", "B?"), ("assistant", "b")]
    (only,) = found({"messages": [{"role": role, "content": content} for role, content in turns]})
    assert (only.question, only.answer, only.kind) == ("B?", "b", "chat")
    assert [(turn.role, turn.content) for turn in only.context] == [("system", "Be short."), ("user", "A?"), ("assistant", "a")]


def test_a_row_span_is_its_line_and_rows_of_one_question_are_one_group() -> None:
    rows = document({"question": "What?", "answer": "This."}, "", {"question": "what? ", "answer": "That."}, {"question": "Why?", "answer": "So."})
    one, two, three = [item for item in drafts(rows) if isinstance(item, Draft)]
    assert json.loads(rows.text[two.start : two.end])["answer"] == "That."
    assert one.group == two.group != three.group


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"question": "Why', "row is not valid JSON"),
        ("[1]", "row is not a JSON object"),
        ({"text": "no pair"}, "row has no known shape"),
        ({"question": "Why?", "answer": None}, "a field that should be text is not"),
        ({"question": "Why?", "answer": ""}, "row has no question with an answer"),
        ({"messages": []}, "row has no question with an answer"),
        ({"messages": [{"role": "user", "content": "only asked"}]}, "row has no question with an answer"),
        ({"messages": ["Hi"]}, "a turn is not a JSON object"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "a turn has the unknown role 'tool'"),
        ({"question": "Why?", "answers": []}, "row has no question with an answer"),
        ({"instruction": "Add.", "instances": ["1"]}, "a nested entry is not a JSON object"),
        ('{"question": "Half \\ud83d", "answer": "broken"}', "broken characters"),
        ("[" * 100_000, "row is nested too deeply"),
        ('{"question": "Why?", "answer": "So.", "id": ' + "1" * 5000 + "}", "row is not valid JSON"),
        ('{"paragraphs": [' * 5000 + "{}" + "]}" * 5000, "row is nested too deeply"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(row: object, reason: str) -> None:
    good = {"question": "Why?", "answer": "So."}
    bad, kept = list(drafts(document("", row, good)))
    assert isinstance(bad, Drop)
    assert bad.reason.startswith(reason)
    assert bad.where == "data/rows.jsonl:2"
    assert isinstance(kept, Draft)
