"""The grid of a scenario file: every variable as a few levels, every constraint as combinations of levels that are forbidden.

A level is one value, or one bin of a range, or the absence of an optional variable. Bins are cut where a constraint has
a bound, so that each level as a whole fulfils a condition or does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gradus.errors import UserError
from gradus.extract.scenarios.schema import Condition, Constraint, Range, Scenarios, Value, Variable, nearest

Clause = tuple[tuple[int, int], ...]
"""A forbidden combination: pairs of a variable and the bit mask of its levels; a row that has all of them is forbidden."""


@dataclass(frozen=True)
class Level:
    """The values that count as one, and the share of all scenarios that should have it; no values: the variable is absent."""

    values: tuple[Value, ...]
    share: float

    def named(self) -> str:
        """How to call the level in a report."""
        if not self.values:
            return "(absent)"
        first, last = self.values[0].value, self.values[-1].value
        return str(first) if len(self.values) == 1 else f"{first} to {last}"


@dataclass(frozen=True)
class Grid:
    """The variables' names, the levels of each, and the forbidden combinations."""

    names: tuple[str, ...]
    levels: tuple[tuple[Level, ...], ...]
    clauses: tuple[Clause, ...]

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where the levels of each variable begin when all levels stand in one row; one more entry for the end."""
        return tuple(np.cumsum([0, *(len(levels) for levels in self.levels)]).tolist())

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """The wanted share of each level, all levels in one row."""
        return np.array([level.share for levels in self.levels for level in levels])


def grid_of(scenarios: Scenarios, places: Mapping[str, str]) -> Grid:
    """Compile variables and constraints.

    Raises:
        UserError: for a constraint about an unknown variable or value, or with a bound on values that are no numbers.
    """
    for key, name, condition in _conditions(scenarios.constraints):
        _check_condition(key, name, condition, scenarios.variables, places)
    names = tuple(scenarios.variables)
    levels = tuple(_levels(variable, _cuts(name, scenarios.constraints), scenarios.sampling.bins) for name, variable in scenarios.variables.items())
    clauses = [clause for constraint in scenarios.constraints for clause in _clauses(constraint, names, levels)]
    return Grid(names, levels, tuple(clauses))


def _conditions(constraints: list[Constraint]) -> Iterator[tuple[str, str, Condition]]:
    """Every condition with its dotted key and the name of its variable."""
    for index, constraint in enumerate(constraints):
        for part, conditions in constraint.parts().items():
            for name, condition in conditions.items():
                yield f"constraints.{index}.{part}.{name}", name, condition


def _check_condition(key: str, name: str, condition: Condition, variables: Mapping[str, Variable], places: Mapping[str, str]) -> None:
    where = places[key]
    if name not in variables:
        raise UserError(f"constraint about an unknown variable '{name}'", where=where, cure=nearest(name, variables))
    variable = variables[name]
    known = variable.range.numbers() if variable.range else [value.value for value in variable.values or []]
    for value in [*(condition.one_of or []), *(condition.none_of or [])]:
        if value not in known:
            raise UserError(f"'{name}' has no value {value!r}", where=where, cure=nearest(str(value), [str(one) for one in known]))
    if (condition.min is not None or condition.max is not None) and any(isinstance(value, str) for value in known):
        raise UserError(f"min and max need numbers, and '{name}' has texts", where=where, cure="Name the values: one_of or none_of")
    if condition.present is not None and variable.probability == 1:
        raise UserError(f"'{name}' is always present", where=where, cure="Give it a probability below 1, or take `present` out")


def _cuts(name: str, constraints: list[Constraint]) -> list[Condition]:
    return [condition for _, about, condition in _conditions(constraints) if about == name]


def _levels(variable: Variable, conditions: list[Condition], bins: int) -> tuple[Level, ...]:
    """The levels of one variable; their shares add up to 1."""
    plain = [((value,), value.weight) for value in variable.values or []]
    groups = _bins(variable.range, conditions, bins) if variable.range else plain
    total = sum(weight for _, weight in groups)
    levels = tuple(Level(values, variable.probability * weight / total) for values, weight in groups)
    return levels if variable.probability == 1 else (Level((), 1 - variable.probability), *levels)


def _bins(range_: Range, conditions: list[Condition], bins: int) -> list[tuple[tuple[Value, ...], float]]:
    """The numbers in bins of about equal size, cut further wherever a condition tells two neighbours apart."""
    numbers = range_.numbers()
    count = min(range_.bins or bins, len(numbers))
    parts = np.array_split(np.arange(len(numbers)), count)
    weights = range_.weights or [len(part) for part in parts]
    groups: list[tuple[tuple[Value, ...], float]] = []
    for part, weight in zip(parts, weights, strict=False):
        values = [Value(value=numbers[n]) for n in part]
        for run in _runs(values, conditions):
            groups.append((tuple(run), weight * len(run) / len(values)))
    return groups


def _runs(values: list[Value], conditions: list[Condition]) -> list[list[Value]]:
    """Neighbours that fulfil the same conditions."""
    runs: list[list[Value]] = []
    before: list[bool] | None = None
    for value in values:
        answers = [fulfils(value, condition) for condition in conditions]
        if answers != before:
            runs.append([])
        runs[-1].append(value)
        before = answers
    return runs


def fulfils(value: Value, condition: Condition) -> bool:
    """Whether a value that is present fulfils every given part of a condition."""
    held = [condition.present is not False]
    held += [value.value in condition.one_of] if condition.one_of is not None else []
    held += [value.value not in condition.none_of] if condition.none_of is not None else []
    if not isinstance(value.value, str):
        held += [value.value >= condition.min] if condition.min is not None else []
        held += [value.value <= condition.max] if condition.max is not None else []
    return all(held)


def _mask(levels: tuple[Level, ...], condition: Condition, absent: bool) -> int:
    """The levels that fulfil a condition, as bits; `absent`: whether absence does when `present` is not asked for."""
    mask = 0
    for bit, level in enumerate(levels):
        missing = absent if condition.present is None else not condition.present
        mask |= (fulfils(level.values[0], condition) if level.values else missing) << bit
    return mask


def _clauses(constraint: Constraint, names: tuple[str, ...], levels: tuple[tuple[Level, ...], ...]) -> Iterator[Clause]:
    """What a constraint forbids. `then` limits the values of an optional variable and does not make it present."""
    index = {name: number for number, name in enumerate(names)}
    given = constraint.exclude or constraint.when or {}
    found = tuple((index[name], _mask(levels[index[name]], condition, absent=False)) for name, condition in given.items())
    if constraint.exclude:
        yield found
    for name, condition in (constraint.then or {}).items():
        every = (1 << len(levels[index[name]])) - 1
        yield (*found, (index[name], every & ~_mask(levels[index[name]], condition, absent=True)))
