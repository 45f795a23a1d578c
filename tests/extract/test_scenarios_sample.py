"""The sampler: constraints hold, every allowed pair comes early, shares follow weights, the same seed gives the same rows."""

from __future__ import annotations

from itertools import combinations, islice, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradus.config.load import PROJECT
from gradus.extract.scenarios.coverage import Coverage, coverage_of
from gradus.extract.scenarios.grid import Grid, grid_of
from gradus.extract.scenarios.plan import Plan, open_plan
from gradus.extract.scenarios.sample import Sampler, Scenario
from gradus.extract.scenarios.schema import Sampling, Scenarios
from gradus.extract.scenarios.solve import Solver

SHIPPED = PROJECT / "config" / "scenarios.yaml"


def grid_from(variables: dict[str, Any], constraints: list[dict[str, Any]] | None = None, bins: int = 4) -> Grid:
    raw = {"name": "x", "mode": "dialogue", "turns": 1, "group_by": list(variables)[:1], "assistant": "", "system": "", "prompt": "x"}
    scenarios = Scenarios.model_validate(
        {**raw, "sampling": {"bins": bins, "candidates": 10, "follow_weights": 0}, "variables": variables, "constraints": constraints or []}
    )
    places = {
        f"constraints.{n}.{part}.{name}": "here:1" for n, c in enumerate(constraints or []) for part, conditions in c.items() for name in conditions
    }
    return grid_of(scenarios, places)


def sampler_of(grid: Grid, seed: int = 7, follow_weights: float = 0.0) -> Sampler:
    return Sampler(grid, Sampling(bins=4, candidates=10, follow_weights=follow_weights), seed)


def rows_of(grid: Grid, count: int, seed: int = 7, follow_weights: float = 0.0) -> list[Scenario]:
    return list(islice(sampler_of(grid, seed, follow_weights), count))


def measured(grid: Grid, rows: list[Scenario], sampler: Sampler | None = None) -> Coverage:
    return coverage_of(grid, sampler.allowed if sampler else Solver(grid).allowed_pairs(), rows)


def random_rows(grid: Grid, count: int, seed: int) -> list[Scenario]:
    """Plain random sampling by the weights; rows that the constraints forbid are drawn again."""
    generator = np.random.default_rng(seed)
    rows: list[Scenario] = []
    while len(rows) < count:
        levels = tuple(int(generator.choice(len(each), p=[level.share for level in each])) for each in grid.levels)
        if not is_forbidden(grid, levels):
            rows.append(Scenario(len(rows), levels, {}))
    return rows


def is_forbidden(grid: Grid, levels: tuple[int, ...]) -> bool:
    return any(all(mask >> levels[variable] & 1 for variable, mask in clause) for clause in grid.clauses)


@pytest.fixture(scope="module")
def fifty() -> Sampler:
    """50 variables with six values, half of them with unequal weights, and eleven constraints."""
    weights = [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]
    columns = {f"v{n}": {"values": [{"value": f"a{k}", "weight": weights[k] if n % 2 else 1.0} for k in range(6)]} for n in range(50)}
    rules = [{"when": {f"v{n}": "a0"}, "then": {f"v{n + 1}": ["a1", "a2", "a3"]}} for n in range(0, 30, 3)]
    return sampler_of(grid_from(columns, [*rules, {"exclude": {"v40": "a0", "v41": "a0"}}]))


@pytest.fixture(scope="module")
def shipped() -> Plan:
    return open_plan(SHIPPED, 42)


def test_pairs_are_covered_sooner_than_by_chance(fifty: Sampler) -> None:
    grid = fifty.grid
    rows = list(islice(fifty, 150))
    chance = random_rows(grid, 150, 1)
    for count, least in ((50, 0.82), (100, 0.99), (150, 1.0)):
        mine, theirs = measured(grid, rows[:count], fifty).share, measured(grid, chance[:count], fifty).share
        assert mine >= least
        assert mine > theirs + 0.03, (count, mine, theirs)
    assert measured(grid, rows, fifty).complete_after is not None


def test_the_allowed_pairs_are_those_of_a_full_enumeration() -> None:
    columns = {"a": ["x", "y", "z"], "b": {"range": {"min": 1, "max": 6}}, "c": {"values": ["p", "q"], "probability": 0.5}, "d": ["m", "n", "o"]}
    rules: list[dict[str, Any]] = [
        {"when": {"a": "x"}, "then": {"b": {"max": 3}}},
        {"when": {"b": {"min": 3}}, "then": {"c": {"present": False}}},
        {"when": {"a": "y"}, "then": {"c": {"present": True, "one_of": ["p"]}}},
        {"exclude": {"a": "z", "c": "q", "d": ["m", "n"]}},
    ]
    grid = grid_from(columns, rules, bins=2)
    rows = [row for row in product(*(range(len(levels)) for levels in grid.levels)) if not is_forbidden(grid, row)]
    together = {tuple(sorted(pair)) for row in rows for pair in combinations([grid.starts[n] + level for n, level in enumerate(row)], 2)}
    allowed = Solver(grid).allowed_pairs()
    assert together == {(int(i), int(j)) for i, j in zip(*np.nonzero(np.triu(allowed, 1)), strict=True)}
    coverage = measured(grid, rows_of(grid, 60))
    assert coverage.covered_pairs == coverage.allowed_pairs == len(together)
    assert coverage.pairs == coverage.allowed_pairs + coverage.forbidden_pairs
    assert coverage.forbidden_pairs > 0


