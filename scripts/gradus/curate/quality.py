"""The quality score: the weighted mean of the signals, and what lowered it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gradus.config.schema import QualityWeights
from gradus.curate.signals import SIGNALS

LANGUAGE = "language"
"""The signal that depends on the other examples: which languages are expected."""
SIGNAL_NAMES = (*SIGNALS, LANGUAGE)


def weigh(signals: np.ndarray, weights: QualityWeights) -> np.ndarray:
    """The scores `(n,)` of signals `(n, signals)` in the order of `SIGNAL_NAMES`, to six digits.

    Added column by column, so that a score does not depend on how many others are computed beside it.
    """
    score = np.zeros(len(signals))
    for column, name in enumerate(SIGNAL_NAMES):
        score += getattr(weights, name) * signals[:, column]
    return np.round(score / sum(weight for _, weight in weights), 6)


def losses(signals: Mapping[str, float], weights: QualityWeights) -> dict[str, float]:
    """How much each signal took from a full score, largest first; signals that took nothing are left out."""
    total = sum(weight for _, weight in weights)
    lost = {name: getattr(weights, name) * (1 - value) / total for name, value in signals.items()}
    return {name: loss for name, loss in sorted(lost.items(), key=lambda item: -item[1]) if loss > 0}
