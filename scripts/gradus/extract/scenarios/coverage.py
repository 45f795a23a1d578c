"""How evenly a sample covers the grid: pairs of levels, and each value's share against its weight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradus.extract.scenarios.grid import Grid
from gradus.extract.scenarios.sample import Scenario


@dataclass(frozen=True)
class Deviation:
    """The value of a variable whose share of the sample is furthest from the one that its weight asks for."""

    value: str
    wanted: float
    found: float


@dataclass(frozen=True)
class Coverage:
    """The figures of one sample. Pairs are of levels of two different variables; absence of an optional one is a level."""

    scenarios: int
    variables: int
    levels: int
    pairs: int
    forbidden_pairs: int
    """Pairs that the constraints forbid; they are no part of the allowed ones."""
    allowed_pairs: int
    covered_pairs: int
    complete_after: int | None
    """Scenarios after which every allowed pair was covered; None when that was not reached."""
    rarest_pair: int
    """How often the rarest allowed pair occurs."""
    repeated: int
    """Scenarios with the same values as an earlier one."""
    deviations: dict[str, Deviation]
    """The largest deviation of each variable."""

    @property
    def share(self) -> float:
        """Covered pairs over allowed pairs."""
        return self.covered_pairs / self.allowed_pairs


def coverage_of(grid: Grid, allowed: NDArray[np.bool_], scenarios: Sequence[Scenario]) -> Coverage:
    """The coverage of a sample of at least one scenario; `allowed` as `Solver.allowed_pairs` returns it."""
    starts = np.array(grid.starts)
    chosen = np.zeros((len(scenarios), starts[-1]), dtype=np.float32)
    np.put_along_axis(chosen, starts[:-1] + np.array([scenario.levels for scenario in scenarios]), 1, axis=1)
    owner = np.repeat(np.arange(len(grid.names)), np.diff(starts))
    upper = np.triu(owner[:, None] != owner[None, :], 1)
    wanted = upper & allowed
    together = (chosen.T @ chosen)[wanted]  # float32 counts are exact up to 2^24 scenarios
    keys = Counter(tuple((name, value.value) for name, value in scenario.values.items()) for scenario in scenarios)
    return Coverage(
        scenarios=len(scenarios),
        variables=len(grid.names),
        levels=int(starts[-1]),
        pairs=int(upper.sum()),
        forbidden_pairs=int(upper.sum() - wanted.sum()),
        allowed_pairs=int(wanted.sum()),
        covered_pairs=int((together > 0).sum()),
        complete_after=_complete_after(chosen, wanted),
        rarest_pair=int(together.min()),
        repeated=len(scenarios) - len(keys),
        deviations=_deviations(grid, chosen.mean(axis=0, dtype=np.float64)),
    )


def _complete_after(chosen: NDArray[np.float32], wanted: NDArray[np.bool_]) -> int | None:
    """After how many rows every wanted pair has occurred, by bisection; None when some never does."""

    def whole(rows: int) -> bool:
        part = chosen[:rows]
        return bool((part.T @ part)[wanted].all())

    low, high = 0, len(chosen)
    if not whole(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if whole(middle) else (middle, high)
    return high


def _deviations(grid: Grid, found: NDArray[np.float64]) -> dict[str, Deviation]:
    worst: dict[str, Deviation] = {}
    for name, levels, start in zip(grid.names, grid.levels, grid.starts, strict=False):
        shares = found[start : start + len(levels)]
        at = max(range(len(levels)), key=lambda n: abs(float(shares[n]) - levels[n].share))
        worst[name] = Deviation(levels[at].named(), round(levels[at].share, 4), round(float(shares[at]), 4))
    return worst
