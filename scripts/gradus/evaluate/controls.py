"""The grader graded: answers whose rank is known beforehand must land where they belong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

from gradus.evaluate.content import Yardstick
from gradus.evaluate.marking import Marks, announce, mark
from gradus.evaluate.questions import Question
from gradus.evaluate.rubric import Rubric
from gradus.evaluate.words import words
from gradus.results import Control


@dataclass(frozen=True)
class _Kind:
    name: str
    description: str
    answers: Callable[[list[Question], Rubric], list[str | None]]
    """One answer per question; None where there is none to give."""
    finished: bool = True


def _references(questions: list[Question], _: Rubric) -> list[str | None]:
    return [question.reference for question in questions]


def _shuffled(questions: list[Question], _: Rubric) -> list[str | None]:
    """For each question the reference of one far away, of another group where there is one, with another text."""
    order = sorted(range(len(questions)), key=lambda i: (questions[i].group, i))
    place = {index: at for at, index in enumerate(order)}
    half = len(order) // 2
    answers: list[str | None] = []
    for index, question in enumerate(questions):
        others = [questions[order[(place[index] + half + step) % len(order)]] for step in range(len(order))]
        others = [other for other in others if other.reference != question.reference]
        elsewhere = [other for other in others if other.group != question.group]
        answers.append(next((other.reference for other in elsewhere or others), None))
    return answers


def _repetitions(questions: list[Question], rubric: Rubric) -> list[str | None]:
    return [_endless(question.reference, rubric.controls.repetition_times) for question in questions]


def _endless(reference: str, times: int) -> str:
    line = next((line for line in reference.splitlines() if words(line)), reference)
    return "\n".join([line] * max(times, times * len(reference) // len(line)))


def _echoes(questions: list[Question], _: Rubric) -> list[str | None]:
    return [question.text for question in questions]


def _nothing(questions: list[Question], _: Rubric) -> list[str | None]:
    return ["" for _ in questions]


KINDS = (
    _Kind("reference", "the reference answers themselves", _references),
    _Kind("shuffled", "the reference answers of other questions", _shuffled),
    _Kind("repetition", "the first line of the reference again and again, never ending", _repetitions, finished=False),
    _Kind("echo", "the question as answer", _echoes),
    _Kind("empty", "no answer", _nothing),
)


def run_controls(rubric: Rubric, questions: list[Question], yards: list[Yardstick]) -> tuple[Control, ...]:
    """Grade every control on the same questions. One that cannot be made (nothing to shuffle) is left out."""
    controls = []
    for kind in KINDS:
        given = [(yard, answer) for yard, answer in zip(yards, kind.answers(questions, rubric), strict=True) if answer is not None]
        announce(given)
        marks = [mark(rubric, yard, answer, kind.finished) for yard, answer in given]
        if marks:
            controls.append(_judge(rubric, kind, marks))
    return tuple(controls)


def _judge(rubric: Rubric, kind: _Kind, marks: list[Marks]) -> Control:
    percent = fmean(m.percent for m in marks)
    limits = rubric.controls
    if kind.name == "reference":
        expected, passed = f"at least {limits.reference_at_least:g} %", percent >= limits.reference_at_least
    else:
        limit = getattr(limits, f"{kind.name}_below")
        expected, passed = f"below {limit:g} %", percent < limit
    formatting, content = fmean(m.formatting for m in marks), fmean(m.content for m in marks)
    return Control(kind.name, kind.description, percent, formatting, content, expected, passed)


def broken(controls: tuple[Control, ...]) -> str | None:
    """Why the grade must be withheld, or None when every control landed where it belongs."""
    failed = [f"{c.name} ({c.description}) got {c.percent:.1f} %, expected {c.expected}" for c in controls if not c.passed]
    return f"the grader failed its own control: {'; '.join(failed)}" if failed else None
