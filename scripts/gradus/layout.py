"""How examples are laid into batches, from their lengths alone: what training does, and what the doctor's page tells."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PAD_TO = 32


@dataclass(frozen=True)
class Layout:
    """How examples are laid into batches.

    Packed, a row holds `row_tokens` tokens, or `max_tokens` when it starts with an example longer than that; a batch
    holds `batch_size * max_tokens` tokens, so it has more of the short rows. There are two shapes, whatever the data.
    Unpacked, a row is one example and a batch is as long as its longest row.
    """

    batch_size: int
    packing: bool
    row_tokens: int
    max_tokens: int

    def widths(self) -> tuple[int, ...]:
        """Lengths of packed rows, ascending."""
        return tuple(sorted({min(self.row_tokens, self.max_tokens), self.max_tokens}))


@dataclass(frozen=True)
class Rows:
    """The rows of one batch, each a list of indices of examples, and their common width in tokens."""

    width: int
    rows: list[list[int]]


def pack(lengths: Sequence[int], order: Sequence[int], widths: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Best-fit bin packing in the given order: each item goes into the fullest row that still takes it.

    Rows are found by bisection in a sorted list of their free space. Fed longest first with one width this is best-fit
    decreasing, which uses at most 11/9 of the optimal number of rows (Johnson 1973).

    Args:
        lengths: tokens of every item.
        order: indices into `lengths`, in the order of packing.
        widths: tokens that a row may hold, ascending; a new row takes the smallest that its first item fits in.

    Returns:
        Rows as (width, items).
    """
    rows: list[tuple[int, list[int]]] = []
    free: list[tuple[int, int]] = []
    for item in order:
        place = bisect.bisect_left(free, (lengths[item], -1))
        if place < len(free):
            room, row = free.pop(place)
        else:
            room, row = next(width for width in widths if width >= lengths[item]), len(rows)
            rows.append((room, []))
        rows[row][1].append(item)
        bisect.insort(free, (room - lengths[item], row))
    return rows


def plan_epoch(lengths: Sequence[int], layout: Layout, seed: int, epoch: int) -> list[Rows]:
    """The batches of one epoch; the same arguments give the same plan, so a run can go on inside it.

    Packed, items are shuffled within classes of similar length so that rows differ between epochs; unpacked, neighbours
    in length share a batch. The order of the batches is drawn anew each epoch.
    """
    random = np.random.default_rng([seed, epoch])
    tokens = np.array(lengths)
    jitter = random.permutation(len(tokens))
    if layout.packing:
        batches = _packed(tokens, np.lexsort((jitter, -(tokens // PAD_TO))), layout, random)
    else:
        order = np.lexsort((jitter, tokens)).tolist()
        groups = [order[i : i + layout.batch_size] for i in range(0, len(order), layout.batch_size)]
        batches = [Rows(round_up(int(tokens[group].max())), [[item] for item in group]) for group in groups]
    return [batches[i] for i in random.permutation(len(batches))]


def _packed(lengths: np.ndarray, order: np.ndarray, layout: Layout, random: np.random.Generator) -> list[Rows]:
    """Batches of packed rows of one width each; empty rows fill the last, so that its shape is that of the others."""
    packed = pack(lengths.tolist(), order.tolist(), layout.widths())
    batches = []
    for width in layout.widths():
        rows = [items for row_width, items in packed if row_width == width]
        rows = [rows[i] for i in random.permutation(len(rows))]
        size = max(layout.batch_size * layout.max_tokens // width, 1)
        groups = [rows[i : i + size] for i in range(0, len(rows), size)]
        batches += [Rows(width, group + [[] for _ in range(size - len(group))]) for group in groups]
    return batches


def round_up(length: int) -> int:
    """The next multiple of 32: fewer shapes for the compiler."""
    return -(-length // PAD_TO) * PAD_TO


def padded_positions(supervised: int, tokens: int) -> int:
    """Places at which a batch of so many tokens computes logits: its supervised ones, rounded up to a sixteenth of the batch."""
    step = max(tokens // 16, 1)
    return max(-(-supervised // step) * step, step)
