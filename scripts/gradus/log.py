"""Logging for people on the screen and for programs in `reports/<run>/log.jsonl`, and progress bars.

The library logs and never prints. On a terminal messages go through rich; elsewhere they are plain lines. `NO_COLOR`
is honoured by rich itself.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import ProgressColumn, Task

PLAIN_INTERVAL_SECONDS = 10.0


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message."""

    def format(self, record: logging.LogRecord) -> str:
        time_ = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        row = {"time": time_, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            row["traceback"] = self.formatException(record.exc_info)
        return json.dumps(row, ensure_ascii=False)


def set_up(level: str, file: Path | None = None) -> None:
    """Send the library's messages to the screen at `level` and, when given, all of them to `file` as JSON lines."""
    root = logging.getLogger("gradus")
    root.setLevel(logging.DEBUG)
    root.propagate = False
    close()
    root.addHandler(_screen(level))
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        root.addHandler(_LogFile(file))


def close() -> None:
    """Take the handlers off again and close the log file."""
    root = logging.getLogger("gradus")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()


class _LogFile(logging.FileHandler):
    """The log as JSON lines. When it cannot be written, say on a full disk, the screen is told once and goes on."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, encoding="utf-8", errors="backslashreplace")
        self.setFormatter(JsonLines())

    def handleError(self, record: logging.LogRecord) -> None:
        root = logging.getLogger("gradus")
        root.removeHandler(self)
        root.warning("%s: the log cannot be written (%s)", self.baseFilename, sys.exc_info()[1])
        with suppress(OSError):  # closing tries once more to write what is left
            self.close()


def _screen(level: str) -> logging.Handler:
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.logging import RichHandler

        handler: logging.Handler = RichHandler(console=Console(stderr=True), show_path=False, show_time=False, markup=False)
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    handler.setLevel(level.upper())
    return handler


Advance = Callable[[int, str], None]


@contextmanager
def progress(description: str, total: int, *, start: int = 0) -> Iterator[Advance]:
    """A progress bar with the time left; yields `advance(by, note)`. Plain lines when the screen is no terminal."""
    if sys.stderr.isatty():
        with _bar(description, total, start) as advance:
            yield advance
    else:
        yield _plain(description, total, start)


@contextmanager
def _bar(description: str, total: int, start: int) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    # On a narrow screen the note is cut, never the numbers.
    firm = Column(no_wrap=True, overflow="ignore")
    columns = (
        TextColumn("{task.description}", table_column=firm.copy()), BarColumn(24, table_column=firm.copy()),
        MofNCompleteColumn(table_column=firm.copy()), TimeRemainingColumn(elapsed_when_finished=True, table_column=firm.copy()),
        TextColumn("left", table_column=firm.copy()), _note_column(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=total, completed=start, note="")
        yield lambda by, note: bar.update(task, advance=by, note=note)


def _note_column() -> ProgressColumn:
    from rich.progress import ProgressColumn
    from rich.table import Column
    from rich.text import Text

    class Note(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(task.fields["note"], no_wrap=True, overflow="ellipsis")

    return Note(table_column=Column(ratio=1))


def _plain(description: str, total: int, start: int) -> Advance:
    logger = logging.getLogger(__name__)
    begun = last = time.monotonic()
    first = done = start

    def advance(by: int, note: str) -> None:
        nonlocal begun, first, done, last
        done += by
        now = time.monotonic()
        if first == start:
            begun, first = now, done  # what comes before the first advance is set-up, and no measure of the speed
        elif now - last >= PLAIN_INTERVAL_SECONDS and done > first:
            last = now
            left = (now - begun) / (done - first) * (total - done)
            logger.info("%s %d/%d %s, %.0f s left", description, done, total, note, left)

    return advance
