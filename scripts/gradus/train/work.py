"""The work of 06_train_mlx: what its child process is told, and what is kept of what it made."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gradus.errors import UserError
from gradus.files import read_json, sha256_file, write_json
from gradus.leftover import CHILD_LOCK
from gradus.registry_entries import WEIGHTS
from gradus.step import StepContext, Summary
from gradus.train.child import run_child
from gradus.train.curves import Curve, write_curve
from gradus.train.metadata import METADATA, git_state, machine, package_versions
from gradus.train.metrics import read_losses
from gradus.train.reporters import reporting
from gradus.train.start import Start, find_start

SPLITS = ("train", "valid")
SCRATCH = (
    "checkpoints", "preflight", "difficulty.json", "memory.json", "job.json", "result.json", "started.json", "stop", CHILD_LOCK, "worker.log",
)  # fmt: skip


def train(context: StepContext) -> Summary:
    """Train in a child process; afterwards the folder holds the best adapter, metrics, curves and metadata."""
    base = read_json(context.input("05_prepare/base.json"))
    metadata = context.out / METADATA
    if not metadata.exists():  # a kill behind this point costs nothing: it has been trained
        write_json(metadata, _trained(context, base))
    _clean(context.out)
    return _summary(base, read_json(metadata))


def _trained(context: StepContext, base: dict[str, Any]) -> dict[str, Any]:
    """The metadata of the training, which goes on where a killed process left it."""
    folder, started = context.out, _started(context.out)
    job = write_job(context, base)
    if not (folder / "result.json").exists():
        with reporting(context.config, folder / "metrics.jsonl"):
            run_child(job, context.config.train.iterations)
    result = read_json(folder / "result.json")
    curve = read_metrics(folder / "metrics.jsonl")
    write_curve(curve, folder)
    _keep_best(folder, result["best"]["iteration"])
    return _metadata(context, base, result, curve, started)


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


def read_metrics(path: Path) -> Curve:
    """The curves of a `metrics.jsonl`."""
    points: dict[str, list[tuple[int, float]]] = {"train": [], "valid": []}
    for (iteration, kind), loss in read_losses(path).items():
        points[kind].append((iteration, loss))
    return Curve(train=points["train"], valid=points["valid"])


def _keep_best(folder: Path, iteration: int) -> None:
    """The adapter that leaves the room is the best by validation loss, not the last."""
    best = folder / f"best-{iteration:07d}.safetensors"
    if best.exists():  # else it is there already: a kill came between this and the metadata
        best.replace(folder / WEIGHTS)


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
        "final": {"train_loss": curve.train[-1][1] if curve.train else None, "valid_loss": curve.valid[-1][1]},
        "config": context.config.model_dump(),
    }


def _told_start(job: dict[str, Any]) -> dict[str, str] | None:
    """Which registered adapter the training went on from; None for the base."""
    start = Path(job["start"]) if "start" in job else None
    return {"version": start.name, "weights": sha256_file(start / WEIGHTS)} if start else None


def _clean(folder: Path) -> None:
    for path in (*(folder / name for name in SCRATCH), *folder.glob("*best-*.safetensors")):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


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
