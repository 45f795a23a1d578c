"""A scenario file made ready: checked as a whole, with its sampler and its templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gradus.errors import UserError
from gradus.extract.scenarios.grid import Grid, grid_of
from gradus.extract.scenarios.sample import Sampler, Scenario
from gradus.extract.scenarios.schema import MOST_TURNS, Scenarios, nearest, read_scenarios
from gradus.extract.scenarios.template import Prompts
from gradus.files import sha256_file, sha256_text


@dataclass(frozen=True)
class Plan:
    """Everything that is known before the teacher is asked."""

    path: Path
    sha256: str
    scenarios: Scenarios
    sampler: Sampler
    prompts: Prompts

    def turns(self, scenario: Scenario) -> int:
        """How many questions, each with its answer, the conversation has."""
        turns = self.scenarios.turns
        return turns if isinstance(turns, int) else int(scenario.values[turns].value)

    def group(self, scenario: Scenario) -> str:
        """The family of a scenario, by the variables of `group_by`; its examples stay on one side of a split."""
        values = ((name, scenario.values.get(name)) for name in self.scenarios.group_by)
        return f"scenarios/{self.scenarios.name}/" + ", ".join(f"{name}={value.value if value else '(absent)'}" for name, value in values)

    def document_id(self, scenario: Scenario) -> str:
        """What stands for the document: there is none, so the file's hash and the family.

        Each family counts as a document of its own, since evaluation draws whole documents for its intervals.
        """
        return sha256_text(self.sha256 + self.group(scenario))[:16]


def open_plan(path: Path, seed: int) -> Plan:
    """Read a scenario file and check it as a whole. Raises UserError naming file and line of the first mistake."""
    scenarios, places = read_scenarios(path)
    for name in scenarios.group_by:
        if name not in scenarios.variables:
            raise UserError(f"group_by names an unknown variable '{name}'", where=places["group_by"], cure=nearest(name, scenarios.variables))
    _check_turns(scenarios, places["turns"])
    grid = grid_of(scenarios, places)
    prompts = Prompts(scenarios, places)
    sampler = Sampler(grid, scenarios.sampling, seed, places["constraints"])
    _check_possible(grid, sampler, places)
    return Plan(path, sha256_file(path), scenarios, sampler, prompts)


def _check_turns(scenarios: Scenarios, where: str) -> None:
    """A number of turns, or a variable that always has one."""
    turns = scenarios.turns
    if scenarios.mode == "answer" and turns != 1:
        raise UserError("mode answer has one turn, since the prompt is the question", where=where, cure="Write turns: 1, or mode: dialogue")
    if isinstance(turns, int):
        return
    if turns not in scenarios.variables:
        raise UserError(f"turns names an unknown variable '{turns}'", where=where, cure=nearest(turns, scenarios.variables))
    variable = scenarios.variables[turns]
    numbers = variable.range.numbers() if variable.range else [value.value for value in variable.values or []]
    if variable.probability < 1 or not all(isinstance(number, int) and 1 <= number <= MOST_TURNS for number in numbers):
        raise UserError(f"turns needs whole numbers from 1 to {MOST_TURNS}", where=where, cure=f"Give '{turns}' such values, and no probability")


def _check_possible(grid: Grid, sampler: Sampler, places: Mapping[str, str]) -> None:
    """Every value must be able to occur. Raises UserError naming the first one that never can."""
    can = np.diag(sampler.allowed)
    for name, levels, start in zip(grid.names, grid.levels, grid.starts, strict=False):
        for number, level in enumerate(levels):
            if not can[start + number]:
                what = f"'{name}' can never be {level.named()}: the constraints exclude it"
                raise UserError(what, where=_place(name, number, grid, places), cure="Loosen the constraints about it, or take it out")


def _place(name: str, number: int, grid: Grid, places: Mapping[str, str]) -> str:
    """The line of a value, or of its variable when it is part of a range or the absence."""
    absence = not grid.levels[grid.names.index(name)][0].values
    return places[f"variables.{name}.values.{number - absence}"]
