"""Checkpoints from which a killed run goes on bit for bit, and the best adapter so far."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gradus.backend import mx, nn, optimizers, tree_flatten, tree_unflatten
from gradus.errors import GradusError
from gradus.files import read_json, write_json
from gradus.train.method import trainable_parameters


@dataclass
class Progress:
    """Where a run is. Everything that decides how it goes on, apart from weights and optimizer state."""

    iteration: int = 0
    epoch: int = 0
    position: int = 0
    """Batches of the epoch that are done."""
    tokens: int = 0
    """Supervised tokens so far."""
    seconds: float = 0.0
    interval_loss: float = 0.0
    """Loss sum, in nats, and tokens since the last report."""
    interval_tokens: int = 0
    interval_seconds: float = 0.0
    lowest_loss: float | None = None
    """Lowest mean training loss of a report, or the validation loss before training."""
    best_loss: float | None = None
    best_iteration: int = 0
    patience_loss: float | None = None
    """The validation loss that early stopping wants to see improved."""
    validations_without_gain: int = 0
    random_state: list[int] = field(default_factory=list)
    random_states: list[int] = field(default_factory=list)
    """Of all processes, two numbers each, when there are several."""


def save_checkpoint(folder: Path, progress: Progress, model: nn.Module, optimizer: optimizers.Optimizer, keep: int) -> None:
    """Write `checkpoints/<iteration>`, whole or not at all, and delete all but the last `keep`."""
    progress.random_state = [int(v) for v in mx.random.state[0].tolist()]
    final = folder / f"{progress.iteration:07d}"
    work = folder / f".{final.name}.work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        mx.save_safetensors(str(work / "trained.safetensors"), trainable_parameters(model))
        mx.save_safetensors(str(work / "optimizer.safetensors"), {k: v for k, v in tree_flatten(optimizer.state) if isinstance(v, mx.array)})
        write_json(work / "progress.json", asdict(progress))
        shutil.rmtree(final, ignore_errors=True)
        work.replace(final)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for old in checkpoints(folder)[:-keep]:
        shutil.rmtree(old)


def checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints, oldest first."""
    return sorted(path for path in folder.glob("[0-9]*") if (path / "progress.json").is_file())


def restore_checkpoint(checkpoint: Path, model: nn.Module, optimizer: optimizers.Optimizer) -> Progress:
    """Bring model, optimizer and random state to where the checkpoint was written. Raises GradusError when it is damaged."""
    try:
        weights, state = (mx.load(str(checkpoint / f"{part}.safetensors")) for part in ("trained", "optimizer"))
        progress = Progress(**read_json(checkpoint / "progress.json"))
    except (RuntimeError, TypeError) as error:
        cure = "Delete that folder and run the same command again: training goes on from the checkpoint before it, or from the start"
        raise GradusError(f"the checkpoint is damaged ({error})", where=str(checkpoint), cure=cure) from error
    model.load_weights(list(weights.items()), strict=False)
    optimizer.state = tree_unflatten(list(state.items()))
    optimizer.init(model.trainable_parameters())
    mx.eval(model.parameters(), optimizer.state)
    high, low = progress.random_state
    mx.random.seed((high << 32) | low)
    return progress


def save_best(folder: Path, iteration: int, model: nn.Module) -> None:
    """Keep the weights of the best validation so far; the file's name carries the iteration."""
    final = folder / f"best-{iteration:07d}.safetensors"
    work = folder / f".{final.stem}.work.safetensors"
    try:
        mx.save_safetensors(str(work), trainable_parameters(model))
        work.replace(final)
    finally:
        work.unlink(missing_ok=True)


def forget_worse(folder: Path, best_iteration: int) -> None:
    """Delete best files that a finished checkpoint no longer refers to."""
    for path in folder.glob("best-*.safetensors"):
        if path.name != f"best-{best_iteration:07d}.safetensors":
            path.unlink()
