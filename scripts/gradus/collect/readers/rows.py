"""Rows of data sets, one JSON object a line: .jsonl, .json, .csv, .tsv. Bad rows are named by their line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from gradus.collect.readers.decode import read_text
from gradus.collect.readers.reading import FileReading, ReadOptions, Unreadable, text_reading
from gradus.collect.text import normalise
from gradus.csv_delimiter import DELIMITERS, delimiter_of

READER = "gradus-rows 3"


def read_jsonl(path: Path, options: ReadOptions) -> FileReading:
    """Kept line by line as it is, so that a later step can name the line; corrupt lines are named here already."""
    text = normalise(_filled(path), keep_first_lines=True)
    faults = []
    good = 0
    for number, line in enumerate(text.split("\n"), 1):
        fault = _fault(line)
        good += bool(line) and not fault
        faults += [f"line {number}: {fault}"] if fault else []
    if not good:
        return FileReading("broken", f"no line is a JSON object ({faults[0]})", faults=tuple(faults))
    return _rows(path, text, good, faults)


def read_csv(path: Path, options: ReadOptions) -> FileReading:
    """Each record becomes one JSON object; line 1 stays empty for the header, a bad record leaves its line empty.

    The fields may stand between semicolons, tabs or bars too: where the comma is the decimal point, Excel writes semicolons.
    """
    return _records(path, _filled(path), ",")


def read_tsv(path: Path, options: ReadOptions) -> FileReading:
    """As CSV; tabs are the usual delimiter."""
    return _records(path, _filled(path), "\t")


def _filled(path: Path) -> str:
    text = read_text(path)
    if not text.strip():
        raise Unreadable("empty", "nothing but white space")
    return text


def _rows(path: Path, text: str, good: int, faults: list[str]) -> FileReading:
    reading = text_reading(path, text, "rows", READER, reason=f"{good} row{'s' * (good != 1)}")
    return FileReading(reading.status, reading.reason, reading.found, tuple(faults))


def _fault(line: str) -> str:
    try:
        return "" if not line or isinstance(json.loads(line), dict) else "not a JSON object"
    except json.JSONDecodeError as error:
        return f"not valid JSON ({error.msg} at column {error.colno})"
    except ValueError as error:  # a number of thousands of digits
        return f"not valid JSON ({error})"
    except RecursionError:
        return "nested too deeply"


def _records(path: Path, text: str, usual: str) -> FileReading:
    csv.field_size_limit(2**31 - 1)
    delimiter = delimiter_of(text, usual)
    split = "" if delimiter == usual else f" when split at {delimiter!r}"
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines, faults = [""], []
    try:
        header = [name.strip().lower() for name in next(filter(None, rows))]
        lines *= rows.line_num  # a row stands on its own line
        if len(set(header)) < len(header):
            return FileReading("broken", f"line {rows.line_num}: two columns have the same name ({', '.join(header)})")
        if len(header) == 1 and (held := [sign for sign in DELIMITERS if sign in header[0]]):
            faults.append(f"line {rows.line_num}: a single column, whose name holds {held[0]!r} (whole lines in quotes?)")
        for row in rows:
            whole = len(row) == len(header)
            faults += [] if whole or not row else [f"line {rows.line_num}: {len(row)} fields, the header has {len(header)}{split}"]
            lines.append(json.dumps(dict(zip(header, row, strict=True)), ensure_ascii=False) if whole else "")
    except csv.Error as error:
        faults.append(f"line {rows.line_num}: {error}; nothing after it was read")
    if not any(lines):
        return FileReading("broken", faults[0] if faults else "a header without rows", faults=tuple(faults))
    return _rows(path, "\n".join(lines), sum(map(bool, lines)), faults)


def read_json(path: Path, options: ReadOptions) -> FileReading:
    """One row a line: the objects of a list, of the one list inside an object, or the object itself; JSON Lines too."""
    text = _filled(path)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and not _fault(text.lstrip().partition("\n")[0].rstrip()):
            return read_jsonl(path, options)  # data sets on the hub often carry this suffix
        raise Unreadable("broken", f"line {error.lineno}: not valid JSON ({error.msg} at column {error.colno})") from error
    rows = rows_of(value)
    good = [row for row in rows if isinstance(row, dict)]
    if not good:
        raise Unreadable("broken", "it holds no JSON object, so no rows")
    faults = [f"row {number}: not a JSON object" for number, row in enumerate(rows, 1) if not isinstance(row, dict)]
    return _rows(path, "\n".join(json.dumps(row, ensure_ascii=False) for row in good), len(good), faults)


def rows_of(value: object) -> list[object]:
    """The rows of a JSON value: of a list, of the only list of objects inside an object, else the value alone.

    An object of equally long lists is a table by columns, as pandas and `datasets` write them.
    """
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return [value]
    lists = [part for part in value.values() if isinstance(part, list)]
    if (
        lists
        and len(lists) == len(value)
        and len({len(part) for part in lists}) == 1
        and not any(isinstance(part[0], dict) for part in lists if part)
    ):
        return [dict(zip(value, cells, strict=True)) for cells in zip(*lists, strict=True)]
    rows = [(key, part) for key, part in value.items() if isinstance(part, list) and part and all(isinstance(row, dict) for row in part)]
    return list(rows[0][1]) if len(rows) == 1 and rows[0][0].lower() not in _ROW_KEYS else [value]


_ROW_KEYS = ("messages", "conversations", "conversation", "instances", "paragraphs", "qas", "answers", "tools")
"""Lists that belong to one row, so an object with such a list is that row."""
