"""Conversations as rows of tokens: several examples a row, isolated from each other, or one a row.

A *row* is a list of examples that share one line of a batch. A batch holds, for each position, the token, the
number of its segment (1, 2, … within the row; 0 is padding) and whether it is supervised.
"""

from __future__ import annotations

import bisect
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gradus.chat import render
from gradus.errors import UserError

PAD_TO = 32


@dataclass(frozen=True)
class Tokenized:
    """One conversation: int32 `tokens` and a `mask` of the same length (1 = supervised)."""

    id: str
    tokens: np.ndarray
    mask: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)


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
class Batch:
    """int32 arrays of shape `(rows, length)`; `ids` names the examples inside, for error messages."""

    tokens: np.ndarray
    segments: np.ndarray
    mask: np.ndarray
    ids: tuple[str, ...]


def read_sequences(path: Path, tokenizer: Any, max_tokens: int) -> list[Tokenized]:
    """Tokenize a prepared file; conversations cut at `max_tokens`; those with nothing supervised are left out.

    Raises:
        UserError: when no conversation with a supervised token is left.
    """
    sequences = []
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            rendered = render(tokenizer, row["messages"])
            mask = np.array(rendered.mask[:max_tokens], np.int32)
            if mask[1:].any():
                sequences.append(Tokenized(row["id"], np.array(rendered.tokens[:max_tokens], np.int32), mask))
    if not sequences:
        raise UserError("no conversation has a supervised token left", where=str(path), cure="Raise prepare.max_tokens")
    return sequences


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


@dataclass(frozen=True)
class Rows:
    """The rows of one batch, each a list of indices of examples, and their common width in tokens."""

    width: int
    rows: list[list[int]]


def plan_epoch(sequences: Sequence[Tokenized], layout: Layout, seed: int, epoch: int) -> list[Rows]:
    """The batches of one epoch; the same arguments give the same plan, so a run can go on inside it.

    Packed, items are shuffled within classes of similar length so that rows differ between epochs; unpacked, neighbours
    in length share a batch. The order of the batches is drawn anew each epoch.
    """
    random = np.random.default_rng([seed, epoch])
    lengths = np.array([len(s) for s in sequences])
    jitter = random.permutation(len(sequences))
    if layout.packing:
        batches = _packed(lengths, np.lexsort((jitter, -(lengths // PAD_TO))), layout, random)
    else:
        order = np.lexsort((jitter, lengths)).tolist()
        groups = [order[i : i + layout.batch_size] for i in range(0, len(order), layout.batch_size)]
        batches = [Rows(round_up(int(lengths[group].max())), [[item] for item in group]) for group in groups]
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


def make_batch(sequences: Sequence[Tokenized], rows: Rows) -> Batch:
    """Lay rows of examples side by side."""
    tokens, segments, mask = (np.zeros((len(rows.rows), rows.width), np.int32) for _ in range(3))
    for line, row in enumerate(rows.rows):
        start = 0
        for number, item in enumerate(row, 1):
            end = start + len(sequences[item])
            tokens[line, start:end] = sequences[item].tokens
            mask[line, start:end] = sequences[item].mask
            mask[line, start] = 0  # nothing before it could have predicted it
            segments[line, start:end] = number
            start = end
    return Batch(tokens, segments, mask, tuple(sequences[i].id for row in rows.rows for i in row))


def training_batches(sequences: Sequence[Tokenized], layout: Layout, seed: int, epoch: int, position: int) -> Iterator[tuple[int, int, Batch]]:
    """Endless `(epoch, position, batch)` from the given place on; `position` counts the batches of an epoch."""
    while True:
        plan = plan_epoch(sequences, layout, seed, epoch)
        for place in range(position, len(plan)):
            yield epoch, place, make_batch(sequences, plan[place])
        epoch, position = epoch + 1, 0


def validation_batches(sequences: Sequence[Tokenized], layout: Layout) -> list[Batch]:
    """All sequences once, always in the same batches."""
    return [make_batch(sequences, rows) for rows in plan_epoch(sequences, layout, 0, 0)]
