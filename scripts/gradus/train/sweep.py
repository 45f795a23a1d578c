"""`--sweep FILE`: a small grid of runs of 06_train_mlx and one comparison of them.

Every combination is a run with a name of its own that goes through the step mechanism: what is up to date is skipped,
and a killed sweep goes on in the middle of the run it was in.
"""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from gradus.config import Config
from gradus.config.explain import explain
from gradus.config.load import DEFAULT_CONFIG, PROJECT, read_layer
from gradus.config.schema import Section
from gradus.errors import GradusError, UserError
from gradus.files import read_json
from gradus.step import Locked, Outcome, Step, run_step
from gradus.train.curves import Curve
from gradus.train.metadata import read_metadata

log = logging.getLogger(__name__)
Value = bool | int | float | str


class Grid(Section):
    """The content of a sweep file: configuration keys, and the values to try of each."""

    keys: Annotated[dict[str, Annotated[list[Value], Field(min_length=1)]], Field(min_length=1)]


@dataclass(frozen=True)
class Combination:
    """One run of a sweep; `settings` are the keys of the grid with this run's values."""

    settings: dict[str, Value]
    config: Config

    @property
    def name(self) -> str:
        """The run's name."""
        return self.config.run.name

    @property
    def label(self) -> str:
        """The settings in short: `learning_rate=0.0004, rank=16`."""
        return ", ".join(f"{key.rpartition('.')[2]}={shown(value)}" for key, value in self.settings.items())


@dataclass(frozen=True)
class Trained:
    """What became of a combination: its metadata and curve, or why it failed."""

    combination: Combination
    metadata: dict[str, Any]
    curve: Curve
    failed: str = ""

    @property
    def loss(self) -> float:
        """Best validation loss; infinity when it failed."""
        return math.inf if self.failed else float(self.metadata["best"]["loss"])


def shown(value: Value) -> str:
    """A value as it is written in a configuration."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_sweep(path: Path, config: Config) -> list[Combination]:
    """The combinations of a sweep file in the order of its keys, the last key fastest.

    Raises:
        UserError: for a mistake in the file, told with its line, and for more runs than `train.sweep.maximum_runs`.
    """
    grid, places = _read_grid(path)
    count = math.prod(len(values) for values in grid.values())
    if count > config.train.sweep.maximum_runs:
        what = f"{count} combinations, train.sweep.maximum_runs is {config.train.sweep.maximum_runs}"
        raise UserError(what, where=places["keys"], cure="Take out some values, or raise the limit")
    inside = {key.removeprefix("keys."): place for key, place in places.items()}
    return [
        Combination(settings, _laid_over(config, settings, number, inside))
        for number, settings in enumerate(_products(grid), 1)
    ]  # fmt: skip


def _read_grid(path: Path) -> tuple[dict[str, list[Value]], dict[str, str]]:
    if not path.is_file():
        shipped = ", ".join(f"config/sweeps/{file.name}" for file in sorted((PROJECT / "config" / "sweeps").glob("*.yaml")))
        raise UserError("no such sweep file", where=str(path), cure=f"Take one of {shipped}, or write your own like it")
    layer = read_layer(path)
    try:
        grid = Grid.model_validate(layer.values).keys
    except ValidationError as error:
        raise explain(error, layer.places, path, Grid) from error
    for key, values in grid.items():
        place = layer.places[f"keys.{key}"]
        if not (key.startswith("train.") or key == "run.seed"):
            raise UserError(f"'{key}' cannot be swept", where=place, cure="Take keys of train, or run.seed: the prepared data stay the same")
        if len({shown(value) for value in values}) < len(values):
            raise UserError(f"a value of '{key}' stands twice", where=place, cure="Take it out")
    return grid, layer.places


def _products(grid: dict[str, list[Value]]) -> Iterator[dict[str, Value]]:
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def _laid_over(config: Config, settings: dict[str, Value], number: int, places: dict[str, str]) -> Config:
    """The configuration with the settings of one combination and the name of its run."""
    values = config.model_dump()
    for key, value in {**settings, "run.name": f"{config.run.name}-s{number:02d}"}.items():
        *sections, name = key.split(".")
        section = values
        for part in sections:
            inner = section.setdefault(part, {})
            if not isinstance(inner, dict):
                raise UserError(f"unknown key '{key}'", where=places[key], cure="config/training_config.yaml lists every key")
            section = inner
        section[name] = value
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise explain(error, {"run.name": f"run {number} of the sweep", **places}, DEFAULT_CONFIG) from error


def train_all(combinations: list[Combination], step: Step, steps: dict[str, Step], *, force: bool = False) -> list[Trained]:
    """Bring every combination up to date. One that fails, say diverges, is noted and the others go on.

    Raises:
        UserError: for settings that cannot be trained at all. Locked: when another process trains one of them.
    """
    trained = []
    for number, combination in enumerate(combinations, 1):
        log.info("Run %d of %d: %s (%s)", number, len(combinations), combination.name, combination.label)
        try:
            outcome = run_step(step, combination.config, steps, force=force)
        except (UserError, Locked):
            raise
        except GradusError as error:
            log.warning("%s failed: %s", combination.name, error)
            trained.append(Trained(combination, {}, Curve([], []), error.what))
            continue
        trained.append(_trained(combination, outcome))
        log.info("%s %s: validation loss %.4f", combination.name, outcome.status, trained[-1].loss)
    return trained


def _trained(combination: Combination, outcome: Outcome) -> Trained:
    curve = read_json(outcome.target / "loss_curve.json")
    train, valid = ([(iteration, loss) for iteration, loss in curve[kind]] for kind in ("train", "valid"))
    return Trained(combination, read_metadata(outcome.target), Curve(train, valid))


def would_train(combinations: list[Combination], step: Step, steps: dict[str, Step]) -> str:
    """What a sweep would do, one line a run; nothing is written."""
    outcomes = [run_step(step, combination.config, steps, dry_run=True) for combination in combinations]
    lines = [f"{c.name}  {c.label}: {o.status}{f' ({o.reason})' if o.reason else ''}" for c, o in zip(combinations, outcomes, strict=True)]
    return "\n".join(lines)
