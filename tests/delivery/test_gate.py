"""The gate of 09_promote: what it refuses, and that it says why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradus.config import load_config
from gradus.promote.gate import objections
from gradus.promote.pairing import Paired
from gradus.registry_entries import Graded
from gradus.results import Interval

DEFAULTS = load_config().promote
GRADED = Graded("B", 75.5, 50.0, 30, None, "e" * 64)
WITHHELD = replace(GRADED, letter=None, percent=None, withheld="the empty answer scored higher than the reference")


@pytest.mark.parametrize(
    ("graded", "minimum", "must_beat", "reason"),
    [
        (GRADED, 0, True, None),
        (GRADED, 75.5, True, None),
        (GRADED, 75.6, True, "75.5 % is below promote.minimum_percent (75.6 %)"),
        (replace(GRADED, base_percent=75.5), 0, True, "not above the base model's 75.5 %"),
        (replace(GRADED, base_percent=80.0), 0, False, None),
        (WITHHELD, 0, False, "withheld (the empty answer scored higher"),
    ],
)
def test_the_gate_says_why(graded: Graded, minimum: float, must_beat: bool, reason: str | None) -> None:
    found = objections(graded, None, DEFAULTS.model_copy(update={"minimum_percent": minimum, "must_beat_base": must_beat}))
    assert len(found) == (reason is not None)
    assert reason is None or reason in found[0]


@pytest.mark.parametrize(
    ("difference", "p_value", "reason"),
    [
        (4.0, 0.01, None),
        (0.0, 1.0, None),
        (-1.5, 0.6, None),
        (-1.5, 0.05, "worse than the current model v3 by -1.5 points on the same 40 questions (95 %: -5.0 to +2.0, p = 0.05)"),
        (-2.5, 0.6, "beyond promote.tolerance_points (2)"),
    ],
)
def test_the_gate_refuses_what_is_worse_than_the_current_model(difference: float, p_value: float, reason: str | None) -> None:
    paired = Paired("v3", 40, 10, 20, difference, Interval(-5, 2), p_value)
    found = objections(GRADED, paired, DEFAULTS)
    assert len(found) == (reason is not None)
    assert reason is None or reason in found[0]


def test_the_gate_refuses_what_could_not_be_compared() -> None:
    assert objections(GRADED, "no common questions", DEFAULTS) == ["no common questions"]
