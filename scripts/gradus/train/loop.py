"""The training loop. mlx-lm's own cannot resume exactly, keep the best adapter, pack, or weigh by tokens."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from gradus.backend import mx, nn, on_streams, optimizers, tree_map
from gradus.config.schema import Train
from gradus.errors import GradusError
from gradus.train.checkpoint import Progress, checkpoints, forget_worse, restore_checkpoint, save_best, save_checkpoint
from gradus.train.data import Batch, Layout, Tokenized, training_batches, validation_batches
from gradus.train.loss import Arrays, Forward, mean_loss, parts

Stopped = Literal["finished", "early stopping", "interrupted"]


@dataclass(frozen=True)
class Job:
    """What a run needs besides its model and optimizer."""

    train: Train
    sequences: list[Tokenized]
    validation: list[Tokenized]
    layout: Layout
    forward: Forward
    seed: int
    folder: Path
    """Where `metrics.jsonl`, checkpoints and the best adapter go."""


class Trainer:
    """One run: `run()` trains until it is finished, stopped early or interrupted, from a checkpoint if there is one."""

    def __init__(self, job: Job, model: nn.Module, optimizer: optimizers.Optimizer, emit: Callable[[dict[str, Any]], None]) -> None:
        self.job, self.model, self.optimizer, self.emit = job, model, optimizer, emit
        self.progress = Progress()
        self.checkpoint_folder = job.folder / "checkpoints"
        self.metrics = job.folder / "metrics.jsonl"
        self.validation = validation_batches(job.validation, job.layout)
        self.step = make_step(model, optimizer, job.train, job.forward)

    def run(self, interrupted: Callable[[], bool]) -> Stopped:
        """Train; `interrupted` is asked after each iteration, and when it says yes a checkpoint is written first.

        Raises:
            GradusError: when the loss is no number any more.
        """
        self.model.train()
        train = self.job.train
        if not self._restore():
            self._validate()
        gradient = None
        for epoch, position, batch in training_batches(
            self.job.sequences, self.job.layout, self.job.seed, self.progress.epoch, self.progress.position
        ):
            if self.progress.iteration >= train.iterations:
                return "finished"
            gradient = self._iterate(batch, gradient)
            self.progress.epoch, self.progress.position = epoch, position + 1
            if self._due(train.validate_every):
                self._validate()
                if train.early_stopping.patience and self.progress.validations_without_gain >= train.early_stopping.patience:
                    return "early stopping"
            stop = interrupted()
            if self._due(train.checkpoint_every) or (stop and self._update_due()):
                self._save()
            if stop:
                return "interrupted"
        raise AssertionError("the batches never end")

    def _restore(self) -> bool:
        found = checkpoints(self.checkpoint_folder)
        if not found:
            self.metrics.unlink(missing_ok=True)
            return False
        self.progress = restore_checkpoint(found[-1], self.model, self.optimizer)
        keep_metrics_until(self.metrics, self.progress.iteration)
        self.emit({"event": "resumed", "iteration": self.progress.iteration})
        return True

    def _save(self) -> None:
        save_checkpoint(self.checkpoint_folder, self.progress, self.model, self.optimizer, self.job.train.keep_checkpoints)
        forget_worse(self.job.folder, self.progress.best_iteration)

    def _due(self, every: int) -> bool:
        return self.progress.iteration % every == 0 or self.progress.iteration == self.job.train.iterations

    def _update_due(self) -> bool:
        return self.progress.iteration % self.job.train.gradient_accumulation == 0

    def _iterate(self, batch: Batch, gradient: Any) -> Any:
        """One micro-batch; returns the gradient that is still to be applied, or None after an update."""
        start = time.perf_counter()
        progress = self.progress
        progress.iteration += 1
        loss, tokens, gradient = self.step(parts(batch), gradient, self._update_due())
        mx.eval(loss, tokens, gradient, self.model.state, self.optimizer.state)
        value, count = loss.item(), int(tokens.item())
        if not math.isfinite(value):
            raise GradusError(
                f"the loss is {value} at iteration {progress.iteration}", where=f"rows {', '.join(batch.ids[:4])}",
                cure="Lower train.learning_rate, raise train.schedule.warmup_updates, or look at these rows of train.jsonl",
            )  # fmt: skip
        seconds = time.perf_counter() - start
        progress.tokens += count
        progress.seconds += seconds
        progress.interval_loss += value
        progress.interval_tokens += count
        progress.interval_seconds += seconds
        self.emit({"event": "iteration", "iteration": progress.iteration, "loss": value / count, "tokens_per_second": count / seconds})
        if self._due(self.job.train.report_every):
            self._report()
        return gradient

    def _report(self) -> None:
        progress = self.progress
        speed = progress.interval_tokens / progress.interval_seconds
        self._record("train", progress.interval_loss / progress.interval_tokens, tokens_per_second=round(speed, 1))
        progress.interval_loss, progress.interval_tokens, progress.interval_seconds = 0.0, 0, 0.0

    def _validate(self) -> None:
        """Measure the validation loss, keep the weights when it is the best so far."""
        progress = self.progress
        loss = mean_loss(self.model, self.validation, self.job.forward)
        self._record("valid", loss)
        if not math.isfinite(loss):
            raise GradusError(
                f"the validation loss is {loss} at iteration {progress.iteration}",
                where="train",
                cure="Lower train.learning_rate; the best adapter so far is kept",
            )
        if progress.best_loss is None or loss < progress.best_loss - self.job.train.early_stopping.minimum_delta:
            progress.best_loss, progress.best_iteration, progress.validations_without_gain = loss, progress.iteration, 0
            save_best(self.job.folder, progress.iteration, self.model)
        else:
            progress.validations_without_gain += 1

    def _record(self, kind: str, loss: float, tokens_per_second: float | None = None) -> None:
        progress = self.progress
        row = {
            "iteration": progress.iteration,
            "kind": kind,
            "loss": loss,
            "learning_rate": float(self.optimizer.learning_rate.item()),
            "tokens_per_second": tokens_per_second,
            "tokens": progress.tokens,
            "peak_memory_gb": round(mx.get_peak_memory() / 1e9, 4),
            "seconds": round(progress.seconds, 2),
        }
        with self.metrics.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({key: value for key, value in row.items() if value is not None}) + "\n")
        self.emit({"event": kind, "iteration": progress.iteration, "loss": loss})


Step = Callable[[list[Arrays], Any, bool], tuple[mx.array, mx.array, Any]]


def make_step(model: nn.Module, optimizer: optimizers.Optimizer, train: Train, forward: Forward) -> Step:
    """One compiled micro-batch: add its gradient to what is pending and, when due, apply the update.

    Gradients are of the summed loss and are divided by the number of supervised tokens of the whole update, so that
    every token weighs the same however the micro-batches fell.
    """
    gradient_of = nn.value_and_grad(model, forward.loss)
    state = [model.state, optimizer.state, mx.random.state]

    @partial(mx.compile, inputs=state, outputs=state)
    def step(batch: list[Arrays], pending: Any, update: bool) -> tuple[mx.array, mx.array, Any]:
        results = on_streams(lambda part: gradient_of(model, part), batch)
        loss, count = sum(r[0][0] for r in results), sum(r[0][1] for r in results)
        total, gradient = count, _add([r[1] for r in results])
        if pending is not None:
            gradient, total = _add([gradient, pending[0]]), count + pending[1]
        if not update:
            return loss, count, (gradient, total)
        gradient = tree_map(lambda g: g / mx.maximum(total, 1), gradient)
        if train.max_grad_norm:
            gradient, _ = optimizers.clip_grad_norm(gradient, train.max_grad_norm)
        optimizer.update(model, gradient)
        return loss, count, None

    return step


def _add(gradients: list[Any]) -> Any:
    return gradients[0] if len(gradients) == 1 else tree_map(lambda *values: sum(values), *gradients)


def keep_metrics_until(path: Path, iteration: int) -> None:
    """Drop the rows behind the checkpoint: they are about to be written again."""
    rows = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = []
    for row in rows:
        try:
            if json.loads(row)["iteration"] <= iteration:
                kept.append(row + "\n")
        except json.JSONDecodeError:
            break  # the line that a kill cut off; whatever follows is behind the checkpoint
    path.write_text("".join(kept), encoding="utf-8")
