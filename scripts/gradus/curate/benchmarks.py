"""The rows of outside benchmarks, from JSON Lines, JSON, CSV or plain text: what each of them asks."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gradus.conversations import conversation_from_row
from gradus.errors import UserError

QUESTIONS = ("instruction", "question", "prompt", "problem", "query", "input", "context", "text")
"""Fields that ask; of a row without any, all texts are taken."""
FORMATS = (".jsonl", ".json", ".csv", ".txt")


def read_benchmark(path: Path) -> Iterator[tuple[str, str]]:
    """Place (`file:line`, in a JSON file the number of the row) and text of every row that asks something.

    Raises:
        UserError: for a missing file, another format, or a file that cannot be read.
    """
    try:
        for number, row in _rows(path):
            text = _question(row)
            if text.strip():
                yield f"{path.name}:{number}", text
    except FileNotFoundError as error:
        raise UserError("file not found", where=str(path), cure="Check curate.decontaminate; paths start where you start the script") from error
    except (ValueError, csv.Error) as error:
        raise UserError(f"cannot be read as a benchmark ({error})", where=str(path), cure="Check the file in curate.decontaminate") from error


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    if path.suffix not in FORMATS:
        raise ValueError(f"its ending is none of {' '.join(FORMATS)}")
    if path.suffix == ".json":
        content = json.loads(path.read_text(encoding="utf-8"))
        lists = [content] if isinstance(content, list) else [value for value in dict(content).values() if isinstance(value, list)]
        yield from enumerate((row for rows in lists for row in rows), 1)
        return
    with path.open(encoding="utf-8-sig", newline="" if path.suffix == ".csv" else None) as stream:
        if path.suffix == ".csv":
            reader = csv.DictReader(stream)
            for row in reader:
                yield reader.line_num, row
            return
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield number, json.loads(line) if path.suffix == ".jsonl" else line


def _question(row: Any) -> str:
    if not isinstance(row, dict):
        return row if isinstance(row, str) else ""
    if "messages" in row:
        return conversation_from_row(row, 0).prompt
    texts = {key: value for key, value in row.items() if isinstance(value, str)}
    asked = [texts[key] for key in QUESTIONS if key in texts]
    return "\n".join(asked or texts.values())
