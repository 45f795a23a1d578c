"""MinHash signatures of texts, bit for bit those of `datasketch.MinHash`, and the bands by which likely pairs are found.

MinHash: Broder 1997, "On the resemblance and containment of documents". Banding (LSH): Leskovec, Rajaraman, Ullman,
"Mining of Massive Datasets", chapter 3. Permutations: scheme "affine32" of datasketch 2, whose `LeanMinHash`, `MinHash`
and `MinHashLSH` take a row of `signatures` as `hashvalues`, for instance to keep an index that grows.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gradus.config.schema import NearDuplicates
from gradus.shingles import Hashes, Offsets, hash_shingles

log = logging.getLogger(__name__)

Values = NDArray[np.uint32]
EMPTY = np.uint32(0xFFFFFFFF)  # the least value of no values
_SEED = 1  # datasketch's own
_MIX, _SPREAD, _HALF = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0x9E3779B97F4A7C15), np.uint64(32)


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


def signatures(texts: Sequence[str], settings: NearDuplicates) -> Values:
    """MinHash signatures, shape (texts, permutations): what `datasketch.MinHash` makes of `shingle_values` of each text."""
    hashes, starts = hash_shingles(texts, settings.shingle_words)
    return least_values(shingle_values(hashes), starts, settings.permutations, settings.permutations).T


def shingle_values(hashes: Hashes) -> Values:
    """The 32-bit value of each shingle that enters MinHash."""
    return (hashes >> _HALF).astype(np.uint32)


def least_values(values: Values, starts: Offsets, permutations: int, used: int) -> Values:
    """Least value of each text under the first `used` of datasketch's permutations, shape (used, texts); EMPTY where a text has none."""
    least = np.full((used, len(starts) - 1), EMPTY)
    filled = np.flatnonzero(np.diff(starts))
    if not len(filled):
        return least
    mixed, begins = _murmur_finalizer(values), starts[filled]
    permuted = np.empty_like(mixed)  # one for all permutations: it stays in the processor's cache
    factors, terms = _permutations(permutations)
    for row, factor, term in zip(least, factors, terms, strict=False):
        np.multiply(mixed, factor, out=permuted)
        np.add(permuted, term, out=permuted)
        row[filled] = np.minimum.reduceat(permuted, begins)
    return least


def band_keys(least: Values, banding: Banding) -> Values:
    """One 32-bit key per band and text, shape (bands, texts), from least values of shape (bands * rows, texts)."""
    rows = least.reshape(banding.bands, banding.rows, -1)
    keys = np.zeros((banding.bands, rows.shape[2]), np.uint64)
    for row in range(banding.rows):
        keys *= _MIX
        keys += rows[:, row]
    keys ^= keys >> _HALF
    keys *= _SPREAD
    return (keys >> _HALF).astype(np.uint32)


@cache
def _permutations(count: int) -> tuple[Values, Values]:
    """Factors and terms of h -> factor * h + term modulo 2^32; the factors are odd, so that no two values meet."""
    draw = np.random.RandomState(_SEED)
    factors = draw.randint(0, 1 << 31, count, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return factors, draw.randint(0, 1 << 32, count, dtype=np.uint32)


def _murmur_finalizer(values: Values) -> Values:
    """The last step of MurmurHash3 (32 bits; Appleby, public domain), with which datasketch mixes what enters."""
    mixed = values ^ (values >> np.uint32(16))
    mixed *= np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return mixed
