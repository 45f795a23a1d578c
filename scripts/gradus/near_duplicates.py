"""Texts that say nearly the same: candidates from MinHash and bands, each verified by its exact Jaccard similarity.

Candidates are verified, so no pair is wrong; the bands set how many are found (`Banding.recall`). Three questions, one search:

    find_near_duplicates    every pair; their number grows with the square of the size of a cluster of copies
    find_overlaps           every pair of a text here and a text there, such as training and test set
    drop_near_duplicates    what to leave out so that nothing left repeats anything better; a cluster costs its size only

Memory: 4 bytes per text and band (100 bytes with 25 bands) until all are signed, then 5 for each band in which a text
meets another and some 60 for each pair, and a few megabytes for the work at hand. A text is read once, and again when it
is verified, never two at a time: `texts` may be any sequence, such as one that reads its items from a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gradus.band_groups import Codes, Groups, Positions, collisions, unpacked
from gradus.config.schema import NearDuplicates
from gradus.machine import cores
from gradus.minhash import Values, band_keys, choose_banding, least_values, shingle_values
from gradus.shingles import hash_shingles

# Bounds the cost of a large cluster: how many kept texts another is compared with, for each band in which they meet.
KEPT_PER_GROUP = 8
# These set the speed, not the result: what is worked on together stays in the processor's cache.
TEXTS_PER_JOB = 2048
CHARACTERS_AT_ONCE = 1 << 19
HASHES_AT_ONCE = 1 << 17
PAIRS_PER_MEMBER = 4  # with more candidate pairs than this per text and band, a cluster is thinned out before its pairs are made
KEPT_BY_MALLOC = (31 << 20) + (1 << 19)

Job = TypeVar("Job")
Done = TypeVar("Done")
Read = Callable[[int], str]
_SIDE = np.uint64(1)
_END = np.uint64(0xFFFFFFFFFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts by their positions and the Jaccard similarity of their shingle sets."""

    first: int
    second: int
    similarity: float


def find_near_duplicates(texts: Sequence[str], settings: NearDuplicates) -> list[Pair]:
    """All found pairs of at least `settings.threshold` Jaccard similarity, `first` < `second`, in order of their positions."""
    search = _Search(texts.__getitem__, len(texts), settings)
    return [Pair(*found) for found in _listed(*search.verified(search.groups.pairs()))]


def find_overlaps(texts: Sequence[str], others: Sequence[str], settings: NearDuplicates) -> list[Pair]:
    """All found pairs of one of `texts` (`first`) and one of `others` (`second`), in order of their positions."""
    here = len(texts)
    search = _Search(lambda position: texts[position] if position < here else others[position - here], here + len(others), settings)
    first, second, similarities = search.verified(search.groups.pairs(across=here))
    return [Pair(*found) for found in _listed(first, second - here, similarities)]


