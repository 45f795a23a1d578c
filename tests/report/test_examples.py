"""Which answers are shown, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradus.report.examples import BEST, CHANGED, REGRESSION, WORST, choose

if TYPE_CHECKING:
    from tests.report.conftest import Case


def test_each_question_is_shown_once_with_all_its_tags_largest_change_first(case: Case) -> None:
    samples = choose(case.answers, 1)
    assert [(sample.row.id, sample.tags) for sample in samples] == [("one", (CHANGED, BEST)), ("four", (WORST, REGRESSION))]


def test_regressions_are_only_what_the_base_answered_better(case: Case) -> None:
    tagged = [sample.row.id for sample in choose(case.answers, 10) if REGRESSION in sample.tags]
    assert tagged == ["four"]


def test_no_examples_when_none_are_asked_for_or_there_are_none(case: Case) -> None:
    assert choose(case.answers, 0) == []
    assert choose([], 4) == []


def test_the_order_of_the_rows_does_not_matter(case: Case) -> None:
    case.add("five", 20.0, 90.0)
    assert choose(case.answers, 2) == choose(case.answers[::-1], 2)
