"""`run_all.py --continue`: collect what is new, train on, let the gate decide, and keep one line about it.

The data are what decides whether there is anything to do: when a registered version was trained on the very same
files, nothing is trained. Each continuation is a run of its own, `<run>-continued-<number>`, so that the reports of
earlier ones stay; a number is used until its adapter is registered, so one that was killed goes on where it was.
"""

from __future__ import annotations

import argparse
import fcntl
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gradus.cli import guard, near, settings_of, write_line
from gradus.config import Config
from gradus.config.load import PROJECT, merge_layers
from gradus.config.schema import Paths
from gradus.errors import GradusError, UserError
from gradus.files import read_documents, read_json, sha256_file
from gradus.history import Decision, HistoryLine, append_line
from gradus.registry import Registry
from gradus.registry_entries import Book, Version
from gradus.results import Evaluation
from gradus.road import chosen_steps, run_all
from gradus.step import Step, run_step, target_of, workspace_of

DATA = ("01_collect", "05_prepare")
MODEL = ("06_train_mlx", "09_promote")
DELIVERY = ("10_fuse", "12_export")


@dataclass
class Told:
    """What is known of a continuation so far, for its line in the history."""

    run: str
    figures: dict[str, Any] = field(default_factory=dict)
    decision: Decision = "failed"
    reason: str = ""

    def end(self, decision: Decision, reason: str) -> None:
        """It did not come to its end. A promotion stays one: what failed after it is added to its reason."""
        if self.decision == "promoted":
            self.reason += f"; {decision} after that: {reason}"
        else:
            self.decision, self.reason = decision, reason


def continue_run(config: Config, steps: dict[str, Step], *, force: bool = False, dry_run: bool = False) -> None:
    """One continuation, from new documents to the gate's decision.

    Args:
        force: train even when nothing is new.
        dry_run: only say what would happen.

    Raises:
        GradusError: what went wrong, whoever's mistake it was; the current model is then as it was before.
    """
    reports = workspace_of(config) / "reports"
    registry = Registry(workspace_of(config))
    if dry_run:
        own = config_of_continuation(config, registry)
        write_line(f"run {own.run.name}; it trains only when the data are new")
        run_all(own, steps, DATA[0], DELIVERY[1], dry_run=True)
        return
    told = Told(config.run.name)
    with _alone(reports), _one_line(reports / "history.jsonl", told, registry):
        own = config_of_continuation(config, registry)
        told.run = own.run.name
        _continue(own, steps, registry, told, force)


def run_guarded(args: argparse.Namespace) -> int:
    """What `run_all.py --continue` does, a line about a mistaken configuration included; returns the exit code."""

    def action(config: Config) -> int:
        from gradus.pipeline import STEPS

        continue_run(config, STEPS, force=args.force, dry_run=args.dry_run)
        return 0

    return guard(args, action, mistaken=lambda error: _note_mistake(args.config, settings_of(args), error))


def _note_mistake(files: list[Path], settings: list[str], error: UserError) -> None:
    """The line about a continuation whose configuration is mistaken; none when that does not even say where the workspace is."""
    with suppress(UserError, KeyError, TypeError, ValueError):
        values = merge_layers(files, settings).values
        workspace, run = PROJECT / Paths(**values["paths"]).workspace, values["run"]["name"]
        current = _current(Registry(workspace))
        line = HistoryLine(_now(), str(run), "failed", str(error), 0.0, current_before=current, current=current)
        append_line(workspace / "reports" / "history.jsonl", line)


def _continue(config: Config, steps: dict[str, Step], registry: Registry, told: Told, force: bool) -> None:
    for step in chosen_steps(steps, *DATA):
        run_step(step, config, steps)
    told.figures |= _data_figures(config, steps, registry)
    known = trained_on(registry.book(), _data_hashes(config, steps))
    if known and not force:
        told.decision, told.reason = "nothing new", f"{known.id} was trained on the same data"
        write_line(f"nothing new: {told.reason} ({told.figures['documents']:,} documents, {told.figures['documents_new']:,} new)")
        if known.state == "current":
            _deliver_rest(config, steps, known)
        return
    run_all(config, steps, *MODEL, force=force)
    _note_decision(config, steps, told)
    if told.decision == "promoted":
        run_all(config, steps, *DELIVERY, force=force)
    write_line(f"{told.figures['version']} {told.decision}: {told.reason}")


def _deliver_rest(config: Config, steps: dict[str, Step], current: Version) -> None:
    """Package the current model when an earlier continuation that promoted it did not get that far."""
    own = config.model_copy(update={"run": config.run.model_copy(update={"name": current.run})})
    if re.search(r"-continued-\d+$", current.run) and any(
        run_step(step, own, steps, dry_run=True).status == "would run" for step in chosen_steps(steps, *DELIVERY)
    ):
        run_all(own, steps, *DELIVERY)


