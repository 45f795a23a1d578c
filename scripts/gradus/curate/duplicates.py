"""Of examples that say the same the best one stays; the same question with different answers is a conflict."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from gradus.config.schema import Likeness
from gradus.curate.store import Store, Table, Texts
from gradus.near_duplicates import drop_near_duplicates
from gradus.shingles import jaccard, shingles


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Why an example goes: the one that stays, by position, and their similarity (Jaccard of word shingles)."""

    of: int
    similarity: float
    exact: bool


def find_duplicates(store: Store, order: np.ndarray, likeness: Likeness) -> dict[int, Duplicate]:
    """Which examples repeat a better one, by position.

    Args:
        order: positions, best example first. An example goes only when it repeats one that stays, so no chain of
            likenesses removes an example that is like none of those left.
    """
    found = _exact(store.table, order)
    rest = order[~np.isin(order, list(found))]

    def are_copies(kept: int, other: int) -> bool:
        return not _contradict(store.table, kept, other) and _answer_alike(store, kept, other, likeness)

    dropped = drop_near_duplicates(Texts(store, likeness), rest, likeness, are_copies)
    return found | {position: Duplicate(kept, round(similarity, 4), exact=False) for position, (kept, similarity) in dropped.items()}


def find_conflicts(table: Table, positions: np.ndarray) -> list[list[int]]:
    """Groups of examples that ask the same after the same turns and are answered differently."""
    prompts, answers = table.keys["prompt"][positions], table.keys["answer"]
    _, inverse, counts = np.unique(prompts, return_inverse=True, return_counts=True)
    groups: dict[int, list[int]] = defaultdict(list)
    for index in np.flatnonzero(counts[inverse] > 1):
        groups[int(inverse[index])].append(int(positions[index]))
    return [group for group in groups.values() if len({int(answers[p]) for p in group}) > 1]


def _exact(table: Table, order: np.ndarray) -> dict[int, Duplicate]:
    """Same text but for case and white space."""
    _, first, inverse = np.unique(table.keys["text"][order], return_index=True, return_inverse=True)
    best = first[inverse]
    return {int(order[rank]): Duplicate(int(order[best[rank]]), 1.0, exact=True) for rank in np.flatnonzero(best != np.arange(len(order)))}


def _answer_alike(store: Store, first: int, second: int, likeness: Likeness) -> bool:
    """Whether the answers by themselves are near-duplicates: two questions on one long passage, or two turns of one chat, are not."""
    one, other = (shingles(store.example(position).answer, likeness.shingle_words) for position in (first, second))
    return one == other or jaccard(one, other) >= likeness.threshold


def _contradict(table: Table, first: int, second: int) -> bool:
    """Same question, much the same words, other numbers: one of the answers is wrong, so neither is a copy."""
    prompts, numbers = table.keys["prompt"], table.keys["numbers"]
    return bool(prompts[first] == prompts[second] and numbers[first] != numbers[second])
