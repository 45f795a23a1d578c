"""What may not be told is not: scores of a grader that failed, intervals of values that do not differ, changes that chance can make."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradus.report.record import read_record
from gradus.report.work import write_report
from gradus.results import CurrentModel, Interval

from .test_page import visible

if TYPE_CHECKING:
    from tests.report.conftest import Case

SCORED = (
    *("75.5", "30.0", "45.5", "80.0 %", "better on", "current model"),
    *("Overall", "No single criterion", "Formatting against", "By kind", "Together"),
)
"""What stands on the page of a graded run and comes from the rubric."""


def withhold(case: Case) -> None:
    """Turn the case into one whose controls broke."""
    scores, grade, controls = case.evaluation, case.evaluation.grade, case.evaluation.controls
    why = "the grader failed its own control: echo"
    case.evaluation = replace(
        scores,
        grade=replace(grade, letter=None, letters=None, percent=None, interval=None, withheld=why, separable=False),
        controls=(replace(controls[0], passed=False), *controls[1:]),
        base=replace(scores.base, letter=None, letters=None),
        tuned=replace(scores.tuned, letter=None, letters=None),
    )


def test_a_withheld_grade_shows_why_and_no_letter(case: Case) -> None:
    withhold(case)
    page = visible(case.page())
    assert page.startswith("Grade withheld")
    assert "Withheld" in page
    assert "The grader failed its own control: echo." in page
    assert "the grade is withheld" in page
    assert "Better than its base" not in page
    assert "**Grade withheld.** The grader failed its own control" in case.markdown()


def test_nothing_that_a_failed_grader_scored_is_shown(case: Case) -> None:
    """Page, twin, screen and `report.json`: what the rubric has no part in stays, nothing else."""
    withhold(case)
    current = CurrentModel("v1", case.evaluation.base, case.evaluation.comparison)
    case.evaluation = replace(case.evaluation, current=current)
    context = case.context()
    summary = write_report(context)
    page, text = visible((context.out / "report.html").read_text()), (context.out / "report.md").read_text()
    for shown in (page, text):
        assert not {said for said in SCORED if said in shown}
        assert "bits per byte" in shown
        assert "2.09" in shown, "the loss stays"
    assert "against the base" not in summary
    assert "95 % interval" not in summary
    record = read_record(context.out / "report.json")
    assert (record.difference, record.separable) == (None, False)
    known = {figure.name for figure in record.figures if figure.value is not None}
    assert "Best validation loss" in known
    assert "Bits per byte of the references" in known
    assert not known & {"Grade", "Formatting", "Content", "Bold", "ROUGE-L"}


def test_what_a_graded_run_shows_is_what_the_test_above_looks_for(case: Case) -> None:
    current = CurrentModel("v1", case.evaluation.base, case.evaluation.comparison)
    case.evaluation = replace(case.evaluation, current=current)
    both = visible(case.page()) + case.markdown()
    assert [said for said in SCORED if said not in both] == [], "otherwise it proves nothing"


def test_values_that_do_not_differ_give_no_interval(case: Case) -> None:
    alike = Interval(0.0, 0.0)
    tuned = replace(case.evaluation.tuned, percent=0.0, interval=alike, content=replace(case.evaluation.tuned.content, interval=alike))
    grade = replace(case.evaluation.grade, percent=0.0, interval=alike)
    comparison = replace(case.evaluation.comparison, interval=Interval(45.5, 45.5))
    case.evaluation = replace(case.evaluation, tuned=tuned, grade=grade, comparison=comparison)
    context = case.context()
    assert write_report(context)["95 % interval"] == "none can be told: all questions scored the same"
    page, text = visible((context.out / "report.html").read_text()), (context.out / "report.md").read_text().replace("\u202f", " ")
    for shown in (page, text):
        assert "0.0 to 0.0" not in shown
        assert "0.00 to 0.00" not in shown
        assert "no interval can be told" in shown
        assert "+45.5 points (the same for every document, p" in shown
    assert "0.76 all the same" in page


def scored(case: Case, name: str, base: list[float], tuned: list[float]) -> None:
    """Give every answer a value for a criterion that both models have."""
    for i, (before, after) in enumerate(zip(base, tuned, strict=True)):
        row = case.answers[i]
        old, new = (replace(one, parts={name: value}) for one, value in ((row.base, before), (row.tuned, after)))
        case.answers[i] = replace(row, base=old, tuned=new)


def test_a_change_that_chance_can_make_is_neither_gain_nor_loss(case: Case) -> None:
    for i in range(8):
        case.add(f"more {i}", 20.0, 80.0)
    scored(case, "bold", [0.2] * 12, [0.8, 0.7] * 6)
    assert "Most gained: bold 20 % to 80 %." in visible(case.page())
    scored(case, "bold", [0.2] * 12, [0.8] * 2 + [0.0] * 9 + [0.9])
    page = visible(case.page())
    assert "Most gained" not in page
    assert "No single criterion changed by more than chance can explain." in page
