"""Completing a partly chosen scenario so that it breaks no constraint: unit propagation and depth-first search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from gradus.errors import UserError
from gradus.extract.scenarios.grid import Grid

Domains = list[int]
"""For each variable the levels it may still take, as bits."""
Ties = NDArray[np.float32]
"""For every two levels, all levels in one row, what they are worth together."""
Score = Callable[[int, NDArray[np.float32]], Sequence[float]]
"""Given a variable and what each level is worth with those taken so far: a score for each of its levels, the best is tried first."""
_PATIENCE = 200_000  # nodes of one search; real constraints need a few dozen


class Solver:
    """The constraints of a grid, ready to narrow down choices."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self._by_variable = [[clause for clause in grid.clauses if any(v == n for v, _ in clause)] for n in range(len(grid.names))]
        self.bound = [n for n, clauses in enumerate(self._by_variable) if clauses]
        """The variables that stand in a constraint."""
        self._no_ties = np.zeros((grid.starts[-1], grid.starts[-1]), np.float32)

    def all_open(self) -> Domains:
        """The domains before any choice."""
        return [(1 << len(levels)) - 1 for levels in self.grid.levels]

    def narrow(self, domains: Domains, changed: int) -> list[int] | None:
        """Remove in place what the constraints forbid after a choice; the variables it narrowed, None when nothing is left to choose."""
        waiting, narrowed = [changed], []
        while waiting:
            for clause in self._by_variable[waiting.pop()]:
                undecided: tuple[int, int] | None = None
                for variable, mask in clause:
                    if not domains[variable] & mask or (domains[variable] & ~mask and undecided):
                        break  # it cannot be broken, or not yet
                    if domains[variable] & ~mask:
                        undecided = (variable, mask)
                else:
                    if undecided is None:
                        return None
                    domains[undecided[0]] &= ~undecided[1]
                    waiting.append(undecided[0])
                    narrowed.append(undecided[0])
        return narrowed

    def choose(self, domains: Domains, variable: int, level: int) -> Domains | None:
        """The domains after a choice, or None when the constraints forbid it."""
        if not domains[variable] >> level & 1:
            return None
        tried = domains.copy()
        tried[variable] = 1 << level
        return None if self.narrow(tried, variable) is None else tried

    def complete(self, domains: Domains, order: Sequence[int], ties: Ties, score: Score) -> Domains | None:
        """Choose a level for every variable of `order`; None when no choice fits (the search is exhaustive).

        Raises:
            UserError: when the constraints are too tangled to be decided.
        """
        left = iter(range(_PATIENCE))

        def search(domains: Domains, worth: NDArray[np.float32], at: int) -> Domains | None:
            while at < len(order) and is_single(domains[order[at]]):
                at += 1
            if at == len(order):
                return domains
            variable = order[at]
            scores = score(variable, worth)
            for level in sorted(bits(domains[variable]), key=lambda level: -scores[level]):
                if next(left, None) is None:
                    raise UserError("the constraints are too tangled", where="extract.scenarios", cure="Write them with fewer variables each")
                tried = domains.copy()
                tried[variable] = 1 << level
                narrowed = self.narrow(tried, variable)
                if narrowed is None:
                    continue
                fixed = [variable, *(n for n in set(narrowed) if is_single(tried[n]))]
                found = search(tried, self._with(worth, ties, tried, fixed), at + 1)
                if found:
                    return found
            return None

        before = [n for n, mask in enumerate(domains) if is_single(mask)]
        return search(domains, self._with(np.zeros(len(ties), np.float32), ties, domains, before), 0)

    def _with(self, worth: NDArray[np.float32], ties: Ties, domains: Domains, fixed: Sequence[int]) -> NDArray[np.float32]:
        """What each level is worth once the levels of these variables are taken, too."""
        for n in fixed:
            worth = worth + ties[self.grid.starts[n] + domains[n].bit_length() - 1]
        return worth

    def solution(self, fixed: Sequence[tuple[int, int]]) -> Domains | None:
        """Levels for all variables in constraints around the fixed (variable, level) pairs, or None when there are none."""
        domains: Domains | None = self.all_open()
        for n in self.bound:
            domains = domains if domains and self.narrow(domains, n) is not None else None
        for variable, level in fixed:
            domains = self.choose(domains, variable, level) if domains else None
        if not domains:
            return None
        return self.complete(domains, self.bound, self._no_ties, lambda variable, worth: [0.0] * len(self.grid.levels[variable]))

    def allowed_pairs(self) -> NDArray[np.bool_]:
        """Which two levels can occur together, all levels in one row: symmetric; the diagonal says whether a level can occur.

        Two levels of the same variable cannot.
        """
        starts = self.grid.starts
        owner = np.repeat(np.arange(len(self.grid.names)), np.diff(starts))
        allowed = owner[:, None] != owner[None, :]
        np.fill_diagonal(allowed, True)
        constrained = [n for n in range(starts[-1]) if owner[n] in self.bound]
        allowed[np.ix_(constrained, constrained)] = False
        tried = np.zeros_like(allowed)
        for first in constrained:
            for second in constrained:
                if second < first or allowed[first, second] or tried[first, second] or (owner[first] == owner[second] and first != second):
                    continue
                found = self.solution([(int(owner[n]), n - starts[owner[n]]) for n in (first, second)])
                tried[first, second] = True
                if found:
                    together = [starts[n] + level for n in self.bound for level in bits(found[n])]
                    allowed[np.ix_(together, together)] = True
        impossible = ~np.diag(allowed)
        allowed[impossible, :] = allowed[:, impossible] = False
        return allowed


def is_single(mask: int) -> bool:
    """Whether exactly one level is left."""
    return not mask & (mask - 1)


def bits(mask: int) -> Iterator[int]:
    """The positions of the bits that are set, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