def config_of_continuation(config: Config, registry: Registry) -> Config:
    """The configuration of the next continuation: its name, and what makes it fair and able to go on.

    What the current model was trained on is not put to a test now. To go on from its adapter, its base is kept.
    """
    book = registry.book()
    values = config.model_dump()
    values["run"]["name"] = next_name(config.run.name, book)
    if book.current:
        values["prepare"]["trained_before"] = book.current.id
        if config.train.start_from == "current":
            values["model"] |= _base_of(book.current, registry, values["model"])
    return Config.model_validate(values)


def next_name(run: str, book: Book) -> str:
    """`<run>-continued-<number>`, the first number after those that are registered."""
    pattern = re.compile(re.escape(run) + r"-continued-(\d+)")
    numbers = [int(found[1]) for version in book.versions if (found := pattern.fullmatch(version.run))]
    return f"{run}-continued-{1 + max(numbers, default=0)}"


def _base_of(version: Version, registry: Registry, model: dict[str, Any]) -> dict[str, Any]:
    """The settings that give the base of a version again."""
    if version.base.kind == "hub":
        return {"base": version.base.name, "hub": {**model["hub"], "name": version.base.name, "revision": version.base.revision}}
    return {"base": near(registry.base_folder_of(version))}  # relative, so that a project that was moved prepares nothing again


def trained_on(book: Book, data: dict[str, str]) -> Version | None:
    """The newest version that was trained on exactly these data."""
    return next((version for version in reversed(book.versions) if version.data == data), None)


def _data_hashes(config: Config, steps: dict[str, Step]) -> dict[str, str]:
    folder = target_of(steps["05_prepare"], config)
    return {name: sha256_file(folder / f"{name}.jsonl") for name in ("train", "valid")}


def _data_figures(config: Config, steps: dict[str, Step], registry: Registry) -> dict[str, Any]:
    documents = read_documents(target_of(steps["01_collect"], config) / "documents.jsonl")
    since = last_training(registry)
    statistics = read_json(target_of(steps["05_prepare"], config) / "statistics.json")
    return {
        "documents": len(documents),
        "documents_new": sum(document.collected_at > since for document in documents),
        "examples": statistics["splits"]["train"]["examples"],
    }


def last_training(registry: Registry) -> str:
    """When the training of the newest version started (UTC, ISO 8601), '' when there is none."""
    versions = registry.book().versions
    return str(read_json(registry.folder_of(versions[-1]) / "run_metadata.json")["created"]) if versions else ""


def _note_decision(config: Config, steps: dict[str, Step], told: Told) -> None:
    decision = read_json(target_of(steps["09_promote"], config) / "decision.json")
    evaluation = Evaluation.from_json(target_of(steps["07_evaluate"], config) / "evaluation.json")
    metadata = read_json(target_of(steps["06_train_mlx"], config) / "run_metadata.json")
    told.figures |= {
        "valid_loss": metadata["best"]["loss"],
        "letter": evaluation.grade.letter,
        "percent": evaluation.grade.percent,
        "version": decision["version"],
    }
    told.decision = "promoted" if decision["decision"] == "promoted" else "refused"
    unchanged = f"training found nothing better than {decision['version']}" if decision["current"] == decision["version"] else ""
    told.reason = "passed the gate" if told.decision == "promoted" else "; ".join(decision["reasons"]) or unchanged


@contextmanager
def _one_line(path: Path, told: Told, registry: Registry) -> Iterator[None]:
    """Write the line about what happens inside, also when it fails; then whoever's mistake it was, it is a failure."""
    started, begun = _now(), time.perf_counter()
    before = _current(registry)
    try:
        yield
    except GradusError as error:
        told.end("failed", str(error))
        raise GradusError(error.what, where=error.where, cure=error.cure) from error
    except BaseException as error:
        told.end("interrupted" if isinstance(error, KeyboardInterrupt) else "failed", str(error) or type(error).__name__)
        raise
    finally:
        seconds = round(time.perf_counter() - begun, 1)
        figures = {**told.figures, "current_before": before, "current": _current(registry)}
        append_line(path, HistoryLine(started, told.run, told.decision, told.reason, seconds, **figures))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _current(registry: Registry) -> str | None:
    """The current version's name; None also when the registry is damaged, which is told elsewhere."""
    try:
        current = registry.book().current
    except GradusError:
        return None
    return current.id if current else None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock of all continuations in this workspace. Raises GradusError when another process does."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ".continue.lock"
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise GradusError("another --continue is at work here", where=str(path), cure="Wait for it or stop it") from error
        yield
