"""Logging for people on the screen and for programs in `reports/<run>/log.jsonl`, and progress with the time left.

The library logs and never prints. On a terminal messages and bars go through rich, which honours `NO_COLOR`; in a pipe, in a
file and on a terminal that cannot move its cursor (TERM=dumb) they are plain lines.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn, Task

PLAIN_INTERVAL_SECONDS = 10.0
CALM = {"logging.level.info": "dim", "bar.complete": "cyan", "bar.finished": "cyan", "bar.pulse": "cyan"}


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


def redraws(stream: TextIO) -> bool:
    """Whether a stream is a terminal that can colour and redraw its lines."""
    return stream.isatty() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")


def _screen(level: str) -> logging.Handler:
    handler = (_rich_handler() if redraws(sys.stderr) else None) or logging.StreamHandler(sys.stderr)
    handler.setLevel(level.upper())
    handler.setFormatter(Short("%(message)s" if hasattr(handler, "console") else "%(levelname)s %(message)s"))
    return handler


class Short(logging.Formatter):
    """What is shown of a record; paths below the current folder are told from there."""

    def format(self, record: logging.LogRecord) -> str:
        return from_here(super().format(record))


def from_here(text: str) -> str:
    """A text in which paths below the current folder are told from there."""
    here = Path.cwd()
    # Only where a path begins: /tmp/ is also a part of /var/tmp/x and of file:///tmp/x. And from / all would be told.
    return text if here == here.parent else re.sub(rf"(?<![\w./~-]){re.escape(str(here))}/", "", text)


def _rich_handler() -> logging.Handler | None:
    """Messages in columns, without colours inside them; None when rich is not installed, which is told elsewhere."""
    try:
        from rich.console import Console
        from rich.highlighter import NullHighlighter
        from rich.logging import RichHandler
        from rich.theme import Theme
    except ImportError:
        return None
    console = Console(stderr=True, theme=Theme(CALM))
    return RichHandler(console=console, show_path=False, show_time=False, markup=False, highlighter=NullHighlighter(), keywords=[])


def _console() -> Console:
    """The console of the messages, so that a bar and a message never share a line."""
    from rich.console import Console
    from rich.theme import Theme

    for handler in logging.getLogger("gradus").handlers:
        if hasattr(handler, "console"):
            return handler.console
    return Console(stderr=True, theme=Theme(CALM))


def duration(seconds: float) -> str:
    """A time to read at a glance: `8 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


Advance = Callable[[int, str], None]
_SHOWN: ContextVar[Progress | None] = ContextVar("shown", default=None)


@contextmanager
def progress(description: str, total: int, *, start: int = 0) -> Iterator[Advance]:
    """A progress bar with the time left; yields `advance(by, note)`. Plain lines when the screen cannot redraw."""
    if redraws(sys.stderr):
        with _bar(description, total, start) as advance:
            yield advance
    else:
        yield _plain(description, total, start)


@contextmanager
def working(description: str, note: str = "") -> Iterator[None]:
    """Shows on a terminal how long something has taken whose end nobody can foretell; a progress bar inside takes its place."""
    if not redraws(sys.stderr):
        yield
        return
    with _bar(description, None, 0) as advance:
        advance(0, note)
        yield


@contextmanager
def aside() -> Iterator[None]:
    """Takes our bar off the screen while somebody else's is on it, say that of a download."""
    bar = _SHOWN.get()
    if bar is None:
        yield
        return
    bar.stop()
    try:
        yield
    finally:
        bar.start()


@contextmanager
def _bar(description: str, total: int | None, start: int) -> Iterator[Advance]:
    """One more line of the bar that is on the screen, whose other lines are hidden so long; else a bar of its own."""
    with _on_screen() as bar:
        outer = [task.id for task in bar.tasks if task.visible]
        for number in outer:
            bar.update(number, visible=False)
        task = bar.add_task(description, total=total, completed=start, note="")
        try:
            yield lambda by, note: bar.update(task, advance=by, note=note)
        finally:
            bar.remove_task(task)
            for number in outer:
                bar.update(number, visible=True)


@contextmanager
def _on_screen() -> Iterator[Progress]:
    if (shown := _SHOWN.get()) is not None:
        yield shown
        return
    with _progress() as bar:
        token = _SHOWN.set(bar)
        try:
            yield bar
        finally:
            _SHOWN.reset(token)


def _progress() -> Progress:
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.table import Column

    # On a narrow screen the note is cut, never the numbers.
    firm = Column(no_wrap=True, overflow="ignore")
    columns = (
        TextColumn("{task.description}", table_column=firm.copy()), BarColumn(24, table_column=firm.copy()),
        _text_column(_counted, firm.copy()), _text_column(_time_of, firm.copy()), _text_column(_note_of, Column(ratio=1)),
    )  # fmt: skip
    return Progress(*columns, console=_console(), transient=True, redirect_stdout=False, redirect_stderr=False)


def _counted(task: Task) -> str:
    if task.total is None:
        return ""
    width = len(f"{task.total:,.0f}")
    return f"{task.completed:>{width},.0f}/{task.total:,.0f}"


def _time_of(task: Task) -> str:
    """The time left; the time so far while nothing can be said of it."""
    left = 0 if task.finished else task.time_remaining
    return f"{duration(task.elapsed or 0)} so far" if left is None else f"{duration(left)} left"


def _note_of(task: Task) -> str:
    return str(task.fields["note"])


def _text_column(text_of: Callable[[Task], str], column: object) -> ProgressColumn:
    from rich.progress import ProgressColumn
    from rich.text import Text

    class Told(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(text_of(task), no_wrap=True, overflow="ellipsis")

    return Told(table_column=column)  # type: ignore[arg-type]


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
            logger.info("%s", " ".join(f"{description} {done:,}/{total:,} {note}".split()) + f", {duration(left)} left")

    return advance
