"""The grader must recognise a grader that has gone wrong."""

from __future__ import annotations

from typing import Any

from gradus.embedding import Encoder
from gradus.evaluate.content import settle, yardstick
from gradus.evaluate.controls import EMPTY, KINDS, REFERENCE, broken, expectation, run_controls
from gradus.evaluate.questions import Question
from gradus.evaluate.rubric import Rubric
from gradus.results import Control

from .conftest import questions_of, row


def _run(rubric: Rubric, questions: list[Question], encoder: Encoder | None = None) -> tuple[Control, ...]:
    settled, understanding = settle(rubric, encoder)
    return run_controls(settled, questions, [yardstick(settled.content, q.kind, q.text, q.reference, understanding) for q in questions])


def _one(question: str, answer: str, name: str = "a") -> dict[str, Any]:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"id": name, "kind": "faq", "group": name, "document_id": name, "messages": messages}


def test_a_sound_grader_passes(rubric: Rubric) -> None:
    controls = _run(rubric, questions_of([row(i) for i in range(10)]))
    names = [control.name for control in controls]
    assert (names[0], set(names[1:-1]), names[-1]) == ("reference", {"shuffled", "echo", "repetition"}, "empty")
    percents = [control.percent for control in controls]
    assert percents == sorted(percents, reverse=True), "they stand in the order that is expected"
    assert broken(controls) is None
    assert controls[0].percent > 99
    assert controls[0].percent > max(control.percent for control in controls[1:]) + 40
    assert controls[-1].percent == 0


def test_a_grader_with_embeddings_passes(rubric: Rubric, encoder: Encoder) -> None:
    controls = _run(rubric, questions_of([row(i) for i in range(10)]), encoder)
    assert broken(controls) is None
    assert controls[0].percent > 99
    assert controls[0].percent > max(control.percent for control in controls[1:]) + 40


def test_references_that_are_all_alike_break_the_order(rubric: Rubric) -> None:
    """When any answer fits any question, overlap with the reference shows nothing: no grade."""
    rows = [_one(f"Question {i}?", f"Please read the manual of the device carefully, on page {i}.", f"d{i}") for i in range(6)]
    reason = broken(_run(rubric, questions_of(rows)))
    assert reason is not None
    assert "shuffled" in reason
    assert "below 55 %" in reason


def test_a_reference_that_is_not_on_top_breaks_the_order(rubric: Rubric) -> None:
    rows = [_one(f"Question {i}?", f"Unclosed {name}:\n```\n{name}()", f"d{i}") for i, name in enumerate(("alpha", "beta", "gamma"))]
    reason = broken(_run(rubric, questions_of(rows)))
    assert reason is not None
    assert "reference" in reason
    assert "at least 95 %" in reason


def test_one_question_has_nothing_to_shuffle(rubric: Rubric) -> None:
    controls = _run(rubric, questions_of([row(0)]))
    assert {control.name for control in controls} == {"reference", "echo", "repetition", "empty"}
    assert broken(controls) is None


def test_shuffled_answers_come_from_elsewhere(rubric: Rubric) -> None:
    questions = questions_of([row(i) for i in range(10)])
    shuffled = next(kind for kind in KINDS if kind.name == "shuffled").answers(questions, rubric)
    assert all(answer != question.reference for answer, question in zip(shuffled, questions, strict=True))
    assert set(shuffled) == {question.reference for question in questions}


def _expected(rubric: Rubric, **percents: float) -> dict[str, tuple[str, bool]]:
    """What is said of controls that reached these percentages."""
    found = {next(kind for kind in KINDS if kind.name == name): percent for name, percent in percents.items()}
    return {kind.name: expectation(rubric.controls, kind, found) for kind in found}


def test_the_order_is_asserted_beside_the_limits(rubric: Rubric) -> None:
    sound = _expected(rubric, reference=100.0, shuffled=33.1, repetition=4.4, echo=12.0, empty=0.0)
    assert all(passed for _, passed in sound.values())
    assert sound["reference"][0] == "at least 95 %, above all others"
    assert sound["empty"][0] == "below 1 %, above no other"
    assert REFERENCE.rank < EMPTY.rank


def test_references_that_others_reach_too_are_out_of_order(rubric: Rubric) -> None:
    level = _expected(rubric, reference=97.0, shuffled=97.0, empty=0.0)
    assert (level["reference"][1], level["shuffled"][1], level["empty"][1]) == (False, False, True)


def test_no_answer_stands_at_the_bottom_where_others_may_stand_too(rubric: Rubric) -> None:
    assert _expected(rubric, reference=100.0, echo=0.0, empty=0.0)["empty"][1]
    assert not _expected(rubric, reference=100.0, echo=0.2, empty=0.4)["empty"][1], "within its limit, but above the echo"


def test_a_question_that_shares_more_with_its_answer_than_others_do_is_no_fault(rubric: Rubric) -> None:
    assert all(passed for _, passed in _expected(rubric, reference=100.0, shuffled=8.0, echo=20.0, empty=0.0).values())
