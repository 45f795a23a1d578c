"""Scores lines on several cores, in their order and with bounded memory."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from gradus.config.schema import Curate
from gradus.curate.contamination import Benchmarks
from gradus.curate.rows import Line
from gradus.curate.scoring import Scored, score_lines
from gradus.errors import GradusError
from gradus.machine import cores

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess as ParentProcess

# How the work is cut; none of it changes the result. Starting a process takes as long as scoring some 1500 examples.
CHUNK_LINES, CHUNK_BYTES = 256, 1 << 20
POOL_FROM_BYTES = 8 << 20
QUEUED = 3  # chunks under way for each process

_shared: dict[str, Benchmarks | None] = {}


def score_all(lines: Iterable[Line], size: int, settings: Curate, benchmarks: Benchmarks | None) -> Iterator[Scored]:
    """Score every line, in the order they come.

    Args:
        size: bytes of the input; a small one is scored in this process.
    """
    processes = settings.processes or cores()
    if processes == 1 or size < POOL_FROM_BYTES:
        for chunk in _chunks(lines):
            yield from score_lines(chunk, settings, benchmarks)
        return
    # Spawned, not forked: this process has threads. The same on every system.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, _start, (benchmarks,)) as pool:
        try:
            yield from _in_order(pool, lines, settings, QUEUED * processes)
        except BrokenProcessPool as error:
            cure = "Check the memory of the machine, or score in one process: --set curate.processes=1"
            raise GradusError("a scoring process was ended from outside", where="03_curate", cure=cure) from error
        finally:
            pool.shutdown(cancel_futures=True)  # after Ctrl-C, what is queued is not waited for


def _in_order(pool: ProcessPoolExecutor, lines: Iterable[Line], settings: Curate, queued: int) -> Iterator[Scored]:
    waiting: deque[Future[list[Scored]]] = deque()
    for chunk in _chunks(lines):
        waiting.append(pool.submit(_score, chunk, settings))
        if len(waiting) > queued:
            yield from waiting.popleft().result()
    while waiting:
        yield from waiting.popleft().result()


def _start(benchmarks: Benchmarks | None) -> None:
    """What a process does first: take the benchmarks, leave Ctrl-C to the one that started it, and end when that is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _shared["benchmarks"] = benchmarks
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: ParentProcess) -> None:
    parent.join()
    os._exit(1)


def _score(chunk: list[Line], settings: Curate) -> list[Scored]:
    return score_lines(chunk, settings, _shared["benchmarks"])


def _chunks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += len(line.content)
        if len(chunk) == CHUNK_LINES or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
