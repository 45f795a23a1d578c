"""The work of 06_train_mlx: start the child process, show how it goes, keep what it made."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gradus.config.load import PROJECT
from gradus.config.schema import Launch
from gradus.errors import GradusError, UserError
from gradus.files import read_json, sha256_file, write_json
from gradus.log import progress
from gradus.registry_entries import WEIGHTS
from gradus.step import StepContext, Summary
from gradus.train.curves import Curve, write_curve
from gradus.train.launch import LOCK_FILE, STOP_FILE, ask_to_stop, death, launched
from gradus.train.metadata import git_state, machine, package_versions
from gradus.train.plan import halve, memory_death, system_kills
from gradus.train.reporters import reporting
from gradus.train.start import Start, find_start

log = logging.getLogger(__name__)
SPLITS = ("train", "valid")
FIGURES = ("predicted_gb", "checked_gb", "limit_gb")
WORKER = (sys.executable, "-m", "gradus.train.worker")
SCRATCH = ("checkpoints", "preflight", "memory.json", "job.json", "result.json", "started.json", "stop", "lock")


def train(context: StepContext) -> Summary:
    """Train in a child process; afterwards the folder holds the best adapter, metrics, curves and metadata."""
    base = read_json(context.input("05_prepare/base.json"))
    started = _started(context.out)
    with reporting(context.config, context.out / "metrics.jsonl"):
        run_child(write_job(context, base), context.config.train.iterations)
    result = read_json(context.out / "result.json")
    curve = read_metrics(context.out / "metrics.jsonl")
    write_curve(curve, context.out)
    _keep_best(context.out, result["best"]["iteration"])
    metadata = _metadata(context, base, result, curve, started)
    write_json(context.out / "run_metadata.json", metadata)
    _clean(context.out)
    return _summary(base, metadata)


def _started(folder: Path) -> str:
    """When this run first started, also when it is going on after a kill."""
    path = folder / "started.json"
    if not path.exists():
        write_json(path, datetime.now(UTC).isoformat(timespec="seconds"))
    return str(read_json(path))


def write_job(context: StepContext, base: dict[str, Any], mode: str = "train") -> Path:
    """`job.json` for the child process; `mode` is `train` or `find_lr`. Raises UserError when the base model is gone."""
    job = context.out / "job.json"
    folder = context.workspace / base["path"]
    if not folder.is_dir():
        raise UserError("the base model is gone", where=str(folder), cure="Run python scripts/05_prepare.py --force")
    files = {name: str(context.input(f"05_prepare/{name}.jsonl")) for name in SPLITS}
    if start := _start(context, base):
        files["start"] = str(start.folder)
    write_json(job, {"mode": mode, "config": context.config.model_dump(), "base": str(folder), "folder": str(context.out), **files})
    return job


def _start(context: StepContext, base: dict[str, Any]) -> Start | None:
    from_base = context.config.train.start_from == "base"
    return None if from_base else find_start(context.workspace, context.config.run.name, base)


def run_child(job: Path, iterations: int, command: Sequence[str] = WORKER) -> None:
    """Run the worker and show its progress; when it runs out of memory, start it again with smaller parts.

    Raises:
        KeyboardInterrupt: when it was interrupted. GradusError, UserError: what the child told, or how it died.
    """
    for left in range(read_json(job)["config"]["train"]["memory"]["retries"], -1, -1):
        kills = system_kills()
        code = _run_once(job, iterations, command)
        if code == 0:
            return
        said = job.with_name("worker.log").read_text(encoding="utf-8", errors="replace")
        cause = memory_death(code, said, kills)
        if not cause or not left:
            raise _died(code, job.with_name("worker.log"))
        plan = halve(job.parent, cause)
        log.warning("The training process died: %s. Going on from the last checkpoint, each batch in %d parts.", cause, plan.slices)


def launch_of(job: Path) -> Launch:
    """How the processes of a job are launched; the learning-rate finder is always one."""
    told = read_json(job)
    alone = {"hosts": [], "backend": "ring", "processes": 1}
    return Launch.model_validate(told["config"]["train"]["launch"] if told.get("mode", "train") == "train" else alone)


def _died(code: int, said: Path) -> GradusError:
    cure = "Run the same command again: it goes on from the last checkpoint"
    return GradusError(f"the training process died with code {code} ({_tail(said)})", where=str(said), cure=cure)


def _run_once(job: Path, iterations: int, command: Sequence[str]) -> int:
    """The exit code of the child. Raises what it told, and KeyboardInterrupt when it was interrupted."""
    with _child(job, command) as child:
        error = _follow(child, iterations)
        code = child.wait()
    if launch_of(job).is_used and not job.with_name("result.json").exists():
        told = death(job.with_name("worker.log").read_text(encoding="utf-8", errors="replace"))
        code = told[0] if told else code or 1
    if error:
        kind = UserError if error["exit_code"] == 2 else GradusError
        raise kind(error["what"], where=error["where"], cure=error["cure"])
    if code == 130:
        raise KeyboardInterrupt
    return code


@contextmanager
def _child(job: Path, command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    launch = launch_of(job)
    job.with_name(STOP_FILE).unlink(missing_ok=True)
    passed = {"PYTHONPATH": str(PROJECT / "scripts"), "PYTHONUNBUFFERED": "1"}
    if sys.platform == "darwin":
        # Metal kills long kernels while the display is on; this relaxes the watchdog.
        passed["AGX_RELAX_CDM_CTXSTORE_TIMEOUT"] = os.environ.get("AGX_RELAX_CDM_CTXSTORE_TIMEOUT", "1")
    with job.with_name(LOCK_FILE).open("wb") as lock, job.with_name("worker.log").open("w", encoding="utf-8") as errors:
        fcntl.flock(lock, fcntl.LOCK_EX)  # freed however this process ends: that is how launched processes see it
        # A launcher reads its standard input, and must not see the Ctrl-C of the terminal: it would kill without a checkpoint.
        child = subprocess.Popen(
            launched(launch, [*command, str(job)], passed), stdin=subprocess.PIPE if launch.is_used else None, stdout=subprocess.PIPE,
            stderr=errors, text=True, env={**os.environ, **passed}, start_new_session=launch.is_used,
        )  # fmt: skip
        try:
            yield child
        finally:
            if child.poll() is None:
                ask_to_stop(child, launch, job.parent)
                child.wait(60)
            for stream in (child.stdin, child.stdout):
                if stream is not None:
                    stream.close()


def _follow(child: subprocess.Popen[str], iterations: int) -> dict[str, Any] | None:
    """Show events until the child closes its output; returns the error it told, if any."""
    assert child.stdout is not None
    valid = ""
    last = 0
    error: dict[str, Any] | None = None
    with progress("Training", iterations) as advance:
        advance(0, "loading, and trying the largest step")
        for line in child.stdout:
            event = _event(line)
            kind = event["event"]
            if kind == "error":
                error = error or event
            elif kind == "interrupted":
                raise KeyboardInterrupt
            elif kind == "start":
                _tell_memory(event["memory"])
            elif kind == "resumed":
                log.info("Going on from the checkpoint at iteration %d", event["iteration"])
                advance(event["iteration"] - last, "")
                last = event["iteration"]
            elif kind == "valid":
                valid = f", validation {event['loss']:.3f}"
                log.debug("iteration %d: validation loss %.4f", event["iteration"], event["loss"])
            elif kind == "iteration":
                advance(event["iteration"] - last, f"loss {event['loss']:.3f}{valid}, {event['tokens_per_second']:,.0f} tokens/s")
                last = event["iteration"]
    return error


def _event(line: str) -> dict[str, Any]:
    """The event on a line, or one of kind "other" for what a launcher or a package printed in between."""
    try:
        return {"event": "other", **json.loads(line)}
    except (json.JSONDecodeError, TypeError):
        return {"event": "other"}


def _tell_memory(memory: dict[str, Any]) -> None:
    for change in memory["adapted"]:
        log.warning("Memory: %s", change)
    if memory["checked_gb"] is not None:
        log.info("Memory: %.3g GB predicted, %.3g GB in the largest step, limit %.3g GB", *(memory[k] for k in FIGURES))


def _tail(path: Path) -> str:
    told = death(path.read_text(encoding="utf-8", errors="replace")) if path.exists() else None
    if told:
        return told[1]
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines() if path.exists() else []
    return lines[-1] if lines else "it said nothing"


def read_metrics(path: Path) -> Curve:
    """The curves of a `metrics.jsonl`."""
    points: dict[str, list[tuple[int, float]]] = {"train": [], "valid": []}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        points[row["kind"]].append((row["iteration"], row["loss"]))
    return Curve(train=points["train"], valid=points["valid"])


def _keep_best(folder: Path, iteration: int) -> None:
    """The adapter that leaves the room is the best by validation loss, not the last."""
    (folder / f"best-{iteration:07d}.safetensors").replace(folder / "adapters.safetensors")


def _metadata(context: StepContext, base: dict[str, Any], result: dict[str, Any], curve: Curve, started: str) -> dict[str, Any]:
    return {
        "created": started,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": context.config.run.name,
        "git": git_state(),
        "machine": {**machine(), "device": result["device"]},
        "packages": package_versions(),
        "dataset": {name: sha256_file(context.input(f"05_prepare/{name}.jsonl")) for name in SPLITS},
        "base": base,
        "started_from": _told_start(read_json(context.out / "job.json")),
        "method": context.config.train.method,
        "trainable_parameters": result["trainable_parameters"],
        "total_parameters": base["parameters"],
        "iterations": result["iterations"],
        "epochs": result["epochs"],
        "stopped": result["stopped"],
        "seconds": round(result["seconds"], 1),
        "tokens": result["tokens"],
        "tokens_per_second": round(result["tokens"] / result["seconds"], 1),
        "peak_memory_gb": result["peak_memory_gb"],
        "memory": result["memory"],
        "first_valid_loss": curve.valid[0][1],
        "best": result["best"],
        "final": {"train_loss": curve.train[-1][1], "valid_loss": curve.valid[-1][1]},
        "config": context.config.model_dump(),
    }


def _told_start(job: dict[str, Any]) -> dict[str, str] | None:
    """Which registered adapter the training went on from; None for the base."""
    start = Path(job["start"]) if "start" in job else None
    return {"version": start.name, "weights": sha256_file(start / WEIGHTS)} if start else None


def _clean(folder: Path) -> None:
    for name in SCRATCH:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for path in (*folder.glob("best-*.safetensors"), folder / "worker.log"):
        path.unlink(missing_ok=True)


def _summary(base: dict[str, Any], metadata: dict[str, Any]) -> Summary:
    before, best = metadata["first_valid_loss"], metadata["best"]
    return {
        "base model": base["name"],
        "method": f"{metadata['method']}, {metadata['trainable_parameters']:,} of {metadata['total_parameters']:,} parameters",
        "validation loss": f"{before:.3f} before, {best['loss']:.3f} at best (iteration {best['iteration']})",
        "stopped": f"{metadata['stopped']} after {metadata['iterations']} iterations, {metadata['seconds']:.0f} s",
        "supervised tokens": metadata["tokens"],
        "supervised tokens/s": metadata["tokens_per_second"],
        "peak memory": f"{metadata['peak_memory_gb']:.2f} GB on {metadata['machine']['device']}{_foreseen(metadata['memory'])}",
    }


def _foreseen(memory: dict[str, Any]) -> str:
    """What was predicted, and what was done to keep it below the limit."""
    predicted = f", {memory['predicted_gb']:.2f} GB predicted" if memory["predicted_gb"] is not None else ""
    return "; ".join([predicted, *memory["adapted"]])
