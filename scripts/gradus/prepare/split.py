"""Split examples into train, valid and test so that no source and nothing said twice stands on two sides."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gradus.config.schema import Likeness, Split
from gradus.errors import UserError
from gradus.files import sha256_text
from gradus.near_duplicates import find_near_duplicates
from gradus.overlap import comparable, connected, fold, prompt_of
from gradus.records import Example

log = logging.getLogger(__name__)
UNITS = ("group", "document_id", "origin_id")
LEAST = 6  # clusters, so that each part can have some

Cluster = list[Example]
"""What must stay on one side."""


@dataclass(frozen=True)
class Splits:
    """The three parts. `unit` says what was kept together: `group`, `document_id`, or only `origin_id`."""

    train: list[Example]
    valid: list[Example]
    test: list[Example]
    unit: str
    left_out: int
    """Variants whose origin went to valid or test; those hold originals only."""
    clusters: int
    """Sets of examples that had to stay on one side."""

    def parts(self) -> dict[str, list[Example]]:
        """The parts by name."""
        return {"train": self.train, "valid": self.valid, "test": self.test}


def split_examples(
    examples: Sequence[Example], shares: Split, likeness: Likeness, seed: int, trained: Mapping[str, Collection[str]] | None = None
) -> Splits:
    """Assign whole clusters to the parts, in an order drawn from `seed`, until valid and test are full.

    A cluster is what must stay on one side: examples of one source group, of groups that say the same by what curation
    removed (`meta.repeated_in`), with one prompt but for case and punctuation, and near-duplicates; variants tie as
    their origins do. With fewer than six clusters (one file, say) whole documents are assigned instead of groups, and with
    fewer than six of these single examples; that is said aloud.

    Args:
        trained: names of sources, by unit, that must be in training again because an earlier model has seen them.

    Raises:
        UserError: when there are fewer than six examples, or fewer than six that differ, or all sources but one are `trained`.
    """
    originals = [example for example in examples if example.id == example.origin_id]
    if len(originals) < LEAST:
        cure = "Add documents (collect.folders) or raise curate.keep_fraction"
        raise UserError(f"only {len(originals)} examples are left, six are the least to split", where="prepare", cure=cure)
    unit, clusters = _clusters(examples, likeness)
    pinned = set((trained or {}).get(unit, ()))
    seen: list[Cluster] = []
    fresh: list[Cluster] = []
    for cluster in clusters:
        is_fresh = pinned.isdisjoint(name for example in cluster for name in sources(example, unit))
        (fresh if is_fresh else seen).append(cluster)
    parts = _assign(seen, fresh, shares, seed)
    chosen = {example.id: part for part, members in parts.items() for example in members}
    variants = [e for e in examples if e.id != e.origin_id]
    kept = [e for e in variants if chosen.get(e.origin_id) == "train"]
    train = sorted([*parts["train"], *kept], key=lambda e: (e.origin_id, e.id))
    return Splits(train, parts["valid"], parts["test"], unit, len(variants) - len(kept), len(clusters))


def _clusters(examples: Sequence[Example], likeness: Likeness) -> tuple[str, list[Cluster]]:
    """The coarsest unit that leaves at least six clusters, and the originals in each cluster."""
    ties = _ties(examples, likeness)
    for unit in UNITS:
        keys = [[*tied, *((unit, name) for name in sources(example, unit))] for tied, example in zip(ties, examples, strict=True)]
        groups = [[examples[p] for p in group if examples[p].id == examples[p].origin_id] for group in connected(keys)]
        clusters = [group for group in groups if group]
        if len(clusters) >= LEAST:
            if unit != "group":
                log.warning("Fewer than six source groups that differ: splitting by %s, so parts of one source stand on both sides.", unit)
            return unit, clusters
    what = f"only {len(clusters)} sets of examples differ in prompt and text, six are the least to split"
    raise UserError(what, where="prepare", cure="Add other documents (collect.folders)")


def sources(example: Example, unit: str) -> set[str]:
    """The source of an example, and those that held a duplicate of it which curation removed."""
    repeated = example.meta.get("repeated_in", {})
    return {getattr(example, unit), *repeated.get(unit, ())}


def _ties(examples: Sequence[Example], likeness: Likeness) -> list[list[tuple[str, str]]]:
    """What ties each example to others, whatever its source: its origin, its prompt, its near-duplicates."""
    ties = [[("origin_id", example.origin_id), ("prompt", fold(prompt_of(example)))] for example in examples]
    for pair in find_near_duplicates([comparable(prompt_of(e), e.answer, likeness) for e in examples], likeness):
        for position in (pair.first, pair.second):
            ties[position].append(("pair", f"{pair.first} {pair.second}"))
    return ties


def _assign(seen: list[Cluster], fresh: list[Cluster], shares: Split, seed: int) -> dict[str, list[Example]]:
    """Fill each held-out part with clusters of `fresh` that still fit its share; the rest is for training, and all of `seen`.

    Clusters that would make up much of a part come last: a test set of a hundred sources says more than one of two.
    """
    total = sum(len(cluster) for cluster in (*seen, *fresh))
    large = shares.largest_cluster * total * min(shares.valid, shares.test)
    order = sorted(fresh, key=lambda c: (len(c) > max(large, 1), sha256_text(f"{seed}:{min(e.id for e in c)}")))
    room = {name: max(share * total, 1) for name, share in (("test", shares.test), ("valid", shares.valid))}
    parts: dict[str, list[Cluster]] = {"train": [], "valid": [], "test": []}
    sizes = dict.fromkeys(parts, 0)
    for cluster in order:
        name = next((name for name, most in room.items() if sizes[name] + len(cluster) <= most), "train")
        parts[name].append(cluster)
        sizes[name] += len(cluster)
    for name, other in (("test", "valid"), ("valid", "test")):
        if not parts[name]:
            _fill(parts, name, other, may_empty_training=bool(seen))
    parts["train"] += seen
    return {name: sorted((e for cluster in clusters for e in cluster), key=lambda e: e.id) for name, clusters in parts.items()}


def _fill(parts: dict[str, list[Cluster]], name: str, other: str, *, may_empty_training: bool) -> None:
    """Give a part that nothing fits the smallest cluster all the same: from training, or else from the `other` held-out part."""
    giver = "train" if len(parts["train"]) > (not may_empty_training) else other
    if giver == other and len(parts[other]) < 2:
        cure = "Add documents, or empty prepare.trained_before"
        raise UserError(f"no source is left for {name} that the model of prepare.trained_before has not seen", where="prepare", cure=cure)
    smallest = min(parts[giver], key=len)
    parts[giver].remove(smallest)
    parts[name].append(smallest)
