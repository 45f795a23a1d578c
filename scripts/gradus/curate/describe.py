"""Count what a curation did, for `curation.json`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from gradus.config.schema import Curate
from gradus.curate.curation import SCORE_BINS, SIGNAL_BINS, Cluster, Conflict, Curation, Distribution, KeptAndRemoved, Removal, by_size, distribution
from gradus.curate.decide import Candidate, Verdict
from gradus.curate.near_duplicates import choose_banding
from gradus.curate.signals import SIGNALS

SHOWN = 10  # clusters and conflicts that are told in full
BEGINNING = 300  # characters of an answer that are shown


def describe(candidates: Sequence[Candidate], verdict: Verdict, settings: Curate) -> Curation:
    """The whole of `curation.json`."""
    kept = [c for position, c in enumerate(candidates) if position not in verdict.removals]
    removed = [candidates[position] for position in sorted(verdict.removals)]
    clusters = _clusters(candidates, verdict.removals)
    return Curation(
        examples=len(candidates),
        kept=len(kept),
        removed=len(removed),
        removed_by_reason=by_size(removal.reason for removal in verdict.removals.values()),
        kept_by_kind=by_size(c.example.kind for c in kept),
        removed_by_kind=by_size(c.example.kind for c in removed),
        score_cut=verdict.score_cut,
        quality=KeptAndRemoved(_scores(kept), _scores(removed)),
        signals={name: KeptAndRemoved(_signal(name, kept), _signal(name, removed)) for name in SIGNALS},
        lowered_by=_lowered_by(candidates, verdict.removals, settings),
        cluster_sizes=_sizes(clusters),
        largest_clusters=clusters[:SHOWN],
        conflicts=len(verdict.conflicts),
        conflict_examples=[_conflict(group, candidates, verdict.removals) for group in verdict.conflicts[:SHOWN]],
        personal_data_mode=settings.personal_data,
        personal_data=by_size(kind for c in candidates for kind in c.personal_data.elements()),
        examples_with_personal_data=sum(bool(c.personal_data) for c in candidates),
        repairs=by_size(kind for c in candidates for kind in c.repairs),
        settings=_settings(settings),
    )


def _scores(candidates: Sequence[Candidate]) -> Distribution:
    return distribution([c.quality.score for c in candidates], SCORE_BINS)


def _signal(name: str, candidates: Sequence[Candidate]) -> Distribution:
    return distribution([c.quality.signals[name] for c in candidates], SIGNAL_BINS)


def _lowered_by(candidates: Sequence[Candidate], removals: dict[int, Removal], settings: Curate) -> dict[str, int]:
    low = [candidates[position] for position, removal in removals.items() if removal.reason == "low_quality"]
    return by_size(name for c in low for name in list(c.quality.losses(settings.weights))[:1])


def _clusters(candidates: Sequence[Candidate], removals: dict[int, Removal]) -> list[Cluster]:
    """Each kept example that others repeat, the largest cluster first."""
    members: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for _, removal in sorted(removals.items()):
        if removal.duplicate_of is not None:
            members[removal.duplicate_of].append({"id": removal.example.id, "similarity": removal.similarity})
    questions = {c.example.id: c.example.question for position, c in enumerate(candidates) if position not in removals}
    clusters = [Cluster(kept, questions[kept], removed) for kept, removed in members.items()]
    return sorted(clusters, key=lambda cluster: (-len(cluster.removed), cluster.kept))


def _sizes(clusters: Sequence[Cluster]) -> dict[str, int]:
    counts = Counter(len(cluster.removed) + 1 for cluster in clusters)
    return {str(size): counts[size] for size in sorted(counts)}


def _conflict(group: Sequence[int], candidates: Sequence[Candidate], removals: dict[int, Removal]) -> Conflict:
    examples = [(candidates[position].example, position not in removals) for position in group]
    return Conflict(examples[0][0].question, [{"id": e.id, "answer": e.answer[:BEGINNING], "kept": kept} for e, kept in examples])


def _settings(settings: Curate) -> dict[str, Any]:
    banding = choose_banding(settings.near_duplicates)
    search = {**asdict(banding), "recall_at_threshold": round(banding.recall(settings.near_duplicates.threshold), 6)}
    return {**settings.model_dump(), "banding": search}
