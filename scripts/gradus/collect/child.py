"""Read files in child processes that are ended when a file takes too long, needs too much memory or crashes its parser."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from gradus.collect.readers import FileReading, ReadOptions, over_memory
from gradus.collect.text import Found
from gradus.config.load import PROJECT
from gradus.errors import GradusError

_LOOK_SECONDS = 0.1  # how often time and memory of the children are looked at
_START_SECONDS = 60.0
_ALONE_SECONDS = 0.2  # the first child works this long alone: a few small files are not worth starting more


def read_files(paths: Sequence[Path], options: ReadOptions, workers: int) -> Iterator[FileReading]:
    """Read every file, several at a time; the readings come in the order of `paths`, one each.

    Whatever a file does, it is answered for: `timed out` and `out of memory` when it goes over its limit, `broken`
    when it crashes the process that reads it. Closing the iterator early ends all processes.

    Args:
        workers: how many processes read at the same time, at least 1.

    Raises:
        GradusError: when no reading process can be started at all.
    """
    pool = _Pool(paths, options, workers)
    try:
        for index in range(len(paths)):
            while index not in pool.done:
                pool.work(index)
            yield pool.done.pop(index)
    finally:
        pool.close()


class _Child:
    """One reading process and the file it is at."""

    def __init__(self, options: ReadOptions) -> None:
        self.index = -1
        """Position of the file it reads, -1 when it reads none."""
        self.ready = False
        self.since = time.monotonic()
        """When it was started, or its file was given to it."""
        self._options = options
        self._peak = 0
        self._buffer = bytearray()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed with the child
        library = os.pathsep.join(filter(None, [str(PROJECT / "scripts"), os.environ.get("PYTHONPATH")]))
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-W", "ignore", "-m", "gradus.collect.child_main"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
            env={**os.environ, "PYTHONPATH": library, "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        self._say(asdict(options))

    def give(self, index: int, path: Path) -> None:
        """Let it read a file."""
        self.index, self.since = index, time.monotonic()
        self._say(str(path))

    def hear(self) -> FileReading | None:
        """Take in what it wrote: its answer when that is whole, a reading that names the crash when it died, else None."""
        assert self.process.stdout is not None
        part = os.read(self.process.stdout.fileno(), 1 << 20)
        self._buffer += part
        if not part:
            return self._crash()
        if not self._buffer.endswith(b"\n"):
            return None
        row = json.loads(self._buffer)
        self._buffer.clear()
        if not self.ready:
            self.ready, self.since = True, time.monotonic()
            return None
        self._peak = row["peak"]
        return FileReading(row["status"], row["reason"], Found(**row["found"]) if row["found"] else None, tuple(row["faults"]))

    def excess(self) -> FileReading | None:
        """The reading of a file that has gone over its time or memory, None when all is well."""
        limits = self._options
        if time.monotonic() - self.since > limits.timeout:
            return _too_slow(limits)
        return over_memory(limits) if _resident(self.process.pid) > limits.memory else None

    def fit(self) -> bool:
        """Whether it can read another file, without what earlier ones left in its memory being held against that."""
        return self.process.poll() is None and self._peak <= self._options.memory / 2

    def end(self) -> None:
        """Kill it and leave nothing behind. It holds nothing that could be lost."""
        self.process.kill()
        with self.process:  # closes the pipes and waits, so that no zombie stays
            pass
        self._errors.close()

    def _say(self, value: object) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(value).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return  # it is dead; its closed output says so next

    def _crash(self) -> FileReading:
        code = self.process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode("utf-8", "replace")
        if not self.ready:
            cure = f"Check this Python ({sys.executable}) with: pip install -r requirements.txt"
            raise GradusError(f"the process that reads files cannot be started ({' '.join(said.split())[-300:]})", where="collect", cure=cure)
        if code == -signal.SIGALRM:
            return _too_slow(self._options)
        if code == -signal.SIGKILL or (code == -signal.SIGABRT and "alloc" in said):
            return over_memory(self._options)
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit status {code}"
        return FileReading("broken", f"the parser crashed over it (its process ended {how}); open it in its own program and save it anew")


class _Pool:
    """The children, the files they are at and those that are read."""

    def __init__(self, paths: Sequence[Path], options: ReadOptions, workers: int) -> None:
        self.done: dict[int, FileReading] = {}
        self._options = options
        self._paths = paths
        self._waiting = deque(range(len(paths)))
        self._workers = workers
        self._children: list[_Child] = []
        self._selector = selectors.DefaultSelector()
        self._looked = 0.0

    def work(self, wanted: int) -> None:
        """Hand out files and take in what comes within a moment. No file is begun too far ahead of the wanted one."""
        self._grow()
        for child in self._children:
            near = self._waiting and self._waiting[0] < wanted + 8 * self._workers
            if child.ready and child.index < 0 and near:
                index = self._waiting.popleft()
                child.give(index, self._paths[index])
        for key, _ in self._selector.select(_LOOK_SECONDS):
            self._take(key.data, key.data.hear())
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._look()

    def _look(self) -> None:
        """End the children that are over a limit."""
        self._looked = time.monotonic()
        for child in list(self._children):
            if child.index >= 0:
                self._take(child, child.excess(), kill=True)
            elif not child.ready and time.monotonic() - child.since > _START_SECONDS:
                raise GradusError(f"the process that reads files did not start within {_START_SECONDS:g} s", where="collect")

    def close(self) -> None:
        """End all children."""
        for child in list(self._children):
            self._drop(child)
        self._selector.close()

    def _grow(self) -> None:
        """Start the first child, and the others once that has been at a file for a while and more are waiting."""
        busy = any(child.index >= 0 and time.monotonic() - child.since > _ALONE_SECONDS for child in self._children)
        wanted = len(self._waiting) + sum(child.index >= 0 for child in self._children)
        while len(self._children) < min(wanted, self._workers if busy or len(self._children) > 1 else 1):
            child = _Child(self._options)
            self._children.append(child)
            self._selector.register(child.process.stdout, selectors.EVENT_READ, child)  # type: ignore[arg-type]

    def _take(self, child: _Child, reading: FileReading | None, kill: bool = False) -> None:
        if reading is None:
            return
        if child.index >= 0:  # else it died between two files, which is no file's fault
            self.done[child.index] = reading
        child.index = -1
        if kill or not child.fit():
            self._drop(child)

    def _drop(self, child: _Child) -> None:
        self._selector.unregister(child.process.stdout)  # type: ignore[arg-type]
        self._children.remove(child)
        child.end()


def _too_slow(options: ReadOptions) -> FileReading:
    cure = "split the file, or raise that"
    return FileReading("timed out", f"not read within {options.timeout:g} s (collect.file_timeout_seconds); {cure}")


def _resident(process: int) -> int:
    """Resident bytes of a process, 0 when it is gone; from `ps` on macOS, which has no /proc."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        if sys.platform == "linux":
            return 0
        done = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, text=True, check=False)
        return int(done.stdout.strip() or 0) * 1024
