"""A 95 % interval, and how result records are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict


class Strict:
    """Read from JSON, such a record refuses unknown fields, wrong types, NaN and infinity."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Interval(Strict):
    """A 95 % interval in the unit of the number it belongs to."""

    low: float
    high: float

    @property
    def told(self) -> bool:
        """Whether it says anything: values that are all the same do not show how much others would differ."""
        return self.high - self.low > 1e-9
