"""How far two markers agree on the same answers: correlation, weighted kappa, errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradus.strict import Strict


@dataclass(frozen=True)
class Agreement(Strict):
    """Scores against expected ones on one scale from 0 to `scale`; None where a figure is not defined."""

    answers: int
    scale: float
    accuracy: float
    """Share of the answers whose rounded score is the rounded expected one."""
    mae: float
    """Mean absolute error, in points of the scale."""
    rmse: float
    qwk: float | None
    """Quadratic weighted kappa of the rounded scores (Cohen 1968); None when all scores of both are one number."""
    pearson: float | None
    """None when one side has the same score everywhere, or there are fewer than two answers."""


def agreement(scores: Sequence[float], expected: Sequence[float], scale: float) -> Agreement:
    """Compare two markers. Raises ValueError for no answers or sequences of different length."""
    if not scores or len(scores) != len(expected):
        raise ValueError(f"{len(scores)} scores and {len(expected)} expected ones")
    ours, theirs = np.asarray(scores, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    gaps = ours - theirs
    return Agreement(
        answers=len(scores),
        scale=scale,
        accuracy=float(np.mean(_rounded(ours) == _rounded(theirs))),
        mae=float(np.mean(np.abs(gaps))),
        rmse=float(np.sqrt(np.mean(gaps**2))),
        qwk=_weighted_kappa(_rounded(ours), _rounded(theirs)),
        pearson=_pearson(ours, theirs),
    )


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """To whole points, halves up: Python and NumPy round them to even, which no marker does."""
    return np.floor(values + 0.5)


def _weighted_kappa(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float | None:
    """1 - sum(w O) / sum(w E) with w = (i - j)^2; with these weights both sums are means of squared gaps.

    That of every score with every expected one is the squared gap of the means plus both variances.
    """
    by_chance = float((ours.mean() - theirs.mean()) ** 2 + ours.var() + theirs.var())
    return 1 - float(np.mean((ours - theirs) ** 2)) / by_chance if by_chance else None


def _pearson(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float | None:
    if len(ours) < 2 or np.ptp(ours) == 0 or np.ptp(theirs) == 0:
        return None
    return float(np.corrcoef(ours, theirs)[0, 1])
