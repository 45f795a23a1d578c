"""The screen of 07: what a grader scored that failed its controls is not on it."""

from __future__ import annotations

from dataclasses import replace

from gradus.evaluate.shown import shown
from gradus.records import Base
from gradus.results import Comparison, Control, Evaluation, Grade, Interval, ModelScores, ReferenceLikelihood, RubricInfo, Score

BASE = Base("hub", "someone/small-model", "/models/small", "abc123", "model.base names it", 596_000_000, "apache-2.0")


def _scores(percent: float) -> ModelScores:
    score = Score(percent / 100, 0.7, Interval(0.1, 0.2), 0.5, ())
    likelihood = ReferenceLikelihood(2.0, 7.4, 1.4, 400)
    return ModelScores(percent, Interval(percent, percent), "F", ("F", "F"), score, score, likelihood, 1.0, 0, 40.0, 500.0, 3.0)


def _evaluation(grade: Grade) -> Evaluation:
    return Evaluation(
        run="test", grade=grade, base=_scores(4.4), tuned=_scores(0.0),
        comparison=Comparison(0, 1, 7, -4.4, Interval(-6.4, -2.4), 0.02, 5),
        controls=(Control("reference", "the references", 99.0, 1.0, 0.98, "at least 95 %, above all others", True),),
        kinds=(), groups=(), base_model=BASE, questions=8, available=8, max_tokens=48, seed=1,
        rubric=RubricInfo("config/rubric.yaml", "f" * 64, 70.0, ()), notes=(),
    )  # fmt: skip


def test_scores_are_shown_with_intervals_where_there_are_any() -> None:
    said = shown(_evaluation(Grade("F", 0.0, Interval(0.0, 0.0), ("F", "F"), None, True)))
    assert said["tuned"] == "0.0 % (all questions the same, no interval can be told)"
    assert said["difference"].startswith("-4.4 points (95 %: -6.4 to -2.4)")


def test_a_withheld_grade_takes_all_scores_off_the_screen() -> None:
    graded = _evaluation(Grade("F", 0.0, Interval(0.0, 0.0), ("F", "F"), None, True))
    withheld = shown(replace(graded, grade=Grade(None, None, None, None, "echo got 80 %", False)))
    assert list(withheld) == ["grade", "content read by", "bits per byte", "controls", "base model"]
    assert "4.4" not in str(withheld)
