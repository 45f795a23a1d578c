"""09_promote: two versions on the same questions, by what 07_evaluate compared or by the answers that were kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gradus.promote.diff import diff_versions
from gradus.results import Comparison, CurrentModel, Evaluation, Interval

from .promoting import Promoting, write_answers


@pytest.mark.parametrize(
    ("percents", "reason"),
    [
        ([60.0, 71.0, 66.0, 67.0, 66.5, 64.0, 66.0, 65.0], "worse than the current model v1 by -9.4 points on the same 8 questions"),
        ([70.0, 80.0, 75.0], None),
        ([70.0, 80.0, 75.0, *[76.0] * 20], "only 8 of its 23 questions were put to both, promote.common_share asks for 0.5"),
    ],
)
def test_a_candidate_meets_the_current_model_in_the_answers_that_were_kept(
    promoting: Promoting, tmp_path: Path, percents: list[float], reason: str | None
) -> None:
    promoting.first()
    summary = promoting.second(answers=write_answers(tmp_path / "second", percents))
    assert (summary["current"], promoting.decision()["reasons"] == []) == (("v1", False) if reason else ("v2", True))
    assert reason is None or reason in summary["because"]


@pytest.mark.parametrize(
    ("change", "asked", "reason"),
    [
        ({}, "b" * 64, "8 of their 8 common questions were not asked in the same way (the system prompt, the earlier turns"),
        ({}, None, "or are not recorded"),
        ({"max_tokens": 512}, "a" * 64, "not graded in the same way (evaluate.max_tokens 512 and 64)"),
        ({"embedding": "MiniLM", "encoder_sha256": "c" * 64}, "a" * 64, f"(sentence encoder {'c' * 12} and none)"),
        ({"version": 99}, "a" * 64, "(version of 07_evaluate 99 and unknown)"),
    ],
    ids=["system prompt", "unknown prompt", "length", "encoder", "grader"],
)
def test_the_gate_and_diff_refuse_two_that_were_asked_or_graded_in_other_ways(
    promoting: Promoting, tmp_path: Path, change: dict[str, Any], asked: str | None, reason: str
) -> None:
    promoting.first()
    answers = write_answers(tmp_path / "second", [90.0] * 8, asked)
    summary = promoting.second(evaluation=promoting.reevaluated(tmp_path / "second", **change), answers=answers)
    assert (summary["current"], reason in summary["because"]) == ("v1", True)
    assert reason in diff_versions(promoting.registry, "v1", "v2", 100)


def test_what_07_compared_counts_before_kept_answers(promoting: Promoting, tmp_path: Path) -> None:
    promoting.first()
    base = Evaluation.from_json(promoting.inputs["07_evaluate/evaluation.json"]).base
    current = CurrentModel("v1", base, Comparison(3, 5, 22, -8.0, Interval(-12, -4), 0.001, 20))
    because = promoting.second(evaluation=promoting.reevaluated(tmp_path / "second", current=current))["because"]
    assert "worse than the current model v1 by -8.0 points on the same 4 questions (95 %: -12.0 to -4.0, p = 0.001)" in because
    assert promoting.decision()["against"]["losses"] == 22


@pytest.mark.parametrize("harm", ["change", "remove"])
def test_answers_that_are_not_the_registered_ones_are_not_compared_with(promoting: Promoting, harm: str) -> None:
    """They are told as an objection, so that a person can still go past the gate."""
    promoting.first()
    kept = promoting.registry.evaluation_of(promoting.registry.current())
    assert kept is not None
    answers = kept / "answers.jsonl"
    answers.write_text(answers.read_text().replace("75.5", "5.5")) if harm == "change" else answers.unlink()
    wrong = {"change": "is not the registered one", "remove": "is missing"}[harm]
    assert f"cannot be compared with the current model v1: v1's answers.jsonl {wrong}" in promoting.second()["because"]
