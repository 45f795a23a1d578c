"""The rows of outside benchmarks, from JSON Lines, JSON, CSV or plain text: what each of them asks."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gradus.conversations import conversation_from_row
from gradus.csv_delimiter import delimiter_of
from gradus.errors import UserError

QUESTIONS = ("instruction", "question", "prompt", "problem", "query", "input", "context", "text")
"""Fields that ask, however they are capitalised; of a row without any, all texts are taken."""
FIELD_CHARACTERS = 2**31 - 1  # at most in a field of CSV: the passages of some benchmarks are longer than Python's own limit


def read_benchmark(path: Path) -> Iterator[tuple[str, str]]:
    """Place (`file:line`, in a JSON file the number of the row) and text of every row that asks something.

    Raises:
        UserError: for a missing file, another format, or what cannot be read in it, with its line.
    """
    if path.suffix.lower() not in READERS:
        raise _unusable(str(path), f"its ending is none of {' '.join(READERS)}")
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UserError("file not found", where=str(path), cure="Check curate.decontaminate; paths start where you start the script") from error
    except UnicodeDecodeError as error:
        raise _unusable(str(path), "not UTF-8 text") from error
    for number, row in READERS[path.suffix.lower()](path, content):
        text = _question(row, f"{path}:{number}")
        if text.strip():
            yield f"{path.name}:{number}", text


def _unusable(where: str, why: object) -> UserError:
    return UserError(f"cannot be read as a benchmark ({why})", where=where, cure="Check the file in curate.decontaminate")


Numbered = Iterator[tuple[int, Any]]


def _json_lines(path: Path, content: str) -> Numbered:
    return ((number, _parsed(line, f"{path}:{number}")) for number, line in _lines(path, content))


def _json(path: Path, content: str) -> Numbered:
    """The rows of a list, or of every list in an object."""
    value = _parsed(content, str(path))
    if not isinstance(value, list | dict):
        raise _unusable(str(path), "neither a list nor an object")
    parts = value.values() if isinstance(value, dict) else [value]
    return enumerate((row for part in parts if isinstance(part, list) for row in part), 1)


def _csv(path: Path, content: str) -> Numbered:
    csv.field_size_limit(FIELD_CHARACTERS)
    reader = csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter_of(content))
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise _unusable(f"{path}:{reader.line_num}", error) from error


def _lines(path: Path, content: str) -> Numbered:
    return ((number, line) for number, line in enumerate(io.StringIO(content), 1) if line.strip())


READERS: dict[str, Callable[[Path, str], Numbered]] = {".jsonl": _json_lines, ".json": _json, ".csv": _csv, ".txt": _lines}


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unusable(where, f"not JSON: {error}") from error


def _question(row: Any, where: str) -> str:
    if not isinstance(row, dict):
        return row if isinstance(row, str) else ""
    if "messages" in row:
        try:
            return conversation_from_row(row, 0).prompt
        except ValueError as error:
            raise _unusable(where, error) from error
    texts = {str(key).strip().lower(): value for key, value in row.items() if isinstance(value, str)}
    asked = [texts[key] for key in QUESTIONS if key in texts]
    return "\n".join(asked or texts.values())
