"""Which answers to show side by side, and their words with differences marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradus.report.marks import Run, mark
from gradus.results import AnswerRow, ScoredAnswer

WORST, BEST, CHANGED, REGRESSION = "worst", "best", "most changed", "regression"


@dataclass(frozen=True)
class Shown:
    """One model's answer cut into runs."""

    answer: ScoredAnswer
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Sample:
    """One question with its reference and both answers; `tags` say why it is shown."""

    row: AnswerRow
    tags: tuple[str, ...]
    reference: tuple[Run, ...]
    base: Shown
    tuned: Shown


def choose(rows: Sequence[AnswerRow], each: int) -> list[Sample]:
    """The `each` most changed, best and worst tuned answers and regressions, every question once; most changed first."""
    by_change = sorted(rows, key=lambda row: (-abs(row.difference), row.id))
    by_score = sorted(rows, key=lambda row: (row.tuned.percent, row.id))
    groups = {
        CHANGED: [row for row in by_change if row.difference][:each],
        BEST: by_score[::-1][:each],
        WORST: by_score[:each],
        REGRESSION: [row for row in by_change if row.difference < 0][:each],
    }
    tags: dict[str, list[str]] = {}
    for tag, chosen in groups.items():
        for row in chosen:
            tags.setdefault(row.id, []).append(tag)
    return [_sample(row, tuple(tags[row.id])) for row in by_change if row.id in tags]


def first(rows: Sequence[AnswerRow], most: int) -> list[Sample]:
    """The first questions by their id: what is left to choose by when the scores say nothing."""
    return [_sample(row, ()) for row in sorted(rows, key=lambda row: row.id)[:most]]


def _sample(row: AnswerRow, tags: tuple[str, ...]) -> Sample:
    """The reference is marked where the tuned answer lacks its words; the answers against it and against each other."""
    return Sample(
        row=row,
        tags=tags,
        reference=mark(row.reference, row.tuned.text, None),
        base=Shown(row.base, mark(row.base.text, row.reference, row.tuned.text)),
        tuned=Shown(row.tuned, mark(row.tuned.text, row.reference, row.base.text)),
    )
