"""What curation found: the contents of `curation.json`. A signal or count that was not computed is absent, never 0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SIGNAL_BINS = 10
GOOD = 0.95  # from this score on no signal found a fault of weight
SCORE_BINS = 100  # scores lie close together, most of them above 0.8


@dataclass(frozen=True)
class Removal:
    """One line of `removed.jsonl`."""

    example: dict[str, Any] | None
    """The example; None for a bad row, of which `beginning` is all that is known."""
    line: int
    """Where it stood in the input, from 1."""
    reason: str
    """`bad_row`, `empty`, `personal_data`, `contaminated`, `exact_duplicate`, `near_duplicate` or `low_quality`."""
    detail: str
    duplicate_of: str | None = None
    """Id of the kept example that this one repeats."""
    similarity: float | None = None
    """Jaccard similarity of the word shingles to those of the kept example, or of the benchmark row."""
    beginning: str | None = None


@dataclass(frozen=True)
class Distribution:
    """Values in [0, 1]: their mean (None without values), and how many fall into each of the equal bins over [0, 1]."""

    mean: float | None
    histogram: list[int]


@dataclass(frozen=True)
class KeptAndRemoved:
    """The same values on both sides of the sieve."""

    kept: Distribution
    removed: Distribution


@dataclass(frozen=True)
class Cluster:
    """Examples that say the same; `kept` is the best of them, `removed` the others as `id` and `similarity` to it."""

    kept: str
    question: str
    removed: list[dict[str, Any]]


@dataclass(frozen=True)
class Conflict:
    """One question with several answers, which are `id`, `answer` (its beginning) and whether it was kept."""

    question: str
    answers: list[dict[str, Any]]


@dataclass(frozen=True)
class Curation:
    """All of `curation.json`."""

    examples: int
    kept: int
    removed: int
    removed_by_reason: dict[str, int]
    contaminated_by: dict[str, int]
    """Examples that hold a benchmark row: by the same prompt, by shared runs of words, or as its near-duplicate."""
    kept_by_kind: dict[str, int]
    removed_by_kind: dict[str, int]
    score_cut: float | None
    """Score of the worst example that was kept; None when none was."""
    removed_though_good: int
    """Removals for low quality with a score of `GOOD` or more: by `curate.keep_fraction`, not for a fault."""
    quality: KeptAndRemoved
    signals: dict[str, KeptAndRemoved]
    lowered_by: dict[str, int]
    """Removals for low quality, counted by the signal that cost each one most."""
    languages: dict[str, int]
    """Examples by the language of their prose, where there is enough of it to tell."""
    expected_languages: list[str]
    """The languages that do not lower the score."""
    cluster_sizes: dict[str, int]
    """Number of duplicate clusters by their size, the kept example included."""
    largest_clusters: list[Cluster]
    conflicts: int
    conflict_examples: list[Conflict]
    personal_data_mode: str
    personal_data: dict[str, int]
    """Finds by type. In the mode `keep` they are still there."""
    examples_with_personal_data: int
    repairs: dict[str, int]
    """Examples mended, by the kind of damage."""
    settings: dict[str, Any] = field(default_factory=dict)
    """The thresholds that were in force: section `curate` of the configuration, and the bands of the search."""


def distribution(values: np.ndarray, bins: int) -> Distribution:
    """Mean and histogram of values in [0, 1]; 1.0 itself falls into the last bin."""
    places = np.minimum((values * bins).astype(np.int64), bins - 1)
    return Distribution(round(float(values.mean()), 4) if len(values) else None, np.bincount(places, minlength=bins).tolist())


def by_size(counts: Iterable[str]) -> dict[str, int]:
    """Count names, the most frequent first, ties by name."""
    return dict(sorted(Counter(counts).items(), key=lambda item: (-item[1], item[0])))
