"""Examples that hold a row of an outside benchmark: an n-gram overlap in the manner of Tülu 3 and GPT-3.

Tülu 3 (Lambert et al. 2024, arXiv 2411.15124, section 3.2) counts a benchmark row as seen when runs of 8 words that the
example holds too cover more than half of its words; GPT-3 (Brown et al. 2020, arXiv 2005.14165, appendix C) took 13-grams.
A row of fewer words than a run counts when it is the example's whole question. A near-duplicate (Jaccard similarity of
3-word shingles at 0.8) shares nine in ten of its shingles, so its runs are long and it is found this way too.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gradus.config.schema import Curate
from gradus.curate.benchmarks import read_benchmark
from gradus.errors import UserError
from gradus.files import sha256_file
from gradus.overlap import fold, prompt_of
from gradus.records import Example
from gradus.shingles import hash_shingles, tokens

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Match:
    """A benchmark row that an example holds, and the share of its words that stand in shared runs."""

    row: str
    share: float

    def __str__(self) -> str:
        return f"holds {self.row}, {100 * self.share:.0f} % of its words in shared runs"


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
    short: dict[str, int]
    """Rows of fewer words than a run, folded."""
    ngram_words: int
    overlap: float

    def match(self, example: Example) -> Match | None:
        """The row of which the example holds most, if that is more than `overlap`."""
        row = self.short.get(fold(prompt_of(example)))
        if row is not None:
            return Match(self.places[row], 1.0)
        runs, _ = hash_shingles([f"{prompt_of(example)}\n{example.answer}"], self.ngram_words)
        found = self._found(np.unique(runs))
        if not len(found):
            return None
        rows = np.unique(self.rows[found])
        shares = np.array([self._share(found[self.rows[found] == row], row) for row in rows])
        best = int(shares.argmax())
        return Match(self.places[rows[best]], round(float(shares[best]), 4)) if shares[best] > self.overlap else None

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


def read_benchmarks(settings: Curate) -> Benchmarks | None:
    """Index the files of `curate.decontaminate`; None when there are none. Raises UserError."""
    if not settings.decontaminate:
        return None
    rows = [row for name in settings.decontaminate for row in read_benchmark(Path(name).expanduser())]
    if not rows:
        raise UserError("no row asks anything", where=", ".join(settings.decontaminate), cure="Check the files in curate.decontaminate")
    log.info("Benchmark rows that no example may hold: %d", len(rows))
    return index(rows, settings.decontamination.ngram_words, settings.decontamination.overlap)


def files_state(settings: Curate) -> list[tuple[str, str]]:
    """Name and hash of each benchmark file, by which the step knows that one changed; a missing one has no hash."""
    paths = [Path(name).expanduser() for name in settings.decontaminate]
    return [(str(path), sha256_file(path) if path.is_file() else "") for path in paths]


def index(rows: Sequence[tuple[str, str]], ngram_words: int, overlap: float) -> Benchmarks:
    """Index rows, given as place and text; there must be one."""
    places, texts = zip(*rows, strict=True)
    words = np.array([len(tokens(text)) for text in texts], np.int32)
    runs, first = hash_shingles(texts, ngram_words)
    owners = np.repeat(np.arange(len(texts), dtype=np.int32), np.diff(first))
    starts = (np.arange(len(runs)) - first[owners]).astype(np.int32)
    order = np.argsort(runs, kind="stable")
    order = order[words[owners[order]] >= ngram_words]
    short = {fold(texts[row]): int(row) for row in np.flatnonzero(words < ngram_words)[::-1]}
    return Benchmarks(runs[order], owners[order], starts[order], words, places, short, ngram_words, overlap)
