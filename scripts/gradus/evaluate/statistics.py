"""How sure the numbers are: bootstrap intervals and a paired permutation test, by source document.

Questions about one document are not independent of each other, so whole documents are drawn (cluster bootstrap) and
whole documents change sign (permutation). Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapters 13
and 15; p-value with the observed arrangement counted (Phipson and Smyth 2010).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradus.results import Interval

Z_ERROR, Z_POWER = 1.959964, 0.841621  # normal quantiles of 97.5 % (two-sided 5 % error) and 80 % power


@dataclass(frozen=True)
class Draws:
    """The bootstrap's draws: row b says how often each document is drawn; the same draws serve every score."""

    members: NDArray[np.float64]
    """Documents x questions: 1 where a question belongs to a document."""
    counts: NDArray[np.float64]
    """Samples x documents."""


def draw(clusters: Sequence[str], samples: int, seed: int) -> Draws:
    """Draw documents with replacement. `clusters` names the document of each question."""
    names = sorted(set(clusters))
    members = np.array([[cluster == name for cluster in clusters] for name in names], dtype=np.float64)
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), size=samples)
    return Draws(members, counts.astype(np.float64))


def interval(draws: Draws, values: Sequence[float], lowest: float, highest: float) -> Interval:
    """95 % percentile interval of the mean of one value per question.

    From a single document nothing can be said about others: then it is the whole range from `lowest` to `highest`.
    """
    if len(draws.members) < 2:
        return Interval(lowest, highest)
    totals = draws.counts @ (draws.members @ np.asarray(values, dtype=np.float64))
    means = totals / (draws.counts @ draws.members.sum(axis=1))
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(low), float(high))


def permutation_p(draws: Draws, differences: Sequence[float], seed: int) -> float:
    """Two-sided p-value that the mean paired difference is 0, by random sign flips, as many as there are draws."""
    totals = draws.members @ np.asarray(differences, dtype=np.float64)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(len(draws.counts), len(totals)))
    # the tolerance keeps arrangements that differ by rounding alone on the side of the observed one
    extreme = np.abs(signs @ totals) >= abs(totals.sum()) * (1 - 1e-12)
    return float((1 + extreme.sum()) / (1 + len(extreme)))


def questions_needed(differences: Sequence[float]) -> int | None:
    """How many questions show a mean difference of this size with 5 % error and 80 % power (normal approximation)."""
    values = np.asarray(differences, dtype=np.float64)
    mean = float(values.mean())
    if len(values) < 2 or mean == 0:
        return None
    return max(2, math.ceil(((Z_ERROR + Z_POWER) * float(values.std(ddof=1)) / mean) ** 2))
