"""Examples that hold a row of an outside benchmark: the same prompt, a shared run of words, or a near-duplicate.

Same prompt: the same words, case and punctuation folded. Shared runs, in the manner of Tülu 3 and GPT-3: Tülu 3 (Lambert
et al. 2024, arXiv 2411.15124, section 3.2) counts a benchmark row as seen when runs of 8 words that the example holds too
cover more than half of its words; GPT-3 (Brown et al. 2020, arXiv 2005.14165, appendix C) took 13-grams. Near-duplicates
are found by MinHash and verified by their Jaccard similarity, as among the examples themselves: the prompt alone and the
whole conversation are each compared with the row.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gradus.config.schema import Curate, NearDuplicates
from gradus.curate.benchmarks import read_benchmark
from gradus.errors import UserError
from gradus.files import sha256_file
from gradus.near_duplicates import find_overlaps
from gradus.overlap import fold
from gradus.shingles import hash_shingles, tokens

log = logging.getLogger(__name__)

Kind = Literal["same prompt", "shared runs", "near-duplicate"]


@dataclass(frozen=True)
class Match:
    """A benchmark row that an example holds, in which way, and how much of it.

    `share` is 1 for the same prompt, the share of the row's words that stand in shared runs, or the Jaccard similarity.
    """

    row: str
    kind: Kind
    share: float

    def __str__(self) -> str:
        how = {"shared runs": f", {100 * self.share:.0f} % of its words", "near-duplicate": f", similarity {self.share:.2f}"}
        return f"{self.kind}: {self.row}{how.get(self.kind, '')}"


@dataclass(frozen=True)
class Benchmarks:
    """Every run of `ngram_words` words of every benchmark row, sorted by its hash."""

    runs: np.ndarray
    """uint64 hashes, sorted, `(runs,)`."""
    rows: np.ndarray
    """int32: the row that each run stands in."""
    starts: np.ndarray
    """int32: the first word of each run in its row."""
    words: np.ndarray
    """int32: words of each row."""
    places: Sequence[str]
    prompts: dict[str, int]
    """The first row of each folded text."""
    ngram_words: int
    overlap: float

    def match(self, prompt: str, answer: str) -> Match | None:
        """The row that is the prompt, or else the one of which the conversation holds most, if that is more than `overlap`."""
        row = self.prompts.get(fold(prompt))
        if row is not None:
            return Match(self.places[row], "same prompt", 1.0)
        runs, _ = hash_shingles([f"{prompt}\n{answer}"], self.ngram_words)
        found = self._found(np.unique(runs))
        if not len(found):
            return None
        rows = np.unique(self.rows[found])
        shares = np.array([self._share(found[self.rows[found] == row], row) for row in rows])
        best = int(shares.argmax())
        return Match(self.places[rows[best]], "shared runs", round(float(shares[best]), 4)) if shares[best] > self.overlap else None

    def _found(self, hashes: np.ndarray) -> np.ndarray:
        """Positions of the runs with one of these hashes."""
        first, last = np.searchsorted(self.runs, hashes, "left"), np.searchsorted(self.runs, hashes, "right")
        held = last > first
        return np.concatenate([np.arange(a, b) for a, b in zip(first[held], last[held], strict=True)] or [np.zeros(0, np.int64)])

    def _share(self, runs: np.ndarray, row: int) -> float:
        covered = np.zeros(self.words[row], bool)
        for start in self.starts[runs]:
            covered[start : start + self.ngram_words] = True
        return float(covered.mean())


Rows = Sequence[tuple[str, str]]
"""Place and text of each row of the benchmarks."""


def read_rows(settings: Curate) -> Rows:
    """Place and text of every row of the files of `curate.decontaminate`; none when there are no files. Raises UserError."""
    rows = [row for name in settings.decontaminate for row in read_benchmark(Path(name).expanduser())]
    if settings.decontaminate and not rows:
        raise UserError("no row asks anything", where=", ".join(settings.decontaminate), cure="Check the files in curate.decontaminate")
    return rows


def index_rows(rows: Rows, settings: Curate) -> Benchmarks | None:
    """Index the rows of the files of `curate.decontaminate`; None when there are none."""
    if not rows:
        return None
    log.info("Benchmark rows that no example may hold: %d", len(rows))
    return index(rows, settings.decontamination.ngram_words, settings.decontamination.overlap)


class _PromptsAndWholes(Sequence[str]):
    """The prompts of conversations, and after them the whole conversations."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._pairs = pairs

    def __len__(self) -> int:
        return 2 * len(self._pairs)

    def __getitem__(self, place: Any) -> Any:
        whole, position = divmod(place, len(self._pairs))
        prompt, answer = self._pairs[position]
        return f"{prompt}\n{answer}" if whole else prompt


def find_near_rows(pairs: Sequence[tuple[str, str]], rows: Rows, settings: NearDuplicates) -> dict[int, Match]:
    """The most similar benchmark row of each conversation that has a near-duplicate among them, by position.

    Args:
        pairs: prompt and answer of each conversation.
        rows: place and text.
    """
    found: dict[int, Match] = {}
    for overlap in find_overlaps(_PromptsAndWholes(pairs), [text for _, text in rows], settings) if rows and pairs else []:
        position, similarity = overlap.first % len(pairs), round(overlap.similarity, 4)
        if position not in found or similarity > found[position].share:
            found[position] = Match(rows[overlap.second][0], "near-duplicate", similarity)
    return found


def files_state(settings: Curate) -> list[tuple[str, str]]:
    """Name and hash of each benchmark file, by which the step knows that one changed; a missing one has no hash."""
    paths = [Path(name).expanduser() for name in settings.decontaminate]
    return [(str(path), sha256_file(path) if path.is_file() else "") for path in paths]


def index(rows: Rows, ngram_words: int, overlap: float) -> Benchmarks:
    """Index rows, given as place and text; there must be one."""
    places, texts = zip(*rows, strict=True)
    words = np.array([len(tokens(text)) for text in texts], np.int32)
    runs, first = hash_shingles(texts, ngram_words)
    owners = np.repeat(np.arange(len(texts), dtype=np.int32), np.diff(first))
    starts = (np.arange(len(runs)) - first[owners]).astype(np.int32)
    order = np.argsort(runs, kind="stable")
    order = order[words[owners[order]] >= ngram_words]
    prompts = {fold(text): row for row, text in reversed(list(enumerate(texts)))}
    return Benchmarks(runs[order], owners[order], starts[order], words, places, prompts, ngram_words, overlap)
