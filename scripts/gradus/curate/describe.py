"""Count what a curation did, for `curation.json`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from gradus.config.schema import Curate
from gradus.curate.curation import GOOD, SCORE_BINS, SIGNAL_BINS, Cluster, Conflict, Curation, KeptAndRemoved, by_size, distribution
from gradus.curate.decide import Quality, Verdict
from gradus.curate.languages import UNTOLD
from gradus.curate.quality import SIGNAL_NAMES, losses
from gradus.curate.store import Store, Table
from gradus.minhash import choose_banding

SHOWN = 10  # clusters and conflicts that are told in full
BEGINNING = 300  # characters of an answer that are shown


def describe(store: Store, quality: Quality, verdict: Verdict, settings: Curate) -> Curation:
    """The whole of `curation.json`."""
    table = store.table
    kept, removed = _sides(table, verdict)
    sizes = Counter(duplicate.of for duplicate in verdict.duplicates.values())
    return Curation(
        examples=len(table),
        kept=int(kept.sum()),
        removed=len(verdict.reason),
        removed_by_reason=by_size(verdict.reason.values()),
        contaminated_by=by_size([*table.tally.contaminated_by.elements(), *(match.kind for match in verdict.near_rows.values())]),
        kept_by_kind=_kinds(table, kept),
        removed_by_kind=_kinds(table, removed),
        score_cut=verdict.score_cut,
        removed_though_good=sum(reason == "low_quality" and bool(quality.score[p] >= GOOD) for p, reason in verdict.reason.items()),
        quality=_both(quality.score, kept, removed, SCORE_BINS),
        signals={name: _both(quality.signals[:, i], kept, removed, SIGNAL_BINS) for i, name in enumerate(SIGNAL_NAMES)},
        lowered_by=_lowered_by(quality, verdict, settings),
        languages=_languages(table, kept | removed),
        expected_languages=sorted(quality.expected_languages),
        cluster_sizes={str(size): times for size, times in sorted(Counter(count + 1 for count in sizes.values()).items())},
        largest_clusters=_largest_clusters(store, sizes, verdict),
        conflicts=len(verdict.conflicts),
        conflict_examples=[_conflict(group, store, verdict) for group in verdict.conflicts[:SHOWN]],
        personal_data_mode=settings.personal_data,
        personal_data=by_size(table.tally.personal_data.elements()),
        examples_with_personal_data=table.tally.examples_with_personal_data,
        repairs=by_size(table.tally.repairs.elements()),
        settings=_settings(settings),
    )


def _sides(table: Table, verdict: Verdict) -> tuple[np.ndarray, np.ndarray]:
    """Which examples were kept and which removed; bad rows, which were never scored, are neither."""
    kept, removed = np.ones(len(table), bool), np.zeros(len(table), bool)
    kept[list(verdict.reason)] = False
    removed[[p for p in verdict.reason if table.unusable.get(p, ("",))[0] != "bad_row"]] = True
    return kept, removed


def _both(values: np.ndarray, kept: np.ndarray, removed: np.ndarray, bins: int) -> KeptAndRemoved:
    return KeptAndRemoved(distribution(values[kept], bins), distribution(values[removed], bins))


def _kinds(table: Table, chosen: np.ndarray) -> dict[str, int]:
    return by_size(table.kinds[code] for code in table.kind[chosen])


def _languages(table: Table, scored: np.ndarray) -> dict[str, int]:
    names = (table.languages[code] for code in table.language[scored])
    return by_size(name for name in names if name != UNTOLD)


def _lowered_by(quality: Quality, verdict: Verdict, settings: Curate) -> dict[str, int]:
    low = (position for position, reason in verdict.reason.items() if reason == "low_quality")
    return by_size(name for position in low for name in list(losses(quality.of(position), settings.weights))[:1])


def _largest_clusters(store: Store, sizes: Counter[int], verdict: Verdict) -> list[Cluster]:
    """The kept examples that most others repeat; of equal ones the first in the file."""
    members: dict[int, list[dict[str, Any]]] = defaultdict(list)
    largest = sorted(sizes, key=lambda position: (-sizes[position], position))[:SHOWN]
    for position, duplicate in sorted(verdict.duplicates.items()):
        if duplicate.of in largest:
            members[duplicate.of].append({"id": store.row(position)["id"], "similarity": duplicate.similarity})
    kept = [(position, store.row(position)) for position in largest]
    return [Cluster(row["id"], row["question"], members[position]) for position, row in kept]


def _conflict(group: Sequence[int], store: Store, verdict: Verdict) -> Conflict:
    rows = [(store.row(position), position not in verdict.reason) for position in group]
    return Conflict(rows[0][0]["question"], [{"id": row["id"], "answer": row["answer"][:BEGINNING], "kept": kept} for row, kept in rows])


def _settings(settings: Curate) -> dict[str, Any]:
    banding = choose_banding(settings.near_duplicates)
    search = {**asdict(banding), "recall_at_threshold": round(banding.recall(settings.near_duplicates.threshold), 6)}
    return {**settings.model_dump(), "banding": search}
