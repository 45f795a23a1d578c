"""Mark one answer: its criteria, its formatting and content scores, and its percentage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gradus.evaluate.content import Yardstick, content_parts
from gradus.evaluate.formatting import formatting_parts
from gradus.evaluate.rubric import Rubric
from gradus.evaluate.structure import parse
from gradus.evaluate.words import words

PENALTY = "repetition"


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


def mark(rubric: Rubric, yard: Yardstick, text: str, finished: bool) -> Marks:
    """Mark an answer; criteria that do not count for the question are absent and the others share their weight."""
    answer = parse(text)
    looks = formatting_parts(rubric.formatting, yard.kind, yard.structure, answer, finished)
    says = content_parts(rubric.content, yard, answer)
    empty = not words(answer.text)
    if empty:
        looks, says = dict.fromkeys(looks, 0.0), dict.fromkeys(says, 0.0)
    formatting = _mean(looks, formatting_weights(rubric))
    content = _mean(says, content_weights(rubric)) * says[PENALTY]
    percent = 100 * (rubric.weights.formatting * formatting + rubric.weights.content * content)
    return Marks(percent, formatting, content, looks, says, empty)


def formatting_weights(rubric: Rubric) -> dict[str, float]:
    """Weight of each formatting criterion, in the rubric's order."""
    criteria = rubric.formatting.criteria
    return {name: getattr(criteria, name).weight for name in type(criteria).model_fields}


def content_weights(rubric: Rubric) -> dict[str, float]:
    """Weight of each content measure, in the rubric's order; the repetition factor is not among them."""
    measures = rubric.content.measures
    return {name: getattr(measures, name).weight for name in type(measures).model_fields}


def _mean(parts: Mapping[str, float], weights: Mapping[str, float]) -> float:
    counted = [name for name in weights if name in parts]
    return sum(weights[name] * parts[name] for name in counted) / sum(weights[name] for name in counted)
