"""Texts that agree in a band of their signatures, in groups, and the pairs of candidates that the groups make.

Arrays only, and a part of them at a time: groups of millions of members are counted, thinned and paired in bounded memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gradus.minhash import Values

# These set the speed, not the result: what is worked on together stays in the processor's cache.
MEMBERS_AT_ONCE = 1 << 18
PAIRS_AT_ONCE = 1 << 20

Positions = NDArray[np.int64]
Members = NDArray[np.uint32]  # positions too, where there are many
Codes = NDArray[np.uint64]  # pairs of positions, the first in the high half
_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


@dataclass(frozen=True)
class Groups:
    """Texts that agree in a band: `members` group by group, ascending in each; `begins` tells where a group begins."""

    members: Members
    begins: NDArray[np.bool_]

    def count_pairs(self) -> int:
        """How many pairs the groups make, those counted twice that meet in two groups."""
        return sum(int(part._earlier().sum()) for part in self._parts())

    def pairs(self, across: int | None = None, most: int | None = None) -> Codes:
        """Every two members of a group, once each.

        Args:
            across: only pairs of which one lies before this position and one not.
            most: only pairs with one of the first so many of a group.
        """
        return _union(codes for part in self._parts() for codes in part._pairs(across, most))

    def _pairs(self, across: int | None, most: int | None) -> Iterator[Codes]:
        earlier, first = self._earlier(), np.arange(len(self.members))
        first -= earlier
        if across is not None:
            here = self.members < across
            before = np.concatenate([[0], np.cumsum(here)])
            earlier = np.where(here, 0, before[:-1] - before[first])
        if most is not None:
            earlier = np.minimum(earlier, most)
        ends = np.cumsum(earlier)
        cuts = np.searchsorted(ends, np.arange(0, int(earlier.sum()), PAIRS_AT_ONCE), side="right")
        for start, stop in pairwise([*cuts.tolist(), len(ends)]):
            counts = earlier[start:stop]
            inner = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
            one = self.members[np.repeat(first[start:stop], counts) + inner].astype(np.uint64)
            other = np.repeat(self.members[start:stop], counts)
            yield np.unique((one << _HALF) | other)

    def only(self, chosen: NDArray[np.bool_]) -> Groups:
        """The groups less the members that are not chosen, where two are left."""
        return _runs(self.members[chosen], np.cumsum(self.begins, dtype=np.uint32)[chosen])

    def _parts(self) -> Iterator[Groups]:
        """The same groups, some at a time."""
        start = 0
        while start < len(self.members):
            later = self.begins[start + MEMBERS_AT_ONCE :]
            stop = start + MEMBERS_AT_ONCE + int(later.argmax()) if later.any() else len(self.members)
            yield Groups(self.members[start:stop], self.begins[start:stop])
            start = stop

    def _earlier(self) -> Positions:
        """How many members of its group come before each."""
        places = np.arange(len(self.members))
        return places - np.maximum.accumulate(np.where(self.begins, places, 0))


def _runs(members: Members, labels: NDArray[np.generic]) -> Groups:
    """Groups of neighbours with the same label, where there are at least two."""
    same = np.zeros(len(labels) + 1, bool)
    same[1:-1] = labels[1:] == labels[:-1]
    several = same[1:] | same[:-1]
    return Groups(members[several], ~same[:-1][several])


def collisions(keys: Values, filled: Members) -> Groups:
    """Groups of the `filled` texts with the same key in a band."""
    ordered = keys[filled].astype(np.uint64)
    ordered <<= _HALF
    ordered |= filled
    ordered.sort()
    members = ordered.astype(np.uint32)  # the low half
    ordered >>= _HALF
    return _runs(members, ordered)


def unpacked(codes: Codes) -> tuple[Positions, Positions]:
    """First and second position of each pair."""
    return (codes >> _HALF).astype(np.int64), (codes & _LOW).astype(np.int64)


def _union(pieces: Iterable[Codes]) -> Codes:
    """All codes, ascending and once each; merged when new ones are as many as those there are, so each is moved a few times only."""
    merged: Codes = np.empty(0, np.uint64)
    waiting: list[Codes] = []
    for piece in pieces:
        waiting.append(piece)
        if sum(map(len, waiting)) >= max(len(merged), PAIRS_AT_ONCE):
            merged, waiting = np.unique(np.concatenate([merged, *waiting])), []
    return np.unique(np.concatenate([merged, *waiting]))