def test_constraints_hold_for_the_values_themselves(shipped: Plan) -> None:
    for scenario in islice(shipped.sampler, 300):
        values = {name: value.value for name, value in scenario.values.items()}
        age = values["age"]
        assert isinstance(age, int)
        assert values["role"] not in ("student", "apprentice") or age <= 32
        assert values["role"] != "retiree" or age >= 58
        assert values["goal"] != "finish_thesis" or (values["role"] == "student" and int(values["deadline_weeks"]) >= 6)
        assert values["progress"] != "not_started" or "tracking" not in values
        assert not (values["mood"] in ("discouraged", "anxious") and values["tone"] in ("playful", "challenging"))


def test_a_large_sample_follows_the_weights_and_repeats_nothing(fifty: Sampler) -> None:
    coverage = measured(fifty.grid, list(islice(fifty, 1200)), fifty)
    assert coverage.share == 1.0
    assert coverage.repeated == 0
    assert max(abs(d.found - d.wanted) for d in coverage.deviations.values()) < 0.01


def test_the_covering_rows_can_be_held_nearer_to_the_weights() -> None:
    optional = {f"o{n}": {"values": ["a", "b"], "probability": 0.1} for n in range(10)}
    grid = grid_from({"big": list(range(12)), "other": list(range(12)), **optional})
    early, held = measured(grid, rows_of(grid, 40)), measured(grid, rows_of(grid, 40, follow_weights=1.0))
    off = [max(abs(d.found - d.wanted) for d in coverage.deviations.values()) for coverage in (early, held)]
    assert off[1] < 0.6 * off[0]
    assert 0.65 < held.share < early.share


def test_pairs_come_evenly_not_in_a_rhythm() -> None:
    """Unequal weights that many variables share must not make the variables move in step."""
    grid = grid_from({f"v{n}": {"values": [{"value": k, "weight": float(k)} for k in (1, 2, 3)]} for n in range(8)})
    rows = rows_of(grid, 1200)
    assert measured(grid, rows).rarest_pair > 0.8 * 1200 / 36
    assert measured(grid, random_rows(grid, 1200, 3)).rarest_pair < measured(grid, rows).rarest_pair


def test_the_seed_decides_and_a_longer_sample_begins_with_the_shorter() -> None:
    grid = grid_from({f"v{n}": {"values": [{"value": k, "weight": float(k)} for k in (1, 2, 3)]} for n in range(12)})
    long, short, other = rows_of(grid, 140), rows_of(grid, 40), rows_of(grid, 40, seed=8)
    assert long[:40] == short
    assert short != other


def test_numbers_come_from_their_bins_each_once_before_any_again() -> None:
    grid = grid_from({"n": {"range": {"min": 0, "max": 1, "step": 0.05, "bins": 3}}, "m": ["a", "b"]})
    assert [len(level.values) for level in grid.levels[0]] == [7, 7, 7]
    numbers = [scenario.values["n"].value for scenario in rows_of(grid, 21)]
    assert len(set(numbers)) >= 18
    assert set(numbers) <= {round(k * 0.05, 9) for k in range(21)}


def test_bins_are_cut_where_a_constraint_has_a_bound() -> None:
    grid = grid_from({"n": {"range": {"min": 1, "max": 9, "bins": 1}}, "m": ["a", "b"]}, [{"when": {"m": "a"}, "then": {"n": {"max": 4}}}])
    assert [level.named() for level in grid.levels[0]] == ["1 to 4", "5 to 9"]
    assert all(s.values["m"].value == "b" or int(s.values["n"].value) <= 4 for s in rows_of(grid, 40))


def test_an_optional_variable_is_there_as_often_as_it_should_be() -> None:
    grid = grid_from({"hobby": {"values": ["chess", "song"], "probability": 0.25}, "m": ["a", "b", "c"]})
    rows = rows_of(grid, 400)
    assert sum("hobby" in row.values for row in rows) == pytest.approx(100, abs=4)


def test_a_used_up_grid_repeats_and_says_so() -> None:
    grid = grid_from({"a": ["x", "y"], "b": ["p", "q"]})
    assert measured(grid, rows_of(grid, 4)).repeated == 0
    assert measured(grid, rows_of(grid, 10)).repeated == 6


def test_the_shipped_file_is_large_and_covered_near_the_least_number_of_rows(shipped: Plan, tmp_path: Path) -> None:
    grid = shipped.sampler.grid
    assert len(grid.names) >= 50
    coverage = coverage_of(grid, shipped.sampler.allowed, list(islice(shipped.sampler, 450)))
    largest = sorted(len(levels) for levels in grid.levels)[-2:]
    assert coverage.share == 1.0
    assert coverage.complete_after is not None
    assert coverage.complete_after < 1.25 * largest[0] * largest[1], "the two largest variables alone need their product"
