"""Decide which examples stay: not empty, free of personal data when so asked, each thing once, the best share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gradus.config.schema import Curate
from gradus.curate.curation import Removal
from gradus.curate.duplicates import Duplicate, find_conflicts, find_duplicates
from gradus.curate.quality import Quality
from gradus.records import Example

NAMED = 3  # signals named in the detail of a removal


@dataclass(frozen=True)
class Candidate:
    """An example after mending and masking, with what was found in it."""

    example: Example
    repairs: frozenset[str]
    personal_data: Counter[str]
    quality: Quality


@dataclass(frozen=True)
class Verdict:
    """What becomes of the candidates, by position: why some go; the others stay."""

    removals: dict[int, Removal]
    conflicts: list[list[int]]
    """Positions that ask the same and answer differently, duplicates left out."""
    score_cut: float | None
    """Score of the worst candidate that stays."""


def decide(candidates: Sequence[Candidate], settings: Curate) -> Verdict:
    """Give every candidate that goes its reason.

    The cut comes after the duplicates, so `keep_fraction` is of distinct examples. A duplicate of one below the cut goes
    for its quality, since it is no better; so the example that a duplicate is said to repeat is always one that stays.
    """
    removals = _unusable(candidates, settings)
    order = [p for p in range(len(candidates)) if p not in removals]
    order.sort(key=lambda p: (-candidates[p].quality.score, candidates[p].example.id, p))
    duplicates = find_duplicates([c.example for c in candidates], order, settings.near_duplicates)
    distinct = [p for p in order if p not in duplicates]
    if not distinct:
        return Verdict(removals, [], None)
    stays = distinct[: max(1, round(settings.keep_fraction * len(distinct)))]
    score_cut = candidates[stays[-1]].quality.score
    kept = set(stays)
    for position in order:
        duplicate = duplicates.get(position)
        if duplicate and duplicate.of in kept:
            removals[position] = _repeats(candidates, position, duplicate)
        elif position not in kept:
            removals[position] = Removal(candidates[position].example, "low_quality", _why_low(candidates[position], score_cut, settings))
    return Verdict(removals, find_conflicts([c.example for c in candidates], distinct), score_cut)


def _unusable(candidates: Sequence[Candidate], settings: Curate) -> dict[int, Removal]:
    removals: dict[int, Removal] = {}
    for position, candidate in enumerate(candidates):
        example = candidate.example
        if not example.question or not example.answer:
            removals[position] = Removal(example, "empty", "no answer" if example.question else "no question")
        elif candidate.personal_data and settings.personal_data == "remove":
            found = ", ".join(f"{kind} {count}" for kind, count in sorted(candidate.personal_data.items()))
            removals[position] = Removal(example, "personal_data", f"{found} (masked here)")
    return removals


def _repeats(candidates: Sequence[Candidate], position: int, duplicate: Duplicate) -> Removal:
    better = candidates[duplicate.of].example
    reason = "exact_duplicate" if duplicate.exact else "near_duplicate"
    return Removal(candidates[position].example, reason, f"repeats {better.id}: {better.question[:100]}", better.id, duplicate.similarity)


def _why_low(candidate: Candidate, score_cut: float, settings: Curate) -> str:
    if candidate.quality.score == score_cut:
        return f"score {score_cut:.3f}, as good as the last one kept; the order of ids decided"
    worst = list(candidate.quality.losses(settings.weights))[:NAMED]
    named = ", ".join(f"{name} {candidate.quality.signals[name]:.2f}" for name in worst)
    return f"score {candidate.quality.score:.3f}, cut at {score_cut:.3f}; lowered by {named}"
