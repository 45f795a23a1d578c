"""Which criteria changed from base to tuned model by more than chance explains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradus.report import numbers as n
from gradus.report.labels import spoken
from gradus.report.sources import Sources
from gradus.results import Part, ScoredAnswer
from gradus.statistics import draw, permutation_p, ratio_interval

ERROR = 0.05
"""What a 95 % interval leaves out."""


@dataclass(frozen=True)
class Change:
    """A criterion as both models scored it; both values were measured."""

    name: str
    base: float
    tuned: float

    @property
    def gain(self) -> float:
        """Tuned minus base."""
        return self.tuned - self.base

    def __str__(self) -> str:
        return f"{spoken(self.name)} {n.share(self.base)} to {n.share(self.tuned)}"


def changes(sources: Sources) -> list[Change]:
    """Every criterion whose change can be told from chance, largest gain first; penalties, which are 1 for most answers, are none."""
    found = [change for change in _measured(sources) if separable(sources, _part_of(change.name))]
    return sorted(found, key=lambda change: -change.gain)


def _part_of(name: str) -> Callable[[ScoredAnswer], float | None]:
    return lambda answer: answer.parts.get(name)


def _measured(sources: Sources) -> list[Change]:
    base, tuned = sources.evaluation.base, sources.evaluation.tuned
    before: dict[str, Part] = {part.name: part for part in (*base.formatting.parts, *base.content.parts)}
    pairs = [(before[part.name], part) for part in (*tuned.formatting.parts, *tuned.content.parts) if part.name in before and not part.factor]
    return [Change(new.name, old.value, new.value) for old, new in pairs if old.value is not None and new.value is not None]


def separable(sources: Sources, value: Callable[[ScoredAnswer], float | None]) -> bool:
    """Whether the models differ in a value: 0 is outside the 95 % interval of the mean difference, and the permutation test agrees.

    As for the grade, what is drawn and what changes sign are whole documents; of a single one nothing can be said.

    Args:
        value: of one answer; None when it does not count.
    """
    pairs = [(row.document_id, value(row.base), value(row.tuned)) for row in sources.answers]
    counted = [(name, tuned - base) for name, base, tuned in pairs if base is not None and tuned is not None]
    if not counted:
        return False
    seed, differences = sources.evaluation.seed, [difference for _, difference in counted]
    draws = draw([name for name, _ in counted], sources.bootstrap_samples, seed)
    spread = ratio_interval(draws, differences, [1.0] * len(counted))
    return spread is not None and not spread.low <= 0 <= spread.high and permutation_p(draws, differences, seed) < ERROR
