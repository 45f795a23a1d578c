"""Several processes that train as one: who this process is, its share of each batch, and the sums over all.

Sums, never means of means: losses, token counts and gradients are added over the processes and divided once by all
supervised tokens. So N processes compute what one would on the same batch, whatever the lengths that each got.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import numpy as np

from gradus.backend import mx, nn, tree_flatten, tree_unflatten
from gradus.errors import GradusError, UserError
from gradus.leftover import CHILD_LOCK
from gradus.train.data import Batch
from gradus.train.launch import BACKEND, PARENT, STOP_FILE

T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """The processes of a run. `link` is MLX's group, or None when there is one process only."""

    rank: int = 0
    size: int = 1
    link: Any = None

    @property
    def leads(self) -> bool:
        """Whether this process writes the files and tells the events."""
        return self.rank == 0

    def share(self, batch: Batch) -> Batch:
        """This process's rows: every size-th, so that none gets more than one row more; an empty row when there is none."""
        if self.size == 1:
            return batch
        tokens, segments, mask = (part[self.rank :: self.size] for part in (batch.tokens, batch.segments, batch.mask))
        if len(tokens) == 0:
            tokens, segments, mask = (np.zeros((1, batch.tokens.shape[1]), np.int32) for _ in range(3))
        return Batch(tokens, segments, mask, batch.ids)

    def sum(self, values: mx.array) -> mx.array:
        """`values` added over the processes."""
        return values if self.link is None else mx.distributed.all_sum(values, group=self.link)

    def sums(self, values: Sequence[float]) -> list[float]:
        """Numbers added over the processes."""
        return list(values) if self.link is None else [float(v) for v in self.sum(mx.array(values, mx.float32)).tolist()]

    def sum_gradients(self, gradient: Any, after: mx.array) -> Any:
        """A tree of arrays added over the processes, many arrays a message, sent when `after` has been (all in one order)."""
        if self.link is None:
            return gradient
        names, arrays = zip(*tree_flatten(gradient), strict=True)
        ordered = tree_unflatten(list(zip(names, mx.depends(list(arrays), [after]), strict=True)))
        averaged = nn.average_gradients(ordered, group=self.link)
        return tree_unflatten([(name, value * self.size) for name, value in tree_flatten(averaged)])

    def any(self, flag: bool) -> bool:
        """Whether it is so in one of the processes; the same answer in all."""
        return flag if self.link is None else self.sums([float(flag)])[0] > 0

    def gather(self, values: list[int]) -> list[int]:
        """The lists of all processes, one after the other."""
        if self.link is None:
            return values
        return [int(v) for v in mx.distributed.all_gather(mx.array(values, mx.uint32), group=self.link).tolist()]

    def in_turn(self, work: Callable[[], T]) -> T:
        """`work` by the leading process first, then by the others: it may leave files that they find."""
        if not self.leads:
            self.any(False)
        result = work()
        if self.leads:
            self.any(False)
        return result

    def same(self, number: int) -> bool:
        """Whether all processes have the same number."""
        return self.sums([float(number)])[0] == number * self.size


ALONE = Group()


def join(batch_size: int, environment: Mapping[str, str] = os.environ) -> Group:
    """The group that the launcher put this process into, or a group of one.

    Raises:
        GradusError: when the launcher named a backend that this MLX cannot reach. UserError: when rows do not divide.
    """
    backend = environment.get(BACKEND)
    if backend is None:
        return ALONE
    try:
        link = mx.distributed.init(strict=True, backend=backend)
    except (RuntimeError, ValueError) as error:
        raise GradusError(
            f"the processes did not find each other through {backend}: {error}", where="train.launch", cure="See docs/DISTRIBUTED.md"
        ) from error
    if batch_size % link.size():
        raise UserError(
            f"{batch_size} rows cannot be shared out to {link.size()} processes", where="train.batch_size", cure=f"Take a multiple of {link.size()}"
        )
    return Group(link.rank(), link.size(), link) if link.size() > 1 else ALONE


class Stop:
    """Turns true when a signal or the stop file asked to stop, or the process that started the run is gone."""

    def __init__(self, folder: Path, environment: Mapping[str, str] = os.environ) -> None:
        self.asked = False
        self.file = folder / STOP_FILE
        self.parent = os.getppid()
        self.lock = folder / CHILD_LOCK if environment.get(PARENT) == socket.gethostname() else None
        for kind in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(kind) != signal.SIG_IGN:  # as in a run that was started to outlive its terminal
                signal.signal(kind, self._note)

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        self.asked = True

    def __call__(self) -> bool:
        return self.asked or os.getppid() != self.parent or self.file.exists() or not self._starter_lives()

    def _starter_lives(self) -> bool:
        """The process that started the launcher holds a lock, which the system frees however it dies."""
        if self.lock is None:
            return True
        with self.lock.open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False
