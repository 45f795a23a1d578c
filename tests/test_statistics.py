"""Intervals and p-values say what they claim."""

from __future__ import annotations

import numpy as np
import pytest

from gradus.statistics import draw, interval, permutation_p, questions_needed, ratio_interval

ALONE = [f"d{i}" for i in range(60)]


def test_the_interval_covers_the_truth_in_about_95_of_100_samples() -> None:
    generator = np.random.default_rng(3)
    draws = draw(ALONE, 500, 1)
    covered = 0
    for _ in range(300):
        found = interval(draws, list(generator.normal(10, 4, 60)), 0, 100)
        covered += found.low <= 10 <= found.high
    assert 270 <= covered <= 297


def test_the_interval_has_the_width_of_the_standard_error() -> None:
    values = list(np.random.default_rng(0).normal(50, 10, 60))
    found = interval(draw(ALONE, 4000, 0), values, 0, 100)
    expected = 2 * 1.96 * np.std(values) / np.sqrt(60)
    assert found.high - found.low == pytest.approx(expected, rel=0.1)
    assert found.low < np.mean(values) < found.high


def test_questions_about_one_document_do_not_count_as_many() -> None:
    """Ten copies of six values: as wide as six values, not as sixty."""
    values = [10.0, 20, 30, 40, 50, 60] * 10
    by_document = interval(draw([f"d{i % 6}" for i in range(60)], 2000, 0), values, 0, 100)
    by_question = interval(draw(ALONE, 2000, 0), values, 0, 100)
    assert by_document.high - by_document.low > 2 * (by_question.high - by_question.low)


def test_one_document_says_nothing_about_others() -> None:
    found = interval(draw(["same"] * 5, 200, 0), [50.0] * 5, 0, 100)
    assert (found.low, found.high) == (0, 100)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = list(np.random.default_rng(0).normal(50, 10, 60))
    assert interval(draw(ALONE, 300, 7), values, 0, 100) == interval(draw(ALONE, 300, 7), values, 0, 100)


def test_a_clear_difference_has_a_small_p_value_and_none_a_large_one() -> None:
    draws = draw(ALONE, 2000, 0)
    noise = np.random.default_rng(5).normal(0, 5, 60)
    assert permutation_p(draws, list(noise - noise.mean() + 4), 1) == pytest.approx(1 / 2001)
    assert permutation_p(draws, list(noise - noise.mean()), 1) > 0.9
    assert permutation_p(draws, [0.0] * 60, 1) == 1


def test_few_documents_cannot_show_a_difference() -> None:
    """Four documents have 16 arrangements of signs, two of them as extreme as all alike."""
    draws = draw(["a", "b", "c", "d"], 4000, 0)
    assert permutation_p(draws, [9.0, 9, 9, 9], 2) == pytest.approx(2 / 16, abs=0.02)


def test_questions_needed() -> None:
    assert questions_needed([10.0, -10.0] * 20) is None
    assert questions_needed([5.0]) is None
    assert questions_needed([3.0, 3.0, 3.0]) == 2
    few, many = questions_needed([0.0, 10.0] * 20), questions_needed([-9.0, 11.0] * 20)
    assert few is not None
    assert many is not None
    assert few == pytest.approx(8 * (np.std([0.0, 10.0] * 20, ddof=1) / 5) ** 2, abs=1.5)
    assert many > 10 * few


def test_questions_about_one_document_need_more_questions() -> None:
    """Ten copies of six differences tell as much as six, so ten times as many are needed."""
    differences = [2.0, -1, 4, 3, -2, 6] * 10
    alone, by_document = draw(ALONE, 4000, 0), draw([f"d{i % 6}" for i in range(60)], 4000, 0)
    plain = questions_needed(differences)
    assert plain is not None
    assert questions_needed(differences, alone) == pytest.approx(plain, rel=0.15)
    assert questions_needed(differences, by_document) == pytest.approx(10 * plain, rel=0.15)


def test_values_that_do_not_count_are_left_out() -> None:
    values: list[float | None] = [40.0 + i for i in range(30)]
    some = interval(draw(ALONE, 2000, 0), [*values, *[None] * 30], 0, 100)
    assert 50 < some.low < np.mean([v for v in values if v is not None]) < some.high < 59
    only_one = interval(draw(ALONE, 200, 0), [50.0, *[None] * 59], 0, 100)
    assert (only_one.low, only_one.high) == (0, 100), "what counts is about one document"


def test_the_interval_of_a_ratio_holds_the_ratio_of_the_sums() -> None:
    generator = np.random.default_rng(1)
    wholes = list(generator.uniform(10, 100, 60))
    parts = [0.3 * whole + noise for whole, noise in zip(wholes, generator.normal(0, 2, 60), strict=True)]
    found = ratio_interval(draw(ALONE, 2000, 0), parts, wholes)
    assert found is not None
    assert found.low < sum(parts) / sum(wholes) < found.high
    assert found.high - found.low < 0.05
    assert ratio_interval(draw(["same"] * 60, 100, 0), parts, wholes) is None
