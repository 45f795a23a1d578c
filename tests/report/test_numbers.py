"""Numbers as people read them: absent is a dash, rounding never claims nothing or all, signs are real."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gradus.interval import Interval
from gradus.report import numbers as n


@pytest.mark.parametrize("show", [n.count, n.decimal, n.percent, n.share, n.signed, n.significant, n.duration])
def test_what_was_not_measured_is_a_dash_and_zero_is_a_zero(show: Callable[[Any], str]) -> None:
    assert show(None) == n.ABSENT
    assert "0" in show(0)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 %"), (0.004, "< 1 %"), (0.5, "50 %"), (0.996, "> 99 %"), (1, "100 %")],
)  # fmt: skip
def test_a_share_rounds_to_none_or_all_only_when_it_is(value: float, text: str) -> None:
    assert n.share(value).replace(n.THIN, " ") == text


@pytest.mark.parametrize(("value", "text"), [(3.44, "+3.4"), (-3.46, "−3.5"), (0.01, "0.0"), (-0.01, "0.0"), (0, "0.0")])
def test_a_difference_has_its_sign_unless_it_rounds_to_nothing(value: float, text: str) -> None:
    assert n.signed(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(4.23, "4.2 s"), (59, "59 s"), (200.4, "3 min 20 s"), (3600 + 61, "1 h 1 min")])
def test_durations(seconds: float, text: str) -> None:
    assert n.duration(seconds).replace(n.THIN, " ") == text


def test_small_p_values_and_rates_keep_their_digits() -> None:
    assert (n.p_value(0.0004), n.p_value(0.0312)) == ("p < 0.001", "p = 0.031")
    assert (n.significant(0.002), n.significant(2e-5)) == ("0.002", "2e−5")


def test_sizes_and_keys_in_words() -> None:
    assert (n.size_of_model(1_068_288), n.size_of_model(1_700_000_000), n.size_of_model(900)) == ("1.07 million", "1.7 billion", "900")
    assert n.label("token_f1") == "Token f1"


def test_an_interval_is_told_only_when_the_values_differ() -> None:
    assert n.interval(Interval(16.14, 23.2)) == "16.1 to 23.2"
    assert n.interval(Interval(-1.0, 3.0), difference=True) == "−1.0 to +3.0"
    assert n.interval(Interval(0.1, 0.1 + 1e-16), 2) == n.UNTOLD
    assert n.interval(None) == ""
