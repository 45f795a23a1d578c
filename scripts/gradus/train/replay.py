"""`--replay adapters/<run>`: train again from what the run recorded, and compare the losses step by step.

Nothing of the run is written to: the new training happens in a scratch folder that is removed afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from gradus.config import Config
from gradus.errors import GradusError, UserError
from gradus.files import read_json, sha256_file
from gradus.registry import PLACE
from gradus.step import StepContext
from gradus.train.metadata import METADATA, git_state, machine, package_versions, read_metadata
from gradus.train.metrics import Losses, read_losses
from gradus.train.start import starting_version
from gradus.train.work import SPLITS, train


@dataclass(frozen=True)
class Recorded:
    """A finished run: its folder, metadata, configuration and losses."""

    folder: Path
    metadata: dict[str, Any]
    config: Config
    losses: Losses

    @property
    def workspace(self) -> Path:
        """The folder that holds `adapters/`, and so the data that it was trained on."""
        return self.folder.parents[1]


def read_run(folder: Path) -> Recorded:
    """Read what a run recorded. Raises UserError when it is no finished run or its configuration no longer exists."""
    folder = folder.resolve()
    if not (folder / METADATA).is_file() or not (folder / "metrics.jsonl").is_file():
        raise UserError("no finished run of 06_train_mlx", where=str(folder), cure="Name a folder like adapters/default")
    metadata = read_metadata(folder)
    try:
        config = Config.model_validate(metadata["config"])
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in problem["loc"])
        commit = (metadata.get("git") or {}).get("commit", "unknown")
        raise UserError(
            f"recorded by another version of Gradus: key '{key}', {problem['msg'].lower()}",
            where=str(folder / METADATA), cure=f"Check out the commit it was made with: {commit}",
        ) from error  # fmt: skip
    return Recorded(folder, metadata, config, read_losses(folder / "metrics.jsonl"))


def check_inputs(run: Recorded) -> dict[str, Path]:
    """The files the run was trained from, provided they and the base model are still the same.

    Raises:
        GradusError: when one of them is another now. UserError: when it is gone.
    """
    prepared = run.workspace / "data" / "05_prepared"
    inputs = {f"05_prepare/{name}": prepared / name for name in (*(f"{split}.jsonl" for split in SPLITS), "base.json")}
    for path in inputs.values():
        if not path.is_file():
            raise UserError("the data of the run is gone", where=str(path), cure="Run python scripts/05_prepare.py with the run's configuration")
    for split in SPLITS:
        now, then = sha256_file(prepared / f"{split}.jsonl"), run.metadata["dataset"][split]
        if now != then:
            raise _another("the data", str(prepared / f"{split}.jsonl"), f"SHA-256 {then[:12]}…", f"{now[:12]}…")
    now_base, then_base = read_json(prepared / "base.json"), run.metadata["base"]
    for key in ("name", "revision"):
        if now_base[key] != then_base[key]:
            raise _another(f"the base model's {key}", str(prepared / "base.json"), str(then_base[key]), str(now_base[key]))
    if (then_start := run.metadata.get("started_from")) and run.config.train.start_from == "current":
        now_start = starting_version(run.workspace, run.config.run.name)
        if now_start is None or now_start.weights != then_start["weights"]:
            now_id = now_start.id if now_start else "none"
            raise _another("the adapter that it started from", str(run.workspace / PLACE), then_start["version"], now_id)
    return inputs


def _another(what: str, where: str, then: str, now: str) -> GradusError:
    cure = "Run python scripts/05_prepare.py with the run's configuration, then replay again"
    return GradusError(f"{what} is not what the run was trained on: it was {then}, now {now}", where=where, cure=cure)


@dataclass(frozen=True)
class Difference:
    """The first point at which two runs differ; a loss is None where that run has no such point."""

    iteration: int
    kind: str
    recorded: float | None
    replayed: float | None

    def __str__(self) -> str:
        if self.recorded is None or self.replayed is None:
            side = "replay" if self.replayed is None else "recorded run"
            return f"iteration {self.iteration}, {self.kind}: the {side} has no loss there"
        relative = abs(self.replayed - self.recorded) / max(abs(self.recorded), 1e-30)
        return f"iteration {self.iteration}, {self.kind} loss: recorded {self.recorded!r}, now {self.replayed!r}, relative difference {relative:.2g}"


def first_difference(recorded: Losses, replayed: Losses) -> Difference | None:
    """The first point, by iteration, that is not the same number in both; None when all are."""
    for iteration, kind in sorted(recorded.keys() | replayed.keys()):
        then, now = recorded.get((iteration, kind)), replayed.get((iteration, kind))
        if then != now:
            return Difference(iteration, kind, then, now)
    return None


def largest_relative(recorded: Losses, replayed: Losses) -> float:
    """The largest relative difference over the points that both have."""
    return max((abs(replayed[at] - recorded[at]) / max(abs(recorded[at]), 1e-30) for at in recorded.keys() & replayed.keys()), default=0.0)


def surroundings(metadata: dict[str, Any]) -> dict[str, str]:
    """Commit, machine, device and packages of a run, flat."""
    git = metadata.get("git") or {}
    flat = {"git commit": git.get("commit", "none"), "uncommitted changes": git.get("dirty", "unknown")}
    flat |= metadata["machine"]
    flat |= metadata["packages"]
    return {key: str(value) for key, value in flat.items()}


def other_surroundings(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What is another now than when the run was made: `mlx: 0.30.0 then, 0.31.0 now`."""
    old, new = surroundings(then), surroundings(now)
    return [f"{key}: {old.get(key, 'none')} then, {new.get(key, 'none')} now" for key in {**old, **new} if old.get(key) != new.get(key)]


def replay(folder: Path, *, dry_run: bool = False) -> tuple[bool, str]:
    """Train a recorded run again; returns whether every loss is the same number, and what to tell the user.

    Raises:
        UserError, GradusError: when it cannot be replayed because the run, its data or its base model is gone or another.
    """
    run = read_run(folder)
    inputs = check_inputs(run)
    if dry_run:
        now = {"git": git_state(), "machine": {**machine(), "device": run.metadata["machine"]["device"]}, "packages": package_versions()}
        found = f"data and base model are those of the run; would train {run.metadata['iterations']:,} iterations again"
        return True, "\n".join([found, *_told(other_surroundings(run.metadata, now))])
    with TemporaryDirectory(prefix=".replay-", dir=run.workspace) as scratch:
        context = StepContext(run.config, Path(scratch), run.folder, run.workspace, inputs)
        train(context)
        replayed = read_losses(Path(scratch) / "metrics.jsonl")
        now = read_metadata(Path(scratch))
        same_adapter = sha256_file(Path(scratch) / "adapters.safetensors") == sha256_file(run.folder / "adapters.safetensors")
    difference = first_difference(run.losses, replayed)
    if difference is None:
        return True, f"identical, {len(run.losses)} points; the adapter has {'the same' if same_adapter else 'OTHER'} bytes"
    lines = [f"different from {difference}", f"largest relative difference of all points {largest_relative(run.losses, replayed):.2g}"]
    return False, "\n".join([*lines, *_told(other_surroundings(run.metadata, now))])


def _told(others: list[str]) -> list[str]:
    return [f"  {line}" for line in others] or ["  same packages, machine, device and commit"]
