"""The grader graded: answers whose rank is known beforehand must land where they belong.

Two things are asserted of every control: the rubric's limit, and its place in the order. The references stand above all
others. No answer stands at the bottom, where others may join it. Between them are the texts that do not answer the
question. Which of those comes first is no sign of a good grader (a question can share more words with its answer than a
foreign answer does), so no order is asked of them among themselves; that they earn little is what their limits say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean

from gradus.evaluate.content import Yardstick
from gradus.evaluate.marking import Marks, mark_all
from gradus.evaluate.questions import Question
from gradus.evaluate.rubric import ControlLimits, Rubric
from gradus.evaluate.words import words
from gradus.results import Control


@dataclass(frozen=True)
class _Kind:
    name: str
    description: str
    rank: int
    """Place in the expected order, 0 on top."""
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


REFERENCE = _Kind("reference", "the reference answers themselves", 0, _references)
EMPTY = _Kind("empty", "no answer", 2, _nothing)
KINDS = (
    REFERENCE,
    _Kind("shuffled", "the reference answers of other questions", 1, _shuffled),
    _Kind("repetition", "the first line of the reference again and again, never ending", 1, _repetitions, finished=False),
    _Kind("echo", "the question as answer", 1, _echoes),
    EMPTY,
)


def run_controls(rubric: Rubric, questions: list[Question], yards: list[Yardstick]) -> tuple[Control, ...]:
    """Grade every control on the same questions; in the order expected. One that cannot be made (nothing to shuffle) is left out."""
    found: dict[_Kind, list[Marks]] = {}
    for kind in KINDS:
        given = [(yard, answer, kind.finished) for yard, answer in zip(yards, kind.answers(questions, rubric), strict=True) if answer is not None]
        if given:
            found[kind] = mark_all(rubric, given)
    percents = {kind: fmean(m.percent for m in marks) for kind, marks in found.items()}
    ordered = sorted(found, key=lambda kind: (kind.rank, -percents[kind]))
    return tuple(_judge(rubric.controls, kind, found[kind], percents) for kind in ordered)


def _judge(limits: ControlLimits, kind: _Kind, marks: list[Marks], percents: Mapping[_Kind, float]) -> Control:
    expected, passed = expectation(limits, kind, percents)
    formatting, content = fmean(m.formatting for m in marks), fmean(m.content for m in marks)
    return Control(kind.name, kind.description, percents[kind], formatting, content, expected, passed)


def expectation(limits: ControlLimits, kind: _Kind, percents: Mapping[_Kind, float]) -> tuple[str, bool]:
    """What is expected of a control, in words, and whether its percentage is that."""
    own, others = percents[kind], [percent for other, percent in percents.items() if other is not kind]
    if kind is REFERENCE:
        least = limits.reference_at_least
        return f"at least {least:g} %, above all others", own >= least and all(own > other for other in others)
    limit = getattr(limits, f"{kind.name}_below")
    if kind is EMPTY:
        return f"below {limit:g} %, above no other", own < limit and all(own <= other for other in others)
    return f"below {limit:g} %", own < limit


def broken(controls: tuple[Control, ...]) -> str | None:
    """Why the grade must be withheld, or None when every control landed where it belongs."""
    failed = [f"{c.name} ({c.description}) got {c.percent:.1f} %, expected {c.expected}" for c in controls if not c.passed]
    return f"the grader failed its own control: {'; '.join(failed)}" if failed else None
