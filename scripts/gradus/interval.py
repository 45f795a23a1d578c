"""A 95 % interval."""

from __future__ import annotations

from dataclasses import dataclass

from gradus.strict import Strict


@dataclass(frozen=True)
class Interval(Strict):
    """A 95 % interval in the unit of the number it belongs to."""

    low: float
    high: float

    @property
    def told(self) -> bool:
        """Whether it says anything: values that are all the same do not show how much others would differ."""
        return self.high - self.low > 1e-9
