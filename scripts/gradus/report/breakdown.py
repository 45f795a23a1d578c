"""Where the difference between the models lies: by kind, length and source of the questions, and the questions that were lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from gradus.report import numbers as n
from gradus.report.drawing import bars
from gradus.report.tables import verdict
from gradus.results import Evaluation, Slice

LENGTHS = ("short", "medium", "long")


@dataclass(frozen=True)
class SliceRow:
    """Some of the questions."""

    slice: Slice
    verdict: str
    spread: str
    """The interval of the difference, '' when there is none."""
    bars: Markup


@dataclass(frozen=True)
class Breakdown:
    """One way to divide the questions; `of` is how many rows there are, `rows` those that are shown."""

    key: str
    title: str
    head: str
    caption: str
    rows: list[SliceRow]
    of: int


def breakdowns(evaluation: Evaluation, titles: Mapping[str, str], most: int) -> list[Breakdown]:
    """By kind, length and document, where there is more than one; `most` documents, those asked about most first. None of a withheld grade."""
    if evaluation.grade.letter is None:
        return []
    documents = [replace(row, name=titles.get(row.name, row.name)) for row in evaluation.documents]
    lengths = sorted(evaluation.lengths, key=lambda row: LENGTHS.index(row.name) if row.name in LENGTHS else len(LENGTHS))
    found = [
        _breakdown("kinds", "By kind of question", "Kind", _most_asked(evaluation.kinds), len(evaluation.kinds)),
        _breakdown("lengths", "By length of the reference", "Length", lengths, len(lengths)),
        _breakdown("documents", "By source document", "Document", _most_asked(documents)[:most], len(documents)),
    ]
    return [item for item in found if item.rows and (item.of > 1 or item.key == "kinds")]


def _most_asked(rows: Sequence[Slice]) -> list[Slice]:
    """Most asked first; of equally many, the largest difference."""
    return sorted(rows, key=lambda row: (-row.questions, -abs(row.difference), row.name))


def _breakdown(key: str, title: str, head: str, rows: Sequence[Slice], total: int) -> Breakdown:
    caption = "Percentages of both models; few questions make rough numbers."
    if len(rows) < total:
        caption = f"{len(rows)} of {total}: those asked about most, then those that changed most. {caption}"
    return Breakdown(key, title, head, caption, [_row(row) for row in rows], total)


def _row(row: Slice) -> SliceRow:
    apart = row.interval is not None and not row.interval.low <= 0 <= row.interval.high
    spread = n.interval(row.interval, difference=True)
    return SliceRow(row, verdict(row.difference, 0.05) if apart else "", spread, bars(row.base / 100, row.tuned / 100))
