"""What stands on a printed page: lines with places and sizes, and which of them are the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

_FEWEST_ROWS = 3  # lines with the same columns that make a table; two may be chance
# In letter sizes.
_SAME_HEIGHT = 0.3  # base lines closer than this are one line: a bullet or a cell may sit a little higher
_SAME_COLUMN = 0.5  # edges closer than this are of one column: half a letter, as the white beside letters differs


@dataclass(frozen=True)
class Cell:
    """A part of a line between wide gaps."""

    left: float
    right: float
    text: str


@dataclass(frozen=True)
class Line:
    """One line of print; places and sizes in points, `bottom` is its base line and grows upwards."""

    text: str
    left: float
    right: float
    bottom: float
    size: float
    fixed: bool
    bold: bool
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class Page:
    """The lines of a page in the order of the file."""

    lines: list[Line]


def with_rows_joined(lines: Sequence[Line]) -> list[Line]:
    """Lines that stand side by side at one height as one line: cells of a table, a bullet and its text."""
    joined: list[Line] = []
    for line in lines:
        above = joined[-1] if joined else None
        if above is not None and abs(above.bottom - line.bottom) < _SAME_HEIGHT * line.size and line.left > above.right:
            together = replace(line, text=f"{above.text} {line.text}", left=above.left, fixed=above.fixed and line.fixed)
            joined[-1] = replace(together, bold=above.bold and line.bold, cells=above.cells + line.cells)
        else:
            joined.append(line)
    return joined


def table_rows(lines: Sequence[Line]) -> set[int]:
    """Positions of the lines that are rows of tables: several below each other with the same columns."""
    rows: set[int] = set()
    run: list[int] = []
    for number, (above, below) in enumerate(pairwise(lines)):
        if same_columns(above, below):
            run = run or [number]
            run.append(number + 1)
        else:
            rows |= set(run) if len(run) >= _FEWEST_ROWS else set()
            run = []
    return rows | (set(run) if len(run) >= _FEWEST_ROWS else set())


def same_columns(above: Line, below: Line) -> bool:
    """Whether two lines have as many cells, each pair of them aligned at its left, its right or its middle."""
    if not 1 < len(above.cells) == len(below.cells) or above.bottom <= below.bottom:
        return False
    slack = _SAME_COLUMN * below.size
    return all(
        min(abs(a.left - b.left), abs(a.right - b.right), abs(a.left + a.right - b.left - b.right) / 2) < slack
        for a, b in zip(above.cells, below.cells, strict=True)
    )


def table_markdown(lines: Sequence[Line]) -> str:
    """A Markdown table whose first row is the header."""
    rows = ["| " + " | ".join(cell.text.replace("|", "\\|") for cell in line.cells) + " |" for line in lines]
    return "\n".join([rows[0], "|" + " --- |" * len(lines[0].cells), *rows[1:]])
