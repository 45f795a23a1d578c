"""What a reader takes and gives: the options, the reading, and the way to say that a file gives nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gradus.collect.manifest import Status
from gradus.collect.text import Format, Found


@dataclass(frozen=True)
class FileReading:
    """What a file gave. `faults` are single bad lines or parts of a file that was read all the same."""

    status: Status
    reason: str = ""
    found: Found | None = None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadOptions:
    """The limits and choices of `collect:` that readers and their processes need. Sizes are in bytes, times in seconds."""

    max_bytes: int
    timeout: float
    """Seconds that one file may take."""
    memory: int
    """Bytes that the process which reads it may hold."""
    max_inflated: int
    """Bytes that a zip container (DOCX, EPUB) may inflate to."""
    max_ratio: float
    """The most that a zip container may inflate, as a multiple of its size."""
    heading_size: float
    """A line of a PDF is a heading when its letters are so many times as large as those of the text."""
    repeated_lines: float
    """Share of a PDF's pages that carry the same first or last line, from which on it is a page header or footer."""
    notebook_output: int
    """Characters up to which the output of a notebook cell is kept."""
    password_file: str = ""
    """Passwords for encrypted files, one a line; only its name travels, the passwords are read where they are tried."""
    readers: Mapping[str, str] = field(default_factory=dict)
    """Readers beside the built-in ones: suffix to `module:function`."""


class Unreadable(Exception):
    """A file that gives nothing: its class, and what is wrong and how to cure it."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def text_reading(path: Path, text: str, format_: Format, reader: str, *, licence: str = "", title: str = "", reason: str = "") -> FileReading:
    """A file that was read; `empty` when nothing but white space came out. `title` defaults to the file's name."""
    if not text.strip("\ufeff \t\r\n"):
        return FileReading("empty", reason or "nothing but white space")
    return FileReading("text", reason, Found(title or path.name, text, format_, str(path), str(path), reader, licence))
