"""The screen of 07: what a grader scored that failed its controls is not on it."""

from __future__ import annotations

from dataclasses import replace

from gradus.evaluate.shown import shown
from gradus.records import Base
from gradus.results import Evaluation, Grade, Interval

from ..evaluations import evaluation

BASE = Base("hub", "someone/small-model", "/models/small", "abc123", "model.base names it", 596_000_000, "apache-2.0")


def _evaluation(grade: Grade) -> Evaluation:
    """One whose tuned model got nothing for every question."""
    made = evaluation(BASE, 0.0, 4.4)
    comparison = replace(made.comparison, interval=Interval(-6.4, -2.4))
    return replace(made, tuned=replace(made.tuned, interval=Interval(0.0, 0.0)), comparison=comparison, grade=grade)


def test_scores_are_shown_with_intervals_where_there_are_any() -> None:
    said = shown(_evaluation(Grade("F", 0.0, Interval(0.0, 0.0), ("F", "F"), None, True)))
    assert said["tuned"] == "0.0 % (all questions the same, no interval can be told)"
    assert said["difference"].startswith("-4.4 points (95 %: -6.4 to -2.4)")


def test_a_withheld_grade_takes_all_scores_off_the_screen() -> None:
    graded = _evaluation(Grade("F", 0.0, Interval(0.0, 0.0), ("F", "F"), None, True))
    withheld = shown(replace(graded, grade=Grade(None, None, None, None, "echo got 80 %", False)))
    assert list(withheld) == ["grade", "content read by", "bits per byte", "controls", "base model"]
    assert "4.4" not in str(withheld)
