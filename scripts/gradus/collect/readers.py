"""Read one file into texts. A bad file is an answer with a reason, never an exception."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gradus.collect.manifest import Status
from gradus.collect.text import Format, Found, normalise

READER = "files 1"
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class FileReading:
    """What a file gave. `faults` are single bad lines of a file that was read all the same."""

    status: Status
    reason: str = ""
    found: Found | None = None
    faults: tuple[str, ...] = ()


def read_file(path: Path, max_bytes: int) -> FileReading:
    """Read a .md, .txt, .jsonl or .csv file in UTF-8."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        return FileReading("unsupported", f"its type is '{path.suffix or 'none'}', read are {' '.join(_READERS)}")
    try:
        size = path.stat().st_size
        if size > max_bytes:
            return FileReading("too large", f"{size / 1e6:.1f} MB, collect.max_file_mb is {max_bytes / 1e6:g}")
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        return FileReading("broken", error.strerror or str(error))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return FileReading("not UTF-8", f"line {line}: byte 0x{error.object[error.start]:02x} is not UTF-8; save the file as UTF-8")
    if "\0" in text:
        return FileReading("broken", f"line {text[: text.index(chr(0))].count(chr(10)) + 1}: a NUL byte, so it is no text file")
    return reader(path, text) if text.strip("\ufeff \t\r\n") else FileReading("empty", "nothing but white space")


def _found(path: Path, text: str, format_: Format) -> Found:
    return Found(path.name, text, format_, str(path), str(path), READER)


def _markdown(path: Path, text: str) -> FileReading:
    return FileReading("text", found=_found(path, text, "markdown"))


def _plain(path: Path, text: str) -> FileReading:
    return FileReading("text", found=_found(path, text, "text"))


def _jsonl(path: Path, text: str) -> FileReading:
    """Kept line by line as it is, so that a later step can name the line; corrupt lines are named here already."""
    faults = []
    good = 0
    for number, line in enumerate(normalise(text, keep_first_lines=True).split("\n"), 1):
        fault = _fault(line)
        good += bool(line) and not fault
        faults += [f"line {number}: {fault}"] if fault else []
    if not good:
        return FileReading("broken", f"no line is a JSON object ({faults[0]})", faults=tuple(faults))
    return FileReading("text", f"{good} rows", _found(path, text, "rows"), tuple(faults))


def _fault(line: str) -> str:
    try:
        return "" if not line or isinstance(json.loads(line), dict) else "not a JSON object"
    except json.JSONDecodeError as error:
        return f"not valid JSON ({error.msg} at column {error.colno})"
    except RecursionError:
        return "nested too deeply"


def _csv(path: Path, text: str) -> FileReading:
    """Each record becomes one JSON object; line 1 stays empty for the header, a bad record leaves its line empty."""
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    lines, faults = [""], []
    try:
        header = [name.strip().lower() for name in next(rows)]
        if len(set(header)) < len(header):
            return FileReading("broken", f"line 1: two columns have the same name ({', '.join(header)})")
        for row in rows:
            whole = len(row) == len(header)
            faults += [] if whole or not row else [f"line {rows.line_num}: {len(row)} fields, the header has {len(header)}"]
            lines.append(json.dumps(dict(zip(header, row, strict=True)), ensure_ascii=False) if whole else "")
    except csv.Error as error:
        faults.append(f"line {rows.line_num}: {error}; nothing after it was read")
    if not any(lines):
        return FileReading("broken", faults[0] if faults else "a header without rows", faults=tuple(faults))
    good = sum(map(bool, lines))
    return FileReading("text", f"{good} rows", _found(path, "\n".join(lines), "rows"), tuple(faults))


_READERS: dict[str, Callable[[Path, str], FileReading]] = {".md": _markdown, ".txt": _plain, ".jsonl": _jsonl, ".csv": _csv}
