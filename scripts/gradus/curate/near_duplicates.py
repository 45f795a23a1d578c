"""Pairs of texts that say nearly the same: candidates from MinHash and LSH, each verified by its exact similarity.

MinHash: Broder 1997, "On the resemblance and containment of documents". Banding (LSH): Leskovec, Rajaraman, Ullman,
"Mining of Massive Datasets", chapter 3. Candidates are verified, so no pair is wrong; the banding sets how many are found.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from datasketch import MinHash, MinHashLSH

from gradus.config.schema import NearDuplicates
from gradus.curate.words import tokens

log = logging.getLogger(__name__)

Shingles = frozenset[bytes]


@dataclass(frozen=True)
class Pair:
    """Two texts by their positions, `first` < `second`, and the Jaccard similarity of their shingle sets."""

    first: int
    second: int
    similarity: float


@dataclass(frozen=True)
class Banding:
    """A signature cut into `bands` of `rows` values; two texts that agree in a whole band are candidates."""

    bands: int
    rows: int

    def recall(self, similarity: float) -> float:
        """Probability that a pair of this Jaccard similarity becomes a candidate: 1 - (1 - s^rows)^bands."""
        return 1 - (1 - similarity**self.rows) ** self.bands


def choose_banding(settings: NearDuplicates) -> Banding:
    """The banding with the longest rows, so the fewest false candidates, that has the asked recall at the threshold."""
    for rows in range(settings.permutations, 0, -1):
        banding = Banding(settings.permutations // rows, rows)
        if banding.recall(settings.threshold) >= settings.minimum_recall:
            return banding
    banding = Banding(settings.permutations, 1)
    found = 100 * banding.recall(settings.threshold)
    log.warning("%d permutations find only %.0f %% of the pairs at similarity %g", settings.permutations, found, settings.threshold)
    return banding


def shingles(text: str, size: int) -> Shingles:
    """The distinct runs of `size` consecutive words, case folded; a shorter text is one shingle, none without words."""
    words = tokens(text)
    if not words:
        return frozenset()
    last = max(1, len(words) - size + 1)
    return frozenset(" ".join(words[i : i + size]).encode("utf-8", "surrogatepass") for i in range(last))


def jaccard(first: Shingles, second: Shingles) -> float:
    """Shared shingles over all shingles, in [0, 1]; 0 when either has none."""
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared) if shared else 0.0


def find_near_duplicates(texts: Sequence[str], settings: NearDuplicates) -> list[Pair]:
    """All found pairs of at least `settings.threshold` Jaccard similarity, in order of their positions."""
    sets = [shingles(text, settings.shingle_words) for text in texts]
    pairs = (Pair(i, j, jaccard(sets[i], sets[j])) for i, j in _candidates(sets, settings))
    return sorted((pair for pair in pairs if pair.similarity >= settings.threshold), key=lambda pair: (pair.first, pair.second))


def _candidates(sets: Sequence[Shingles], settings: NearDuplicates) -> Iterator[tuple[int, int]]:
    """Positions of texts that agree in at least one band. crc32 is the fast hash; datasketch mixes its bits further."""
    banding = choose_banding(settings)
    index = MinHashLSH(num_perm=settings.permutations, params=(banding.bands, banding.rows))
    signatures = MinHash.generator(sets, num_perm=settings.permutations, hashfunc=crc32)
    for position, (content, signature) in enumerate(zip(sets, signatures, strict=True)):
        if content:
            for earlier in index.query(signature):
                yield earlier, position
            index.insert(position, signature, check_duplication=False)