def drop_near_duplicates(
    texts: Sequence[str],
    order: Sequence[int] | Positions,
    settings: NearDuplicates,
    are_copies: Callable[[int, int], bool] = lambda kept, other: True,
) -> dict[int, tuple[int, float]]:
    """Which texts to drop, and for each the kept one that it repeats with their similarity, all by position in `texts`.

    A text goes only when it is verified against a better one that stays, so no chain of likenesses drops a text that is
    like none of those left. Where it repeats several, the most similar of those it was compared with is named. In a large
    cluster (more than PAIRS_PER_MEMBER candidate pairs per member) a text is compared with the best KEPT_PER_GROUP kept
    ones of each band; where hundreds are kept that are just below the threshold to each other, some copies may stay.

    Args:
        order: positions of the texts to judge, the best first.
        are_copies: asked of each verified pair (the kept one, the other), by position; where it says no, they may both stay.
    """
    search = _Search(lambda rank: texts[order[rank]], len(order), settings)
    dropped: dict[int, tuple[int, float]] = {}
    stays = np.ones(len(order), bool)

    def drop(candidates: Codes) -> None:
        first, second, similarities = search.verified(candidates)
        for place in np.lexsort((first, -similarities, second)):
            better, worse = first[place], second[place]
            kept, other = int(order[better]), int(order[worse])
            if stays[better] and stays[worse] and are_copies(kept, other):
                dropped[other] = (kept, float(similarities[place]))
                stays[worse] = False

    def judge(groups: Groups) -> None:
        """All pairs where they are few; of a large cluster the better half first, and then the rest with what is left of that."""
        if groups.count_pairs() <= PAIRS_PER_MEMBER * len(groups.members):
            return drop(groups.pairs())
        ranks = np.unique(groups.members)
        middle = int(ranks[len(ranks) // 2])
        judge(groups.only(groups.members < middle))
        rest = groups.only(stays[groups.members])
        drop(rest.pairs(across=middle, most=KEPT_PER_GROUP))
        judge(rest.only(stays[rest.members] & (rest.members >= middle)))

    judge(search.groups)
    return dropped


class _Search:
    """The texts that agree with another in a band (`groups`), and the verification of candidates."""

    def __init__(self, read: Read, count: int, settings: NearDuplicates) -> None:
        self._read, self._settings, self._banding = read, settings, choose_banding(settings)
        self._reading = Lock()
        self._counts = np.zeros(count, np.int32)
        np.empty(KEPT_BY_MALLOC, np.uint8)  # glibc keeps freed blocks up to the largest it saw: 3 times faster, as no page is asked for twice
        keys = np.empty((self._banding.bands, count), np.uint32)
        _in_threads(lambda start: self._sign(start, keys), range(0, count, TEXTS_PER_JOB))
        filled = np.flatnonzero(self._counts).astype(np.uint32)
        found = _in_threads(lambda band: collisions(keys[band], filled), range(self._banding.bands))
        self.groups = Groups(np.concatenate([groups.members for groups in found]), np.concatenate([groups.begins for groups in found]))

    def verified(self, candidates: Codes) -> tuple[Positions, Positions, NDArray[np.float64]]:
        """First and second of the candidates that reach the threshold, in their order, and their similarities."""
        first, second = unpacked(candidates)
        widths = self._counts[first] + self._counts[second]
        order = np.argsort(-widths)  # pairs of like size together, so that few places of a batch stay empty
        similarities = np.empty(len(candidates))
        batches = list(_batches(widths[order]))

        def measure(batch: tuple[int, int]) -> None:
            chosen = order[slice(*batch)]
            similarities[chosen] = self._similarities(first[chosen], second[chosen], int(widths[chosen[0]]))

        _in_threads(measure, batches)
        alike = similarities >= self._settings.threshold
        return first[alike], second[alike], similarities[alike]

    def _sign(self, start: int, keys: Values) -> None:
        stop = min(start + TEXTS_PER_JOB, len(self._counts))
        while start < stop:
            texts = self._read_some(start, stop)
            hashes, begins = hash_shingles(texts, self._settings.shingle_words)
            least = least_values(shingle_values(hashes), begins, self._settings.permutations, self._banding.bands * self._banding.rows)
            keys[:, start : start + len(texts)] = band_keys(least, self._banding)
            self._counts[start : start + len(texts)] = np.diff(begins)
            start += len(texts)

    def _read_some(self, start: int, stop: int) -> list[str]:
        texts: list[str] = []
        characters = 0
        with self._reading:
            while start + len(texts) < stop and characters < CHARACTERS_AT_ONCE:
                texts.append(self._read(start + len(texts)))
                characters += len(texts[-1])
        return texts

    def _similarities(self, first: Positions, second: Positions, width: int) -> NDArray[np.float64]:
        """Jaccard similarity of each pair: both sets in one row, marked by their lowest bit, sorted, and neighbours compared."""
        positions, places = np.unique(np.concatenate([first, second]), return_inverse=True)
        with self._reading:
            texts = [self._read(position) for position in positions.tolist()]
        hashes, begins = hash_shingles(texts, self._settings.shingle_words)
        left = hashes & ~_SIDE
        right = left | _SIDE
        rows = np.full((len(first), width), _END)
        for row, one, other in zip(rows, places[: len(first)], places[len(first) :], strict=True):
            start, stop, begin, end = begins[one], begins[one + 1], begins[other], begins[other + 1]
            row[: stop - start] = left[start:stop]
            row[stop - start : stop - start + end - begin] = right[begin:end]
        rows.sort(axis=1)
        steps = rows[:, 1:] ^ rows[:, :-1]
        shared = np.count_nonzero(steps == 1, axis=1)
        distinct = np.count_nonzero(steps > 1, axis=1) + (rows[:, -1] != _END)
        return shared / distinct


def _listed(first: Positions, second: Positions, similarities: NDArray[np.float64]) -> Iterator[tuple[int, int, float]]:
    return zip(first.tolist(), second.tolist(), similarities.tolist(), strict=True)


def _in_threads(work: Callable[[Job], Done], jobs: Iterable[Job]) -> list[Done]:
    """What `work` makes of each job, on all processors: NumPy lets other threads run while it computes."""
    with ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(work, jobs))


def _batches(widths: Positions) -> Iterator[tuple[int, int]]:
    """Cuts a descending list of row lengths so that a batch of rows holds about HASHES_AT_ONCE places."""
    start = 0
    while start < len(widths):
        stop = min(start + max(1, HASHES_AT_ONCE // int(widths[start])), len(widths))
        yield start, stop
        start = stop
