"""Agreement of two markers, against figures worked out by hand or by the definition."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from gradus.agreement import agreement


def kappa_by_table(ours: list[int], theirs: list[int], levels: int) -> float:
    """Quadratic weighted kappa as it is defined, by the tables of observed and expected counts."""
    observed = np.zeros((levels, levels))
    for a, b in zip(ours, theirs, strict=True):
        observed[a, b] += 1
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / len(ours)
    weights = np.array([[(i - j) ** 2 for j in range(levels)] for i in range(levels)])
    return float(1 - (weights * observed).sum() / (weights * expected).sum())


def test_every_figure_on_a_small_case() -> None:
    found = agreement([4.6, 2.0, 0.4], [5, 3, 0], 5)
    assert (found.answers, found.scale) == (3, 5)
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.mae == pytest.approx((0.4 + 1 + 0.4) / 3)
    assert found.rmse == pytest.approx(((0.16 + 1 + 0.16) / 3) ** 0.5)
    assert found.pearson == pytest.approx(np.corrcoef([4.6, 2, 0.4], [5, 3, 0])[0, 1])


def test_kappa_is_that_of_its_definition() -> None:
    generator = np.random.default_rng(0)
    theirs = [int(x) for x in generator.integers(0, 6, 200)]
    ours = [int(np.clip(x + y, 0, 5)) for x, y in zip(theirs, generator.integers(-2, 3, 200), strict=True)]
    assert agreement(ours, theirs, 5).qwk == pytest.approx(kappa_by_table(ours, theirs, 6))


def test_many_answers_need_no_table_of_pairs() -> None:
    """200,000 answers: every score beside every expected one would take 320 GB."""
    theirs = np.random.default_rng(1).integers(0, 6, 200_000)
    ours = (theirs + 1) % 6
    assert agreement(list(ours), list(theirs), 5).qwk == pytest.approx(kappa_by_table(list(ours), list(theirs), 6))


def test_halves_are_rounded_up() -> None:
    assert agreement([0.5, 1.5, 2.5], [1, 2, 3], 5).accuracy == 1


def test_what_is_not_defined_is_none() -> None:
    same = agreement([3.0, 3.0], [3, 3], 5)
    assert (same.qwk, same.pearson, same.accuracy) == (None, None, 1)
    assert agreement([1.0], [2], 5).pearson is None
    for scores, expected in itertools.permutations(([1.0], []), 2):
        with pytest.raises(ValueError, match="scores"):
            agreement(scores, expected, 5)
