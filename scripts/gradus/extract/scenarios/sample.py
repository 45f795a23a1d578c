"""A seeded, endless row of scenarios that covers the grid evenly and obeys the constraints.

The first rows are a covering array: every two levels that may stand together do so in some row. They are made greedily,
the best of several candidates a row, as in AETG (Cohen, Dalal, Fredman, Patton 1997, "The AETG system: an approach to
testing based on combinatorial design"); constraints are propagated while a row is filled, as in Cohen, Dwyer, Shi 2008,
"Constructing interaction test suites for highly-configurable systems". The rows after that keep each value near its weight
and each pair near the product of the two: every variable takes the level that is furthest behind, alone and together with
the levels that the row has so far. A longer sample begins with the shorter one of the same seed, so a raised count makes
only what is new.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from gradus.errors import UserError
from gradus.extract.scenarios.grid import Grid
from gradus.extract.scenarios.schema import Sampling, Value
from gradus.extract.scenarios.solve import Domains, Solver, Ties

_TRIES = 20  # for a row that was not there before; then a small grid is taken to be used up, and the row repeats


@dataclass(frozen=True)
class Scenario:
    """One row: the number it has in the sample, the level of each variable, and the values; absent variables have none."""

    number: int
    levels: tuple[int, ...]
    values: dict[str, Value]
    again: bool = False
    """It is asked for the second time."""


class Sampler:
    """Draws scenarios one after the other; the same grid, settings and seed give the same ones each time it is iterated.

    Args:
        sampling: how many candidates a covering row has, and how strongly these rows keep to the weights.
        where: the place of the constraints, for the error.

    Raises:
        UserError: when no scenario at all obeys the constraints.
    """

    def __init__(self, grid: Grid, sampling: Sampling, seed: int, where: str = "constraints") -> None:
        self.grid, self.sampling, self.seed = grid, sampling, seed
        self.solver = Solver(grid)
        self.allowed = self.solver.allowed_pairs()
        if not np.diag(self.allowed).any() or self.solver.solution([]) is None:
            raise UserError("no scenario obeys all constraints", where=where, cure="Take some of them out")

    def __iter__(self) -> Iterator[Scenario]:
        """Scenarios without end; when a small grid is used up they repeat."""
        rows, numbers = _Rows(self), _Numbers(self.grid, np.random.default_rng([self.seed, 1]))
        seen: set[tuple[tuple[str, object], ...]] = set()
        for number in count():
            for _ in range(_TRIES):
                levels = rows.draw()
                values = numbers.values(levels)
                key = tuple((name, value.value) for name, value in values.items())
                if key not in seen:
                    break
            seen.add(key)
            rows.note(levels)
            yield Scenario(number, levels, values)


class _Rows:
    """The rows so far, as counts, and the next one."""

    def __init__(self, sampler: Sampler) -> None:
        grid = sampler.grid
        self.grid, self._solver, self._sampling = grid, sampler.solver, sampler.sampling
        self._generator = np.random.default_rng(sampler.seed)
        # 1 for every two levels that may stand together and have not yet.
        self._uncovered = (np.triu(sampler.allowed, 1) | np.triu(sampler.allowed, 1).T).astype(np.float32)
        self._lag = np.zeros(grid.starts[-1])
        self._pair_lag = np.zeros((grid.starts[-1], grid.starts[-1]), dtype=np.float32)
        self._pair_shares = np.outer(grid.shares, grid.shares).astype(np.float32)
        self._open = _possible(grid, sampler.allowed)

    def draw(self) -> tuple[int, ...]:
        """A row of levels, one for each variable; it is not counted before `note`."""
        return self._covering_row() if self._uncovered.any() else self._balanced_row()

    def note(self, levels: tuple[int, ...]) -> None:
        """Take a row's pairs as covered, and bring up to date by how many rows each level and pair is behind its share."""
        row = np.array(self.grid.starts[:-1]) + np.array(levels)
        self._uncovered[np.ix_(row, row)] = 0
        self._lag += self.grid.shares
        self._lag[row] -= 1
        self._pair_lag += self._pair_shares
        self._pair_lag[np.ix_(row, row)] -= 1

    def _balanced_row(self) -> tuple[int, ...]:
        """The row whose levels and pairs are furthest behind; the variables choose in random order."""
        behind = self._lag + self._generator.random(len(self._lag))  # a chance of one row's worth, else it falls into a rhythm
        return self._completed(self._open, self._generator.permutation(len(self.grid.names)), self._pair_lag, behind)

    def _completed(self, domains: Domains, order: NDArray[np.int64], ties: Ties, own: NDArray[np.float64]) -> tuple[int, ...]:
        """A whole row; each variable takes the level with the largest sum of its own worth and its ties to the levels taken."""
        starts = self.grid.starts

        def score(variable: int, worth: NDArray[np.float32]) -> list[float]:
            levels = slice(starts[variable], starts[variable + 1])
            return (own[levels] + worth[levels]).tolist()

        found = self._solver.complete(domains, order.tolist(), ties, score)
        assert found is not None  # what it began with is allowed, and the search is exhaustive
        return tuple(mask.bit_length() - 1 for mask in found)

    def _covering_row(self) -> tuple[int, ...]:
        """Of several candidates the row that covers most new pairs."""
        rows = [self._candidate() for _ in range(self._sampling.candidates)]
        starts = np.array(self.grid.starts[:-1])
        return max(rows, key=lambda row: int(self._uncovered[np.ix_(starts + np.array(row), starts + np.array(row))].sum()))

    def _candidate(self) -> tuple[int, ...]:
        """A row around one uncovered pair, each further variable taking the level with most new pairs to those chosen.

        A level that is ahead of its share needs as many more new pairs as `follow_weights` asks for each row ahead. Among
        equal ones the level that is furthest behind is taken.
        """
        ahead = self._sampling.follow_weights * np.minimum(self._lag, 0)
        behind = self._lag + self._generator.random(len(self._lag))
        first, second = self._uncovered_pair()
        domains = self._solver.choose(self._solver.choose(self._open, *first) or [], *second) or []
        own = ahead + behind / (4 * np.abs(behind).max())  # the second part is below half a pair
        return self._completed(domains, self._generator.permutation(len(self.grid.names)), self._uncovered, own)

    def _uncovered_pair(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """A pair to begin with: the level with most uncovered pairs (drawn among the equal ones), and one of its partners."""
        open_pairs = self._uncovered.sum(axis=1)
        first = self._generator.choice(np.flatnonzero(open_pairs == open_pairs.max()))
        second = self._generator.choice(np.flatnonzero(self._uncovered[first]))
        return self._place(int(first)), self._place(int(second))

    def _place(self, column: int) -> tuple[int, int]:
        """Variable and level of a column when all levels stand in one row."""
        variable = int(np.searchsorted(self.grid.starts, column, side="right")) - 1
        return variable, column - self.grid.starts[variable]


def _possible(grid: Grid, allowed: NDArray[np.bool_]) -> Domains:
    """The domains without the levels that can never occur."""
    can = np.diag(allowed)
    return [sum(1 << n for n in range(len(levels)) if can[start + n]) for start, levels in zip(grid.starts, grid.levels, strict=False)]


class _Numbers:
    """Concrete values for levels: those of a bin come in random order, each once before any comes again."""

    def __init__(self, grid: Grid, generator: np.random.Generator) -> None:
        self._grid = grid
        self._generator = generator
        self._left: dict[tuple[int, int], list[Value]] = {}

    def values(self, levels: tuple[int, ...]) -> dict[str, Value]:
        """The values of a row by variable, without the absent ones."""
        found: dict[str, Value] = {}
        for variable, (name, level) in enumerate(zip(self._grid.names, levels, strict=True)):
            values = self._grid.levels[variable][level].values
            if values:
                found[name] = values[0] if len(values) == 1 else self._next(variable, level, values)
        return found

    def _next(self, variable: int, level: int, values: tuple[Value, ...]) -> Value:
        left = self._left.setdefault((variable, level), [])
        if not left:
            left += [values[n] for n in self._generator.permutation(len(values))]
        return left.pop()
