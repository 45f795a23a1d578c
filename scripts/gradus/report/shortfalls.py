"""Which criterion keeps a score from its target, and how often the training answers show it."""

from __future__ import annotations

from collections.abc import Sequence

from gradus.report import numbers as n
from gradus.report.sources import Sources
from gradus.results import Part, Score

SHOWN_BY = {"language": "code", "closed": "code"}
"""Criteria that are learned from answers with a structure of another name."""


def worst_formatting(sources: Sources) -> tuple[Part | None, float | None]:
    """The formatting criterion below its target that costs most, and the share of the training answers that show it.

    How code is fenced comes after whether there is any. The share is None for a criterion that is no structure.
    """
    below = [part for part in sources.evaluation.tuned.formatting.parts if part.reached is False]
    names = {part.name for part in below}
    worst = furthest_off([part for part in below if SHOWN_BY.get(part.name) not in names], sources.evaluation.questions)
    return worst, sources.statistics.structure.get(SHOWN_BY.get(worst.name, worst.name)) if worst else None


def furthest_off(parts: Sequence[Part], questions: int) -> Part | None:
    """The criterion that costs most: the largest weight, times distance to its target (or to 1), times the share of the answers it counts for."""
    off = [
        (part.weight * ((1 if part.target is None else part.target) - part.value) * part.counted / questions, part)
        for part in parts
        if part.value is not None
    ]
    return max((pair for pair in off if pair[0] > 0), key=lambda pair: pair[0], default=(0, None))[1]


def against(score: Score | Part) -> str:
    """A value beside its target."""
    return n.decimal(score.value) + ("" if score.target is None else f" against {n.decimal(score.target)}")
