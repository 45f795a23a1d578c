"""The file `metrics.jsonl`: written while a run trains, read while it is being written and afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gradus.files import iter_jsonl, write_text

Row = dict[str, Any]
Losses = dict[tuple[int, str], float]
"""Loss by iteration and kind (`train` or `valid`), in the order of the file."""


def read_losses(path: Path) -> Losses:
    """The losses of a finished run. Raises UserError naming the first line that is no row."""
    return dict(iter_jsonl(path, lambda row: ((row["iteration"], row["kind"]), row["loss"])))


def read_rows(path: Path) -> list[Row]:
    """The rows so far, none when there is no file yet; a line that is not whole yet is left out, NaN becomes None."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            rows.append(json.loads(line, parse_constant=lambda _: None))
        except json.JSONDecodeError:
            break
    return rows


def append_row(path: Path, row: Row) -> None:
    """Add one row."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(_line(row))


def keep_rows_until(path: Path, iteration: int) -> None:
    """Drop the rows behind the checkpoint, and the line that a kill cut off: they are about to be written again."""
    write_text(path, "".join(_line(row) for row in read_rows(path) if row["iteration"] <= iteration))


def _line(row: Row) -> str:
    return json.dumps(row) + "\n"
