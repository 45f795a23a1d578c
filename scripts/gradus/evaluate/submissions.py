"""A CSV file of answers that came from elsewhere: read, and checked row by row. docs/SUBMISSIONS.md tells the columns."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradus.csv_delimiter import delimiter_of
from gradus.errors import UserError
from gradus.evaluate.words import words
from gradus.structure import parse

MOST_POINTS, MOST_LISTED, LONGEST_SHOWN = 1_000_000, 10, 80
COLUMNS = ("id", "question", "answer", "reference", "guide", "expected")
_POINT = re.compile(r"^(?:(?P<points>\d+(?:\.\d+)?)\s*:(?=\s|$))?\s*(?P<text>.*)$", re.DOTALL)


@dataclass(frozen=True)
class KeyPoint:
    """One line of a marking guide: what an answer must say, and what that is worth."""

    text: str
    points: float


@dataclass(frozen=True)
class Submission:
    """One answer to grade; `line` is where its row begins in the file."""

    line: int
    id: str
    question: str
    answer: str
    reference: str
    guide: tuple[KeyPoint, ...]
    maximum: float
    """The guide's points together, or without one the configured scale."""
    expected: float | None


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be graded, and why."""

    line: int
    problem: str


def listed(rows: Sequence[BadRow]) -> str:
    """The first bad rows in one line for the screen, and how many more there are."""
    more = [f"{len(rows) - MOST_LISTED} more"] if len(rows) > MOST_LISTED else []
    return "; ".join([*(f"line {row.line}: {row.problem}" for row in rows[:MOST_LISTED]), *more])


@dataclass(frozen=True)
class Read:
    """What a file holds."""

    submissions: tuple[Submission, ...]
    bad_rows: tuple[BadRow, ...]
    ignored_columns: tuple[str, ...]


def read_submissions(path: Path, scale: float) -> Read:
    """Read a CSV file, separated by comma, semicolon, tab or bar.

    Raises:
        UserError: when the file is missing, is no UTF-8, lacks a column, or has no row that can be graded.
    """
    text = _text(path)
    rows = _numbered(text, delimiter_of(text), path)
    names = [name.strip().lower() for name in next(rows, (1, []))[1]]
    _check_columns(names, path)
    submissions: dict[str, Submission] = {}
    bad: list[BadRow] = []
    for line, cells in rows:
        try:
            one = _submission(line, names, cells, scale)
        except ValueError as error:
            bad.append(BadRow(line, str(error)))
            continue
        if one.id in submissions:
            bad.append(BadRow(line, f"the id {one.id} is taken by an earlier row"))
        else:
            submissions[one.id] = one
    if not submissions:
        why = f"; line {bad[0].line}: {bad[0].problem}" if bad else ""
        raise UserError(f"no row can be graded{why}", where=str(path), cure="docs/SUBMISSIONS.md shows what a row needs")
    return Read(tuple(submissions.values()), tuple(bad), tuple(name or "one without a name" for name in names if name not in COLUMNS))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UserError("file not found", where=str(path), cure="Check the path behind --submissions") from error
    except UnicodeDecodeError as error:
        raise UserError(f"not UTF-8 text (byte {error.start})", where=str(path), cure="Save it as CSV in UTF-8") from error


def _check_columns(names: Sequence[str], path: Path) -> None:
    missing = [name for name in ("question", "answer") if name not in names]
    if missing or not {"reference", "guide"} & set(names):
        what = f"the first line lacks {' and '.join(missing)}" if missing else "the first line names neither reference nor guide"
        raise UserError(what, where=f"{path}:1", cure="docs/SUBMISSIONS.md shows the columns; config/submissions.csv is a sample")
    if twice := sorted({name for name in names if name in COLUMNS and names.count(name) > 1}):
        raise UserError(f"the first line names {twice[0]} twice", where=f"{path}:1", cure="Rename one of the columns")


def _numbered(text: str, delimiter: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line on which the row begins, cells) of every row that is not blank; a cell may run over several lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserError(f"not valid CSV ({error})", where=f"{path}:{line}", cure="Check the quotes from that line on") from error
        if any(cell.strip() for cell in cells):
            yield line, cells


def _submission(line: int, names: Sequence[str], cells: Sequence[str], scale: float) -> Submission:
    """Check one row. Raises ValueError with what is wrong with it."""
    if len(cells) != len(names):
        raise ValueError(f"it has {len(cells)} cells, the first line {len(names)}; is a quote missing?")
    row = dict.fromkeys(COLUMNS, "") | dict(zip(names, cells, strict=True))
    if not row["question"].strip():
        raise ValueError("the question is empty")
    guide = _guide(row["guide"])
    if not guide and not words(parse(row["reference"]).text):
        raise ValueError("reference and guide are both empty")
    maximum = math.fsum(point.points for point in guide) if guide else scale
    name = row["id"].strip() or f"line {line}"
    return Submission(line, name, row["question"], row["answer"], row["reference"], guide, maximum, _expected(row["expected"], maximum))


def _guide(cell: str) -> tuple[KeyPoint, ...]:
    """Key points stand on lines of their own or between bars, each with its points in front: `2: last in, first out`."""
    found = []
    for part in re.split(r"[\n|]", cell):
        if not part.strip():
            continue
        match = _POINT.match(part.strip())
        text = match["text"].strip() if match else ""
        points = float(match["points"] or 1) if match else 0.0
        if not words(text) or not 0 < points <= MOST_POINTS:
            what = f"needs words, and before a colon points above 0 and at most {MOST_POINTS:,}"
            raise ValueError(f"the guide's key point {part.strip()[:LONGEST_SHOWN]!r} {what}")
        found.append(KeyPoint(text, points))
    return tuple(found)


def _expected(cell: str, maximum: float) -> float | None:
    if not cell.strip():
        return None
    try:
        value = float(cell)
    except ValueError:
        raise ValueError(f"expected is no number: {cell.strip()!r}") from None
    if not 0 <= value <= maximum:  # NaN is not, either
        raise ValueError(f"expected is {cell.strip()}, outside 0 to {maximum:g}")
    return value
