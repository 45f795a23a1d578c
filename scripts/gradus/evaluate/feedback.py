"""What is good and what is missing in an answer, in plain words, from the same measures that grade it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np

from gradus.config.evaluate import Submissions
from gradus.evaluate.content import Yardstick
from gradus.evaluate.marking import Marks
from gradus.evaluate.overlap import found_words, said
from gradus.evaluate.rubric import Rubric
from gradus.evaluate.words import numbers
from gradus.structure import parse

State = Literal["there", "partly there", "missing"]
WORDS, NUMBERS = 5, 10  # missing words, and numbers, that are named at most
PLAIN_DIGITS = 20  # a number with more is written with an exponent
HALF = 0.5
LOOKS = {
    "bold": "the reference sets its key terms in bold, this hardly does",
    "lists": "the reference is a list, this is none or a short one",
    "headings": "headings are missing",
    "tables": "the table is missing",
    "code": "the code block is missing",
    "language": "code blocks do not name their language",
    "closed": "a code block is not closed or missing",
}


@dataclass(frozen=True)
class PointMark:
    """One key point of the guide and how far the answer has it."""

    text: str
    points: float
    earned: float
    state: State


def state_of(content: float, settings: Submissions) -> State:
    """The word for a content score."""
    return "there" if content >= settings.there else "partly there" if content >= settings.partly else "missing"


def feedback(
    rubric: Rubric, settings: Submissions, yards: Sequence[Yardstick], points: Sequence[PointMark], marks: Marks, question: str, answer: str
) -> tuple[str, ...]:
    """Sentences about one answer.

    Args:
        yards: of the guide's key points, or the one of the reference.
        points: of the guide; empty without one.
        marks: of the whole answer against the reference, or against all key points together.
    """
    if marks.empty:
        return ("The answer is empty.",)
    told = [_point(point) for point in points]
    if not points:
        told += _against_reference(rubric, settings, yards[0], marks, answer)
    return (*told, *_numbers(yards, question, answer), *_looks(marks))


def _point(point: PointMark) -> str:
    text = point.text.rstrip(".")
    return f"{point.state[0].upper()}{point.state[1:]} ({point.earned:.1f} of {point.points:g}): {text}."


def _against_reference(rubric: Rubric, settings: Submissions, yard: Yardstick, marks: Marks, answer: str) -> list[str]:
    verdicts = {"there": "It says what the reference says.", "partly there": "It says part of what the reference says."}
    told = [verdicts.get(state_of(marks.content, settings), "It says little or nothing of what the reference says.")]
    if told[0] == verdicts["there"]:
        return told
    found = found_words(rubric.content.terms, yard.said.stems, said(parse(answer).text).stems)
    each = zip(np.asarray(yard.weights), yard.said.words, yard.said.stems, found, strict=True)
    lacking = [(weight, word) for weight, word, stem, there in each if not there and stem not in yard.asked.stems and not numbers(word)]
    names = list(dict.fromkeys(word for weight, word in sorted(lacking, key=lambda one: -one[0])))[:WORDS]
    return [*told, f"Words of the reference that it lacks: {', '.join(names)}."] if names else told


def _numbers(yards: Sequence[Yardstick], question: str, answer: str) -> list[str]:
    wanted = frozenset[Decimal]().union(*(yard.numbers for yard in yards))
    given = numbers(parse(answer).text)
    told = [f"Missing numbers: {_listed(wanted - given)}."] if wanted - given else []
    if wanted and (others := given - wanted - numbers(question)):
        told.append(f"Numbers that neither question nor reference has: {_listed(others)}.")
    return told


def _listed(values: frozenset[Decimal]) -> str:
    more = f" and {len(values) - NUMBERS} more" if len(values) > NUMBERS else ""
    return ", ".join(f"{value:f}" if abs(value.adjusted()) < PLAIN_DIGITS else str(value) for value in sorted(values)[:NUMBERS]) + more


def _looks(marks: Marks) -> list[str]:
    faults = [text for name, text in LOOKS.items() if marks.formatting_parts.get(name, 1.0) < HALF]
    told = [f"Form: {'; '.join(faults)}."] if faults else []
    return [*told, "It repeats itself."] if marks.content_parts.get("repetition", 1.0) < HALF else told
