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

from gradus.interval import Interval

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
    members = (np.array(names)[:, None] == np.array(clusters)[None, :]).astype(np.float64)
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), size=samples)
    return Draws(members, counts.astype(np.float64))


def interval(draws: Draws, values: Sequence[float | None], lowest: float, highest: float) -> Interval:
    """95 % percentile interval of the mean of one value per question; None is a question that does not count.

    From a single document nothing can be said about others: then it is the whole range from `lowest` to `highest`.
    """
    counted = [value is not None for value in values]
    return ratio_interval(draws, [value or 0.0 for value in values], counted) or Interval(lowest, highest)


def ratio_interval(draws: Draws, parts: Sequence[float], wholes: Sequence[float]) -> Interval | None:
    """95 % percentile interval of the sum of `parts` over the sum of `wholes`, one of each per question.

    None when what counts, the questions with a whole above 0, is about fewer than two documents.
    """
    by_document = draws.members @ np.asarray(wholes, dtype=np.float64)
    if np.count_nonzero(by_document) < 2:
        return None
    totals = draws.counts @ by_document
    with_some = totals > 0  # a draw can miss every document that counts
    ratios = (draws.counts @ (draws.members @ np.asarray(parts, dtype=np.float64)))[with_some] / totals[with_some]
    low, high = np.quantile(ratios, [0.025, 0.975])
    return Interval(float(low), float(high))


def permutation_p(draws: Draws, differences: Sequence[float], seed: int) -> float:
    """Two-sided p-value that the mean paired difference is 0, by random sign flips, as many as there are draws."""
    totals = draws.members @ np.asarray(differences, dtype=np.float64)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(len(draws.counts), len(totals)))
    # the tolerance keeps arrangements that differ by rounding alone on the side of the observed one
    extreme = np.abs(signs @ totals) >= abs(totals.sum()) * (1 - 1e-12)
    return float((1 + extreme.sum()) / (1 + len(extreme)))


def questions_needed(differences: Sequence[float], draws: Draws | None = None) -> int | None:
    """How many questions show a mean difference of this size with 5 % error and 80 % power; None when it is 0.

    n = ((z_0.975 + z_0.8) s / d)^2 for a paired comparison with mean d and standard deviation s (normal approximation;
    Chow, Shao and Wang 2008, "Sample Size Calculations in Clinical Research", section 3.1), times the design effect
    (Kish 1965, "Survey Sampling", chapter 5) that the draws show: questions about one document tell less than as many
    about others. At least 2.
    """
    values = np.asarray(differences, dtype=np.float64)
    mean = float(values.mean())
    if len(values) < 2 or mean == 0:
        return None
    plain = ((Z_ERROR + Z_POWER) * float(values.std(ddof=1)) / mean) ** 2
    return max(2, math.ceil(plain * (design_effect(draws, values) if draws else 1.0)))


def design_effect(draws: Draws, values: NDArray[np.float64]) -> float:
    """The variance of the mean when documents are drawn over that when questions are; 1 where that cannot be told."""
    alone = float(values.var()) / len(values)
    if len(draws.members) < 2 or alone == 0:
        return 1.0
    means = (draws.counts @ (draws.members @ values)) / (draws.counts @ draws.members.sum(axis=1))
    return max(1.0, float(means.var()) / alone)
