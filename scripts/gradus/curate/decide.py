"""Decide which examples stay: usable, each thing once, the best share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradus.config.schema import Curate
from gradus.curate.contamination import Match, Rows, find_near_rows
from gradus.curate.duplicates import Duplicate, find_conflicts, find_duplicates
from gradus.curate.languages import expected_languages, language_signal
from gradus.curate.quality import SIGNAL_NAMES, weigh
from gradus.curate.store import Pairs, Store, Table


@dataclass(frozen=True)
class Quality:
    """The signals of all examples, their scores, and what the language signal expected."""

    signals: np.ndarray
    """`(n, signals)` in the order of `SIGNAL_NAMES`."""
    score: np.ndarray
    """`(n,)`, in [0, 1]."""
    expected_languages: frozenset[str]

    def explain(self, row: dict[str, Any], position: int) -> dict[str, Any]:
        """The row of an example with its score, and in `meta.signals` what that is the weighted mean of."""
        signals = {name: round(value, 4) for name, value in self.of(position).items()}
        return {**row, "quality": float(self.score[position]), "meta": {**row["meta"], "signals": signals}}

    def of(self, position: int) -> dict[str, float]:
        """The signals of one example by name."""
        return dict(zip(SIGNAL_NAMES, map(float, self.signals[position]), strict=True))


@dataclass(frozen=True)
class Verdict:
    """What becomes of the examples, by position."""

    reason: dict[int, str]
    """Why each one goes that goes."""
    duplicates: dict[int, Duplicate]
    """For those that go as a duplicate."""
    same_id: dict[int, int]
    """Rows whose id an earlier one has, with its position."""
    near_rows: dict[int, Match]
    """For those that go as a near-duplicate of a benchmark row."""
    conflicts: list[list[int]]
    """Positions that ask the same and answer differently, duplicates left out."""
    score_cut: float | None
    """Score of the worst example that stays."""


def measure(table: Table, settings: Curate) -> Quality:
    """Fill in the signal of language, which depends on all examples, and weigh the signals."""
    counts = np.bincount(table.language, minlength=len(table.languages))
    known = dict(zip(table.languages, map(int, counts), strict=True))
    expected = expected_languages(known, settings.languages, settings.bounds.language_share)
    if len(table):
        table.signals[:, -1] = language_signal(table.language, table.languages, table.confidence.astype(np.float64), expected)
    return Quality(table.signals, weigh(table.signals, settings.weights), expected)


def decide(store: Store, quality: Quality, settings: Curate, benchmarks: Rows) -> Verdict:
    """Give every example that goes its reason.

    The cut comes after the duplicates, so `keep_fraction` is of distinct examples. A duplicate of one below the cut goes
    for its quality, since it is no better; so the example that a duplicate is said to repeat is always one that stays.

    Args:
        benchmarks: rows of which no example may be a near-duplicate.
    """
    reason = {position: why for position, (why, _) in store.table.unusable.items()}
    same_id = _same_id(store.table, reason)
    reason |= dict.fromkeys(same_id, "bad_row")
    near_rows = _near_rows(store, reason, settings, benchmarks)
    reason |= dict.fromkeys(near_rows, "contaminated")
    order = best_first(store.table, quality.score, reason)
    if not len(order):
        return Verdict(reason, {}, same_id, near_rows, [], None)
    duplicates = find_duplicates(store, order, settings.near_duplicates)
    distinct = order[~np.isin(order, list(duplicates))]
    stays = distinct[: max(1, round(settings.keep_fraction * len(distinct)))]
    kept = np.zeros(len(store.table), bool)
    kept[stays] = True
    repeated = {position: duplicate for position, duplicate in duplicates.items() if kept[duplicate.of]}
    reason |= dict.fromkeys(order[~kept[order]].tolist(), "low_quality")
    reason |= {position: "exact_duplicate" if duplicate.exact else "near_duplicate" for position, duplicate in repeated.items()}
    return Verdict(reason, repeated, same_id, near_rows, find_conflicts(store.table, distinct), float(quality.score[stays[-1]]))


def _near_rows(store: Store, unusable: dict[int, str], settings: Curate, rows: Rows) -> dict[int, Match]:
    """The usable examples that are near-duplicates of benchmark rows."""
    usable = np.setdiff1d(np.arange(len(store.table)), list(unusable)) if rows else np.empty(0, np.int64)
    found = find_near_rows(Pairs(store, usable), rows, settings.near_duplicates)
    return {int(usable[place]): match for place, match in sorted(found.items())}


def best_first(table: Table, score: np.ndarray, unusable: dict[int, str]) -> np.ndarray:
    """Positions of the usable examples, best first; of equal ones the hash of the id decides, not their place in the file."""
    order = np.lexsort((table.keys["id"], -score))
    usable = np.ones(len(table), bool)
    usable[list(unusable)] = False
    return order[usable[order]]


def _same_id(table: Table, unusable: dict[int, str]) -> dict[int, int]:
    """Rows with the id of an earlier one and another text: later steps tie variants to originals by id."""
    ids, texts = table.keys["id"], table.keys["text"]
    _, inverse, counts = np.unique(ids, return_inverse=True, return_counts=True)
    first: dict[int, int] = {}
    found: dict[int, int] = {}
    for position in map(int, np.flatnonzero(counts[inverse] > 1)):
        if position in unusable:
            continue
        earlier = first.setdefault(int(ids[position]), position)
        if earlier != position and texts[earlier] != texts[position]:
            found[position] = earlier
    return found
