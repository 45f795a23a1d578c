"""The work of 06_train_mlx: start the child process, show how it goes, keep what it made."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gradus.config.load import PROJECT
from gradus.errors import GradusError, UserError
from gradus.files import read_json, sha256_file, write_json
from gradus.log import progress
from gradus.step import StepContext, Summary
from gradus.train.curves import Curve, write_curve
from gradus.train.metadata import git_state, machine, package_versions

log = logging.getLogger(__name__)
SPLITS = ("train", "valid")
SCRATCH = ("checkpoints", "job.json", "result.json", "started.json")


def train(context: StepContext) -> Summary:
    """Train in a child process; afterwards the folder holds the best adapter, metrics, curves and metadata."""
    base = read_json(context.input("05_prepare/base.json"))
    started = _started(context.out)
    run_child(_job(context, base), context.config.train.iterations)
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


def _job(context: StepContext, base: dict[str, Any]) -> Path:
    job = context.out / "job.json"
    if not Path(base["path"]).is_dir():
        raise UserError("the base model is gone", where=base["path"], cure="Run python scripts/05_prepare.py --force")
    files = {name: str(context.input(f"05_prepare/{name}.jsonl")) for name in SPLITS}
    write_json(job, {"config": context.config.model_dump(), "base": base["path"], "folder": str(context.out), **files})
    return job


def run_child(job: Path, iterations: int) -> None:
    """Run the worker and show its progress.

    Raises:
        KeyboardInterrupt: when it was interrupted. GradusError, UserError: what the child told, or how it died.
    """
    with _child(job) as child:
        error = _follow(child, iterations)
        code = child.wait()
    if error:
        kind = UserError if error["exit_code"] == 2 else GradusError
        raise kind(error["what"], where=error["where"], cure=error["cure"])
    if code == 130:
        raise KeyboardInterrupt
    if code != 0:
        tail = _tail(job.with_name("worker.log"))
        raise GradusError(
            f"the training process died with code {code} ({tail})",
            where=str(job.with_name("worker.log")),
            cure="Run the same command again: it goes on from the last checkpoint",
        )


@contextmanager
def _child(job: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts"), "PYTHONUNBUFFERED": "1"}
    if sys.platform == "darwin":
        # Metal kills long kernels while the display is on; this relaxes the watchdog.
        environment.setdefault("AGX_RELAX_CDM_CTXSTORE_TIMEOUT", "1")
    with job.with_name("worker.log").open("w", encoding="utf-8") as errors:
        command = [sys.executable, "-m", "gradus.train.worker", str(job)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        try:
            yield child
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait(60)


def _follow(child: subprocess.Popen[str], iterations: int) -> dict[str, Any] | None:
    """Show events until the child closes its output; returns the error it told, if any."""
    assert child.stdout is not None
    valid = ""
    last = 0
    error: dict[str, Any] | None = None
    with progress("training", iterations) as advance:
        for line in child.stdout:
            event = json.loads(line)
            kind = event["event"]
            if kind == "error":
                error = event
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


def _tail(path: Path) -> str:
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
        "first_valid_loss": curve.valid[0][1],
        "best": result["best"],
        "final": {"train_loss": curve.train[-1][1], "valid_loss": curve.valid[-1][1]},
        "config": context.config.model_dump(),
    }


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
        "peak memory": f"{metadata['peak_memory_gb']:.2f} GB on {metadata['machine']['device']}",
    }
