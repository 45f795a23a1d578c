"""The learning-rate range test in the child process (Smith 2017, arXiv:1506.01186): a run whose rate rises with every update.

It is the real training loop with another schedule; this module listens to its losses and stops it when they explode.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

from gradus.backend import mx, optimizers
from gradus.config.schema import FindLr, Train
from gradus.errors import GradusError, UserError
from gradus.files import write_json
from gradus.train.data import pieces, training_batches
from gradus.train.loop import Trainer
from gradus.train.loss import mean_loss


def rising_rate(find: FindLr) -> Callable[[mx.array], mx.array]:
    """A schedule from `lowest` to `highest` in `updates` equal factors."""
    return optimizers.exponential_decay(find.lowest, _factor(find))


def _factor(find: FindLr) -> float:
    return (find.highest / find.lowest) ** (1 / (find.updates - 1))


class Losses:
    """Listens to the events of a trainer: the mean loss of every update, and whether it has exploded.

    Batches differ in difficulty by more than an update changes, so `before`, the loss of the untouched model on the
    same batch, is taken off and its mean put back.
    """

    def __init__(self, train: Train, before: list[float], emit: Callable[[dict[str, Any]], None]) -> None:
        self.find, self.accumulation, self.before, self.emit = train.find_lr, train.gradient_accumulation, before, emit
        self.level = sum(before) / len(before)
        self.of_updates: list[float] = []
        self.exploded = False
        self._pending: list[float] = []
        self._lowest = float("inf")

    def __call__(self, event: dict[str, Any]) -> None:
        """Note the loss of an iteration and pass it on for the progress bar, behind the iterations of `measure_before`."""
        if event["event"] != "iteration":
            return
        iteration = event["iteration"]
        self.emit({**event, "iteration": len(self.before) + iteration})
        self._pending.append(event["loss"] - self.before[iteration - 1] + self.level)
        if len(self._pending) == self.accumulation:
            self._add(sum(self._pending) / self.accumulation)
            self._pending = []

    def _add(self, loss: float) -> None:
        self.of_updates.append(loss)
        last = self.of_updates[-self.find.smooth :]
        if len(last) == self.find.smooth:
            mean = sum(last) / len(last)
            self._lowest = min(self._lowest, mean)
            self.exploded = mean > self.find.explosion * self._lowest

    def points(self) -> list[tuple[float, float]]:
        """(learning rate of the update, loss of its batch just before it)."""
        factor = _factor(self.find)
        return [(self.find.lowest * factor**number, loss) for number, loss in enumerate(self.of_updates)]


def measure_before(trainer: Trainer, asked_to_stop: Callable[[], bool]) -> list[float]:
    """Loss of the untouched model on each batch of the test; fewer when asked to stop."""
    job = trainer.job
    batches = training_batches(job.sequences, job.layout, job.seed, 0, 0, job.stages)
    before: list[float] = []
    for _, _, batch in itertools.islice(batches, job.train.iterations):
        if asked_to_stop():
            break
        start = time.perf_counter()
        before.append(mean_loss(trainer.model, pieces(batch, job.slices), job.forward))
        speed = int(batch.mask.sum()) / (time.perf_counter() - start)
        trainer.emit({"event": "iteration", "iteration": len(before), "loss": before[-1], "tokens_per_second": speed})
    return before


def range_test(trainer: Trainer, asked_to_stop: Callable[[], bool]) -> int:
    """Train with the rising rate until it is through or the loss explodes; leaves the points in `result.json`.

    Returns:
        0 when done, 130 when interrupted.

    Raises:
        GradusError: when the loss was lost before there was enough to look at.
    """
    train = trainer.job.train
    before = measure_before(trainer, asked_to_stop)
    if len(before) < train.iterations:
        return 130
    trainer.emit = losses = Losses(train, before, trainer.emit)
    trainer.validation = trainer.validation[:1]  # the loop validates at both ends; nobody looks at it here
    stopped = "it reached the highest rate"
    try:
        if trainer.run(lambda: losses.exploded or asked_to_stop()) == "interrupted":
            if not losses.exploded:
                return 130
            stopped = "the loss exploded"
    except UserError:
        raise
    except GradusError as error:  # a loss that is no number is an end that is looked for here
        if len(losses.of_updates) < 2 * train.find_lr.smooth:
            raise
        stopped = error.what
    write_json(trainer.job.folder / "result.json", {"stopped": stopped, "before": losses.level, "points": losses.points()})
    return 0
