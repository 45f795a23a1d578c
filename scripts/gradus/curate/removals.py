"""Every example that goes, as a line of `removed.jsonl` that says why."""

from __future__ import annotations

from typing import Any

from gradus.config.schema import Curate
from gradus.curate.curation import Removal
from gradus.curate.decide import Quality, Verdict
from gradus.curate.quality import losses
from gradus.curate.store import Store

NAMED = 3  # signals named in the detail of a removal


def removal_of(position: int, row: Any, store: Store, quality: Quality, verdict: Verdict, settings: Curate) -> Removal:
    """What `removed.jsonl` says of one example; `row` is its row in the store."""
    reason, number = verdict.reason[position], int(store.table.numbers[position])
    if not isinstance(row, dict):
        return Removal(None, number, reason, store.table.unusable[position][1], beginning=row)
    row = quality.explain(row, position)
    if position in verdict.duplicates:
        duplicate = verdict.duplicates[position]
        better = store.row(duplicate.of)
        detail = f"repeats {better['id']}: {better['question'][:100]}"
        return Removal(row, number, reason, detail, better["id"], duplicate.similarity)
    if position in verdict.same_id:
        earlier = int(store.table.numbers[verdict.same_id[position]])
        return Removal(row, number, reason, f"line {earlier} has the same id and another text")
    if position in verdict.near_rows:
        match = verdict.near_rows[position]
        return Removal(row, number, reason, str(match), similarity=match.share)
    if reason == "low_quality":
        return Removal(row, number, reason, _why_low(position, quality, verdict, settings))
    return Removal(row, number, reason, store.table.unusable[position][1])


def _why_low(position: int, quality: Quality, verdict: Verdict, settings: Curate) -> str:
    score, cut = float(quality.score[position]), verdict.score_cut
    if score == cut:
        return f"score {score:.3f}, as good as the last one kept; the hash of the ids decided"
    signals = quality.of(position)
    named = ", ".join(f"{name} {signals[name]:.2f}" for name in list(losses(signals, settings.weights))[:NAMED])
    return f"score {score:.3f}, cut at {cut:.3f}; lowered by {named}"
