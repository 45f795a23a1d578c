"""evaluation.json and answers.jsonl are read back as they were written, and strictly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gradus.errors import UserError
from gradus.files import write_json, write_jsonl
from gradus.judgement import PairVerdict, Verdict
from gradus.records import Base
from gradus.results import AnswerRow, Evaluation, Grade, Interval, Part, ScoredAnswer, read_answers

from .evaluations import evaluation as made


@pytest.fixture
def evaluation() -> Evaluation:
    return made(Base("builtin", "tiny", "models/base", "abc", "no network", 1_000_000))


def test_an_evaluation_comes_back_as_it_was(evaluation: Evaluation, tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    write_json(path, evaluation.to_json())
    assert Evaluation.from_json(path) == evaluation


def _set(data: dict[str, Any], key: str, value: object) -> None:
    *parts, last = key.split(".")
    for part in parts:
        data = data[part]
    data[last] = value


@pytest.mark.parametrize(
    ("key", "value"),
    [("colour", 1), ("grade.colour", 1), ("grade.separable", "yes"), ("tuned.percent", "75"), ("questions", 5.5), ("comparison.interval", None)],
)
def test_other_fields_and_types_are_refused(evaluation: Evaluation, tmp_path: Path, key: str, value: object) -> None:
    data = json.loads(json.dumps(evaluation.to_json()))
    _set(data, key, value)
    write_json(tmp_path / "evaluation.json", data)
    with pytest.raises(UserError) as caught:
        Evaluation.from_json(tmp_path / "evaluation.json")
    assert key.split(".")[-1] in str(caught.value)


def test_missing_fields_and_files_are_refused(evaluation: Evaluation, tmp_path: Path) -> None:
    data = evaluation.to_json()
    del data["comparison"]["p_value"]
    write_json(tmp_path / "evaluation.json", data)
    with pytest.raises(UserError, match="p_value"):
        Evaluation.from_json(tmp_path / "evaluation.json")
    with pytest.raises(UserError, match=r"file not found.*07_evaluate"):
        Evaluation.from_json(tmp_path / "nowhere.json")
    (tmp_path / "half.json").write_text('{"run": "te', encoding="utf-8")
    with pytest.raises(UserError, match=r"half\.json"):
        Evaluation.from_json(tmp_path / "half.json")


def test_a_target_is_reached_missed_or_not_asked() -> None:
    cases = [(0.6, 0.6, True), (0.5, 0.6, False), (None, 0.6, None), (0.5, None, None)]
    assert all(Part("bold", value, target, 1, 3).reached is expected for value, target, expected in cases)


def test_answers_come_back_as_they_were(tmp_path: Path) -> None:
    scored = ScoredAnswer("line\u2028one\nNUL\x00 <script>", True, 7, 50.0, 0.5, 0.5, {"bold": 1.0}, None)
    rows = [AnswerRow(f"q{i}", "faq", "g", "d", "Warum?", "Darum: größer.", scored, scored) for i in range(3)]
    write_jsonl(tmp_path / "answers.jsonl", (row.to_json() for row in rows))
    assert read_answers(tmp_path / "answers.jsonl") == rows
    with (tmp_path / "answers.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('{"id": "q4"}\n')
    with pytest.raises(UserError, match=r"answers\.jsonl:4"):
        read_answers(tmp_path / "answers.jsonl")


def test_the_letter_carries_what_belongs_to_it() -> None:
    spread = Interval(40, 80)
    assert Grade("C", 61.0, spread, ("D", "B"), None, False).label == "C (D to B), not separable from the base"
    assert Grade("C", 61.0, spread, ("C", "C"), None, True).label == "C"
    assert Grade(None, None, None, None, "a control failed", False).label == "withheld"


def test_a_verdict_in_both_orders() -> None:
    cases: list[tuple[Verdict | None, Verdict | None, Verdict | None]]
    cases = [("tuned", "tuned", "tuned"), ("base", "tie", "base"), ("base", "tuned", "tie"), ("tie", "tie", "tie"), (None, "base", None)]
    assert all(PairVerdict(a, b, ()).outcome == outcome for a, b, outcome in cases)
