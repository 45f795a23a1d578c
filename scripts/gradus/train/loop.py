"""The training loop. mlx-lm's own cannot resume exactly, keep the best adapter, pack, or weigh by tokens."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gradus.backend import mx, nn, optimizers
from gradus.config.schema import Train
from gradus.errors import GradusError
from gradus.layout import Layout
from gradus.train.checkpoint import Progress, checkpoints, forget_worse, restore_checkpoint, save_best, save_checkpoint
from gradus.train.data import Batch, Tokenized, pieces, training_batches, validation_batches
from gradus.train.group import ALONE, Group
from gradus.train.loss import Forward, mean_terms, parts
from gradus.train.metrics import append_row, keep_rows_until
from gradus.train.update import make_step

Stopped = Literal["finished", "early stopping", "interrupted"]
USUAL_RATE = 4e-4
"""At which adapters on most bases learn well."""


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
    stages: Sequence[Sequence[int]] = ()
    """Groups of examples from easy to hard for the first epoch; none without a curriculum."""
    slices: int = 1
    """Parts that a batch is cut into, one after the other, when it would not fit into memory whole."""
    uniform_loss: float = math.inf
    """ln(vocabulary), in nats: the loss of a model to which all tokens are equally likely, where a ruined one ends up."""


class Trainer:
    """One run: `run()` trains until it is finished, stopped early or interrupted, from a checkpoint if there is one."""

    def __init__(
        self, job: Job, model: nn.Module, optimizer: optimizers.Optimizer, emit: Callable[[dict[str, Any]], None], group: Group = ALONE
    ) -> None:
        self.job, self.model, self.optimizer, self.emit, self.group = job, model, optimizer, emit, group
        self.progress = Progress()
        self.checkpoint_folder = job.folder / "checkpoints"
        self.metrics = job.folder / "metrics.jsonl"
        self.validation = [piece for batch in validation_batches(job.validation, job.layout) for piece in pieces(group.share(batch), job.slices)]
        self.step = make_step(model, optimizer, job.train, job.forward, group)

    def run(self, interrupted: Callable[[], bool]) -> Stopped:
        """Train; `interrupted` is asked after each iteration, and when it says yes a checkpoint is written, unless an update is pending.

        Raises:
            GradusError: when the loss is no number any more, or has risen too far.
        """
        self.model.train()
        train = self.job.train
        if not self._restore():
            self._validate()
        gradient = None
        for epoch, position, batch in training_batches(
            self.job.sequences, self.job.layout, self.job.seed, self.progress.epoch, self.progress.position, self.job.stages
        ):
            if self.progress.iteration >= train.iterations:
                return "finished"
            gradient = self._iterate(batch, gradient)
            self.progress.epoch, self.progress.position = epoch, position + 1
            if self._due(train.validate_every):
                self._validate()
                if train.early_stopping.patience and self.progress.validations_without_gain >= train.early_stopping.patience:
                    return "early stopping"
            stop = self.group.any(interrupted())
            if self._due(train.checkpoint_every) or (stop and self._update_due()):
                self._save()
            if stop:
                return "interrupted"
        raise AssertionError("the batches never end")

    def _restore(self) -> bool:
        found = checkpoints(self.checkpoint_folder)
        if not found:
            if self.group.leads:
                self.metrics.unlink(missing_ok=True)
            self._agree()
            return False
        self.progress = restore_checkpoint(found[-1], self.model, self.optimizer)
        # A compiled step holds on to the optimizer state that it was made with, and the restored one is another object.
        self.step = make_step(self.model, self.optimizer, self.job.train, self.job.forward, self.group)
        self._agree()
        if self.group.size > 1:
            high, low = self.progress.random_states[2 * self.group.rank :][:2]
            mx.random.seed((high << 32) | low)
        if self.group.leads:
            keep_rows_until(self.metrics, self.progress.iteration)
        self.emit({"event": "resumed", "iteration": self.progress.iteration})
        return True

    def _agree(self) -> None:
        if not self.group.same(self.progress.iteration):
            cure = "Let all hosts see the same folder, and start again"
            raise GradusError("the processes do not find the same checkpoint", where=str(self.checkpoint_folder), cure=cure)

    def _save(self) -> None:
        if self.group.size > 1:
            self.progress.random_states = self.group.gather([int(v) for v in mx.random.state[0].tolist()])
        if not self.group.leads:
            return
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
        value, count = 0.0, 0
        cut = pieces(self.group.share(batch), self.job.slices)
        for number, piece in enumerate(cut, 1):
            loss, tokens, gradient = self.step(parts(piece), gradient, number == len(cut) and self._update_due())
            mx.eval(loss, tokens, gradient, self.model.state, self.optimizer.state)
            value, count = value + loss.item(), count + int(tokens.item())
        value, tokens_of_all = self.group.sums([value, count])
        count = int(tokens_of_all)
        if not math.isfinite(value):
            raise self._diverged(f"the loss is {value}", batch)
        seconds = time.perf_counter() - start
        progress.tokens += count
        progress.seconds += seconds
        progress.interval_loss += value
        progress.interval_tokens += count
        progress.interval_seconds += seconds
        self.emit({"event": "iteration", "iteration": progress.iteration, "loss": value / count, "tokens_per_second": count / seconds})
        if self._due(self.job.train.report_every):
            self._report(batch)
        return gradient

    def _diverged(self, what: str, batch: Batch | None = None) -> GradusError:
        """The error that ends a run without a future; the last checkpoint and the best adapter stay as they are."""
        ids = batch.ids if batch else ()
        rows = ", ".join(ids[:4]) + (f" and {len(ids) - 4} more" if len(ids) > 4 else "")
        lower = lower_rate(self.job.train.learning_rate)
        return GradusError(
            f"training diverged: {what} at iteration {self.progress.iteration}", where=f"train.jsonl, rows {rows}" if rows else "train",
            cure=f"Lower train.learning_rate (say to {lower}), raise train.schedule.warmup_updates{', or look at these rows' if rows else ''}",
        )  # fmt: skip

    def _report(self, batch: Batch) -> None:
        """Record the mean loss since the last report; stop when it has risen beyond what a run recovers from."""
        progress = self.progress
        speed = progress.interval_tokens / progress.interval_seconds
        loss = progress.interval_loss / progress.interval_tokens
        self._record("train", loss, tokens_per_second=round(speed, 1))
        progress.lowest_loss = loss if progress.lowest_loss is None else min(loss, progress.lowest_loss)
        rise = self.job.train.max_loss_rise
        if rise and loss > progress.lowest_loss + rise:
            raise self._diverged(f"the loss rose to {loss:.2f} from {progress.lowest_loss:.2f}", batch)
        progress.interval_loss, progress.interval_tokens, progress.interval_seconds = 0.0, 0, 0.0

    def _validate(self) -> None:
        """Measure the validation loss, keep the weights when it is the best so far."""
        progress = self.progress
        terms = mean_terms(self.model, self.validation, self.job.forward, self.group)
        loss = self.job.forward.objectives.weighted(terms)
        self._record("valid", loss, terms={} if self.job.forward.objectives.plain else terms)
        if progress.lowest_loss is None:
            progress.lowest_loss = loss
        if not math.isfinite(loss):
            raise self._diverged(f"the validation loss is {loss}") if progress.iteration else _no_number_to_begin_with(loss)
        if self._is_ruined(loss):
            raise self._diverged(f"the validation loss went from {progress.best_loss:.2f} to {loss:.2f}, as if all tokens were equally likely,")
        if progress.best_loss is None or loss < progress.best_loss:
            progress.best_loss, progress.best_iteration = loss, progress.iteration
            if self.group.leads:
                save_best(self.job.folder, progress.iteration, self.model)
        if progress.patience_loss is None or loss < progress.patience_loss - self.job.train.early_stopping.minimum_delta:
            progress.patience_loss, progress.validations_without_gain = loss, 0
        else:
            progress.validations_without_gain += 1

    def _is_ruined(self, loss: float) -> bool:
        """Whether training has only taken away what the model knew. A loss that levels off there rises too little for `max_loss_rise`."""
        progress, uniform = self.progress, self.job.uniform_loss
        if not (self.job.train.max_loss_rise and self.job.forward.objectives.plain) or progress.best_loss is None or progress.best_iteration:
            return False
        return progress.best_loss < uniform and (loss >= uniform or math.isclose(loss, uniform, rel_tol=1e-5))  # to float32's rounding

    def _record(self, kind: str, loss: float, tokens_per_second: float | None = None, terms: dict[str, float] | None = None) -> None:
        if not self.group.leads:
            return
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
            **(terms or {}),
        }
        append_row(self.metrics, {key: value for key, value in row.items() if value is not None})
        self.emit({"event": kind, "iteration": progress.iteration, "loss": loss})


def lower_rate(rate: float) -> str:
    """The rate to try after one that diverged, as it is typed: a quarter of it, at most what most bases learn well at."""
    return np.format_float_positional(min(rate / 4, USUAL_RATE), precision=2, fractional=False, trim="-")


def _no_number_to_begin_with(loss: float) -> GradusError:
    cure = "That is no matter of training: take another model.base, or another version of it that is not in 16 bits"
    return GradusError(f"the validation loss is {loss} at iteration 0, before anything was learnt", where="model.base", cure=cure)
