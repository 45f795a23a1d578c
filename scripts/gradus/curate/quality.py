"""The quality score: the weighted mean of the signals, and what lowered it."""

from __future__ import annotations

from dataclasses import dataclass

from gradus.config.schema import Curate, QualityWeights
from gradus.curate.signals import SIGNALS, sample_of
from gradus.records import Example


@dataclass(frozen=True)
class Quality:
    """The score of an example in [0, 1] and the signals it is the weighted mean of."""

    score: float
    signals: dict[str, float]

    def losses(self, weights: QualityWeights) -> dict[str, float]:
        """How much each signal took from a full score, largest first; signals that took nothing are left out."""
        total = sum(weight for _, weight in weights)
        lost = {name: getattr(weights, name) * (1 - value) / total for name, value in self.signals.items()}
        return {name: loss for name, loss in sorted(lost.items(), key=lambda item: -item[1]) if loss > 0}


def judge(example: Example, settings: Curate) -> Quality:
    """Measure all signals of an example and weigh them."""
    sample = sample_of(example)
    signals = {name: signal(sample, settings.bounds) for name, signal in SIGNALS.items()}
    weights = settings.weights
    total = sum(weight for _, weight in weights)
    score = sum(getattr(weights, name) * value for name, value in signals.items()) / total
    return Quality(round(score, 6), signals)
