"""Mark one answer: its criteria, its formatting and content scores, and its percentage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gradus.evaluate.content import Yardstick, content_parts, content_score
from gradus.evaluate.formatting import formatting_parts
from gradus.evaluate.rubric import Rubric
from gradus.evaluate.words import words
from gradus.structure import parse


@dataclass(frozen=True)
class Marks:
    """An answer's scores in [0, 1], its percentage, and the criteria that count for it, by name."""

    percent: float
    formatting: float
    content: float
    formatting_parts: dict[str, float]
    content_parts: dict[str, float]
    empty: bool
    """Not a single letter or digit; every criterion is then 0."""


def mark_all(rubric: Rubric, answers: Iterable[tuple[Yardstick, str, bool]]) -> list[Marks]:
    """Mark answers, each with its yardstick and whether it ended by itself; a sentence encoder reads them together, which is faster."""
    given = list(answers)
    if given and (understanding := given[0][0].understanding):
        understanding.read(parse(text).text for _, text, _ in given)
    return [mark(rubric, yard, text, finished) for yard, text, finished in given]


def mark(rubric: Rubric, yard: Yardstick, text: str, finished: bool) -> Marks:
    """Mark an answer; criteria that do not count for the question are absent and the others share their weight."""
    answer = parse(text)
    looks = formatting_parts(rubric.formatting, yard.kind, yard.structure, answer, finished)
    says = content_parts(rubric.content, yard, answer)
    empty = not words(answer.text)
    if empty:
        looks, says = dict.fromkeys(looks, 0.0), dict.fromkeys(says, 0.0)
    formatting = _mean(looks, formatting_weights(rubric))
    content = content_score(rubric.content, says)
    percent = 100 * (rubric.weights.formatting * formatting + rubric.weights.content * content)
    return Marks(percent, formatting, content, looks, says, empty)


def formatting_weights(rubric: Rubric) -> dict[str, float]:
    """Weight of each formatting criterion, in the rubric's order."""
    criteria = rubric.formatting.criteria
    return {name: getattr(criteria, name).weight for name in type(criteria).model_fields}


def _mean(parts: Mapping[str, float], weights: Mapping[str, float]) -> float:
    counted = [name for name in weights if name in parts]
    return sum(weights[name] * parts[name] for name in counted) / sum(weights[name] for name in counted)
