"""One mechanism for all steps: is it up to date, run it in a work folder, publish its files, write its marker last.

A step's *fingerprint* is the hash of its name, its version, the part of the configuration that it reads, the hashes
of the files that it reads and, for a step that reads the outside world, a description of that. It runs in a work
folder beside its target. When all is written, the marker `<step>.done.json` goes into the work folder: from then on
the output is whole, and publishing moves the files into the target, the marker last. A kill before that leaves the
old output whole; a kill while publishing is finished by whoever looks next, under the step's lock.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from gradus.config import Config
from gradus.config.load import PROJECT, flattened
from gradus.errors import GradusError, UserError
from gradus.files import inside, is_temporary, read_json, sha256_file, sha256_json, write_json, write_text
from gradus.leftover import remove_folder
from gradus.log import duration, working

Summary = dict[str, Any]
MARKER_KEYS = {"fingerprint", "config", "inputs", "outside", "outputs", "summary", "seconds"}
PUBLISHING_SECONDS = 60.0
UNKNOWN = "tokens, cost, time"
log = logging.getLogger(__name__)


class Locked(GradusError):
    """Another process works on the step."""


@dataclass(frozen=True)
class Step:
    """What a room says of itself.

    `reads` lists files of earlier steps as `<step>/<file or folder>`; `config_keys` dotted keys or sections; `output`
    the target folder, with `{run}`; `version` is raised when the same input would give another output. `fetch` brings
    what `outside` describes from the network, and is called only when the step runs. `plan` tells a dry run more, say what
    a teacher would cost; it is called when all inputs are there, and writes nothing. `asks` says whether there would be
    such a teacher. `offers` are functions that other rooms may call, by name, and `uses` names those this one calls, as
    `<step>/<name>`: rooms do not import each other.
    """

    name: str
    title: str
    version: int
    output: str
    work: Callable[[StepContext], Summary]
    reads: tuple[str, ...] = ()
    config_keys: tuple[str, ...] = ()
    outside: Callable[[Config], object] | None = None
    outside_is: str = "its sources"
    """What `outside` describes, as the reason of a run names it."""
    fetch: Callable[[Config], None] | None = None
    resumable: bool = False
    plan: Callable[[StepContext], Summary] | None = None
    asks: Callable[[Config], bool] = lambda _config: False
    offers: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    uses: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepContext:
    """What a room gets: the configuration, where to write, and where its inputs are."""

    config: Config
    out: Path
    """Work folder: everything written here is published when the room returns. Empty unless a resumable step goes on."""
    target: Path
    """Where the files will be; holds the previous output, if there is one."""
    workspace: Path
    inputs: dict[str, Path]
    services: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """The functions of other rooms that the step declared to use."""

    def input(self, name: str) -> Path:
        """Path of a declared input, say `02_extract/examples.jsonl`."""
        return self.inputs[name]


@dataclass(frozen=True)
class Outcome:
    """What became of a step; `summary` is what its room returned, now or when it last ran."""

    step: Step
    status: Literal["done", "up to date", "would run"]
    target: Path
    summary: Summary
    seconds: float
    reason: str = ""


def workspace_of(config: Config) -> Path:
    """The absolute folder that holds data/, adapters/, models/ and reports/."""
    return (PROJECT / config.paths.workspace).resolve()


def target_of(step: Step, config: Config) -> Path:
    """The absolute output folder of a step for the configured run."""
    return workspace_of(config) / step.output.format(run=config.run.name)


def marker_of(step: Step, config: Config) -> Path:
    """The completion marker, written last."""
    return target_of(step, config) / f"{step.name}.done.json"


def work_of(step: Step, config: Config) -> Path:
    """The folder a step works in: one for each target, so runs that share a target share its work folder and its lock."""
    name = f"{step.name}-{config.run.name}" if "{run}" in step.output else step.name
    return target_of(step, config).parent / ".work" / name


def read_marker(step: Step, config: Config, *, settle: bool = True) -> dict[str, Any] | None:
    """The completion marker of a finished output, or None when there is none or a file it names is gone or changed.

    Args:
        settle: first finish a publication that was interrupted; False looks only and writes nothing.
    """
    if settle:
        _settle(step, config)
    work, target, path = work_of(step, config), target_of(step, config), marker_of(step, config)
    pending = (work / path.name).exists()
    marker = _load_marker(work / path.name if pending else path)
    folders = (work, target) if pending else (target,)
    whole = marker is not None and all(any(_is_same(folder / name, entry) for folder in folders) for name, entry in marker["outputs"].items())
    return marker if whole else None


def _load_marker(path: Path) -> dict[str, Any] | None:
    """A marker, or None when there is none; a damaged one counts as none, so that its step runs again."""
    if not path.exists():
        return None
    try:
        marker: dict[str, Any] = read_json(path)
    except GradusError as error:
        log.warning("%s", error)
        return None
    return marker if isinstance(marker, dict) and marker.keys() >= MARKER_KEYS else None


def _is_same(file: Path, entry: dict[str, Any]) -> bool:
    """Whether a file is still the one that was written: by size and time, and by its hash when the time is another."""
    if not file.is_file():
        return False
    state = file.stat()
    if state.st_size != entry["bytes"]:
        return False
    return state.st_mtime_ns == entry.get("mtime_ns") or sha256_file(file) == entry["sha256"]


def config_part(config: Config, keys: tuple[str, ...]) -> dict[str, Any]:
    """The declared part of the configuration as plain `{dotted key: value}`, sections flattened."""
    flat: dict[str, Any] = {}
    for key in keys:
        value: Any = config
        for part in key.split("."):
            value = getattr(value, part)
        flat |= flattened({key: value.model_dump() if hasattr(value, "model_dump") else value})
    return flat


def run_step(step: Step, config: Config, steps: dict[str, Step], *, force: bool = False, dry_run: bool = False) -> Outcome:
    """Bring one step up to date.

    Args:
        steps: all steps by name, to find the inputs.
        force: run even when nothing changed, and from the start.
        dry_run: only say what would happen; nothing is written.

    Raises:
        UserError: when an input step has not run. GradusError: when another process works on this step.
    """
    start = time.perf_counter()
    target = target_of(step, config)
    inputs, hashes = _resolve_inputs(step, config, steps, dry_run)
    description = _describe(step, config, hashes)
    fingerprint = sha256_json(description)
    marker = read_marker(step, config, settle=not dry_run)
    reason = "forced" if force else _reason(step, marker, description, fingerprint, marker_of(step, config))
    if not reason and marker:
        return Outcome(step, "up to date", target, marker["summary"], marker["seconds"])
    if dry_run:
        return Outcome(step, "would run", target, _plan(step, config, inputs), 0.0, reason)
    if step.fetch:
        step.fetch(config)
        description = _describe(step, config, hashes)
        fingerprint = sha256_json(description)
    with _lock(step, config):
        log.info("%s: %s (%s)", step.name, step.title, reason)
        work = _open_work(step, config, fingerprint, force)
        context = StepContext(config, work, target, workspace_of(config), inputs, services_of(step, steps))
        started = datetime.now(UTC).isoformat(timespec="seconds")
        with working(step.name, f"last time {duration(marker['seconds'])}" if marker else ""):
            summary = _work(step, context)
        seconds = round(time.perf_counter() - start, 2)
        _complete(step, config, work, {**description, "fingerprint": fingerprint, "started": started, "seconds": seconds, "summary": summary})
    return Outcome(step, "done", target, summary, seconds, reason)


def services_of(step: Step, steps: Mapping[str, Step]) -> dict[str, Callable[..., Any]]:
    """The functions of other rooms that a step declares to use, by `<step>/<name>`."""
    return {use: steps[use.partition("/")[0]].offers[use.partition("/")[2]] for use in step.uses}


def _plan(step: Step, config: Config, inputs: dict[str, Path]) -> Summary:
    """What the room tells of a run to come; while an input is not there yet, that it is unknown what a teacher will take."""
    if step.plan is None:
        return {}
    if missing := {name.partition("/")[0] for name, path in inputs.items() if not path.exists()}:
        return {UNKNOWN: f"unknown until {max(missing)} has run"} if step.asks(config) else {}
    return step.plan(StepContext(config, work_of(step, config), target_of(step, config), workspace_of(config), inputs))


def _work(step: Step, context: StepContext) -> Summary:
    """Let the room work. What it wrote before it failed is of use only to a resumable step; else it is removed."""
    try:
        return step.work(context)
    except BaseException:
        if not step.resumable:
            shutil.rmtree(context.out, ignore_errors=True)
        raise


def _resolve_inputs(step: Step, config: Config, steps: dict[str, Step], dry_run: bool) -> tuple[dict[str, Path], dict[str, str]]:
    """Where the declared inputs are, and the hash of each, from the markers of the steps that wrote them."""
    paths: dict[str, Path] = {}
    hashes: dict[str, str] = {}
    for name in step.reads:
        source, _, relative = name.partition("/")
        marker = read_marker(steps[source], config, settle=not dry_run)
        found = {n: e["sha256"] for n, e in (marker or {}).get("outputs", {}).items() if n == relative or n.startswith(relative + "/")}
        if not found and not dry_run:
            what = f"{step.name} needs {relative} of {source}, which has not finished, or its files were changed since"
            cure = f"Run python scripts/{source}.py first, or all steps with python scripts/run_all.py"
            raise UserError(what, where=str(target_of(steps[source], config)), cure=cure)
        paths[name] = target_of(steps[source], config) / relative
        hashes[name] = sha256_json(found) if found else "not there yet"
    return paths, hashes


def _describe(step: Step, config: Config, hashes: dict[str, str]) -> dict[str, Any]:
    return {
        "step": step.name,
        "version": step.version,
        "config": config_part(config, step.config_keys),
        "inputs": hashes,
        "outside": sha256_json(step.outside(config)) if step.outside else "",
    }


def _reason(step: Step, marker: dict[str, Any] | None, description: dict[str, Any], fingerprint: str, path: Path) -> str:
    """Why a step must run, or '' when it is up to date; `path` is where its marker would be."""
    if marker is None:
        return "its output was changed or deleted" if path.exists() else "no output yet"
    if marker["fingerprint"] == fingerprint:
        return ""
    old, new = marker["config"], description["config"]
    changes = [f"{k}: {old.get(k)!r} to {new.get(k)!r}" for k in sorted(old.keys() | new.keys()) if old.get(k) != new.get(k)]
    changes += [f"{name} changed" for name, value in description["inputs"].items() if marker["inputs"].get(name) != value]
    changes += [f"{step.outside_is} changed"] if marker["outside"] != description["outside"] else []
    return "; ".join(changes) or "the step itself is newer"


@contextmanager
def _lock(step: Step, config: Config) -> Iterator[None]:
    """Hold the step's lock; it goes with the process, so a kill leaves none behind.

    Raises:
        GradusError: when another process holds it.
    """
    path = _beside_work(step, config, "lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            stream.seek(0)
            what = f"{step.name} is being run by another process, {stream.read() or 'which just started'}"
            raise Locked(what, where=str(path), cure="Wait for it or stop it") from error
        stream.truncate(0)
        stream.write(f"number {os.getpid()}")
        stream.flush()
        yield


def is_running(step: Step, config: Config) -> bool:
    """Whether the process that last locked the step still lives; asks without touching the lock."""
    lock = _beside_work(step, config, "lock")
    number = lock.read_text(encoding="utf-8").removeprefix("number ") if lock.exists() else ""
    try:
        os.kill(int(number), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True  # it lives, under another user
    return True


def _beside_work(step: Step, config: Config, ending: str) -> Path:
    work = work_of(step, config)
    return work.with_name(f"{work.name}.{ending}")


def _open_work(step: Step, config: Config, fingerprint: str, force: bool) -> Path:
    """The work folder: kept when a resumable step goes on with the same fingerprint, else emptied."""
    work = work_of(step, config)
    ticket = _beside_work(step, config, "fingerprint")
    same = ticket.exists() and ticket.read_text(encoding="utf-8") == fingerprint
    if work.exists() and not (step.resumable and same and not force):
        remove_folder(work)
    work.mkdir(parents=True, exist_ok=True)
    for path in list(filter(is_temporary, work.rglob("*"))):
        path.unlink()
    write_text(ticket, fingerprint)
    return work


def _complete(step: Step, config: Config, work: Path, marker: dict[str, Any]) -> None:
    """Hash what was written, put the marker into the work folder (from here on it is whole), and publish."""
    files = sorted(path for path in work.rglob("*") if path.is_file())
    if not files:
        raise GradusError(f"{step.name} wrote nothing", where=str(work), cure="This is a defect of the step, please report it")
    marker["outputs"] = {path.relative_to(work).as_posix(): _entry(work, path) for path in files}
    write_json(work / marker_of(step, config).name, marker)
    _publish(step, config)


def _entry(work: Path, path: Path) -> dict[str, Any]:
    state = inside(work, path).stat()
    return {"sha256": sha256_file(path), "bytes": state.st_size, "mtime_ns": state.st_mtime_ns}


def _settle(step: Step, config: Config) -> None:
    """Finish what a kill in the middle of publishing left undone; wait while another process is publishing."""
    finished = work_of(step, config) / marker_of(step, config).name
    deadline = time.monotonic() + PUBLISHING_SECONDS
    while finished.exists():
        try:
            with _lock(step, config):
                _publish(step, config)
        except Locked:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _publish(step: Step, config: Config) -> None:
    """Move a whole work folder into the target, the marker last. The caller holds the lock; doing it again is harmless."""
    work, target, marker = work_of(step, config), target_of(step, config), marker_of(step, config)
    finished = work / marker.name
    if not finished.exists():
        return
    new = set(read_json(finished)["outputs"])
    old = set((_load_marker(marker) or {"outputs": ()})["outputs"])
    for name in sorted(old - new):
        inside(target, target / name).unlink(missing_ok=True)
    for name in sorted(new):
        if (work / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).replace(target / name)
    finished.replace(marker)
    shutil.rmtree(work)
    _remove_empty_folders(target, old - new)


def _remove_empty_folders(target: Path, names: set[str]) -> None:
    """Remove the folders below `target` that the deletion of `names` left empty."""
    for folder in sorted({parent for name in names for parent in (target / name).parents}, reverse=True):
        if folder != target and folder.is_relative_to(target) and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
