"""Split examples into train, valid and test so that no source stands on two sides."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from gradus.config.schema import Split
from gradus.errors import UserError
from gradus.files import sha256_text
from gradus.records import Example

log = logging.getLogger(__name__)
UNITS = ("group", "document_id", "origin_id")


@dataclass(frozen=True)
class Splits:
    """The three parts. `unit` says what was kept together: `group`, `document_id`, or only `origin_id`."""

    train: list[Example]
    valid: list[Example]
    test: list[Example]
    unit: str
    left_out: int
    """Variants whose origin went to valid or test; those hold originals only."""

    def parts(self) -> dict[str, list[Example]]:
        """The parts by name."""
        return {"train": self.train, "valid": self.valid, "test": self.test}


def split_examples(examples: Sequence[Example], shares: Split, seed: int) -> Splits:
    """Assign whole source groups to the parts, in an order drawn from `seed`, until valid and test are full.

    Groups that share a question word for word are kept together. With fewer than six groups (one file, say) whole
    documents are assigned instead, and with fewer than six documents single examples; that is said aloud.

    Raises:
        UserError: when there are fewer than six examples.
    """
    originals = [example for example in examples if example.id == example.origin_id]
    if len(originals) < 6:
        raise UserError(
            f"only {len(originals)} examples are left, six are the least to split",
            where="prepare",
            cure="Add documents (collect.folders) or raise curate.keep_fraction",
        )
    unit = next(u for u in UNITS if len({getattr(e, u) for e in originals}) >= 6)
    if unit != "group":
        log.warning("Fewer than six source groups: splitting by %s, so parts of one source stand on both sides.", unit)
    clusters = _clusters(originals, unit)
    parts = _assign(clusters, {"test": shares.test, "valid": shares.valid}, seed)
    chosen = {example.id: part for part, members in parts.items() for example in members}
    variants = [e for e in examples if e.id != e.origin_id]
    kept = [e for e in variants if e.origin_id in chosen and chosen[e.origin_id] == "train"]
    train = sorted([*parts["train"], *kept], key=lambda e: (e.origin_id, e.id))
    return Splits(train, parts["valid"], parts["test"], unit, len(variants) - len(kept))


def _clusters(examples: Sequence[Example], unit: str) -> list[list[Example]]:
    """Examples that must stay together: same unit, or units that share a folded question (union by first seen)."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    for example in examples:
        folded = "question:" + re.sub(r"\W+", " ", example.question.casefold()).strip()
        parent[root(folded)] = root(getattr(example, unit))
    grouped: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        grouped[root(getattr(example, unit))].append(example)
    return list(grouped.values())


def _assign(clusters: list[list[Example]], shares: dict[str, float], seed: int) -> dict[str, list[Example]]:
    """Fill each held-out part with clusters that still fit its share; the rest is for training."""
    total = sum(len(cluster) for cluster in clusters)
    order = sorted(clusters, key=lambda c: sha256_text(f"{seed}:{min(e.id for e in c)}"))
    parts: dict[str, list[Example]] = {"train": [], "valid": [], "test": []}
    for cluster in order:
        fits = (name for name, share in shares.items() if share and len(parts[name]) + len(cluster) <= max(share * total, 1))
        parts[next(fits, "train")] += cluster
    for name, share in shares.items():
        if share and not parts[name]:  # every cluster is larger than the share: take the smallest one all the same
            smallest = min((c for c in order if c[0] in parts["train"]), key=len)
            parts["train"] = [e for e in parts["train"] if e not in smallest]
            parts[name] = list(smallest)
    return {name: sorted(members, key=lambda e: e.id) for name, members in parts.items()}
