"""Conversations as rows of tokens: several examples a row, isolated from each other, or one a row.

A *row* is a list of examples that share one line of a batch. A batch holds, for each position, the token, the
number of its segment (1, 2, … within the row; 0 is padding) and whether it is supervised.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gradus.chat import render
from gradus.errors import UserError
from gradus.files import iter_jsonl
from gradus.layout import Layout, Rows, plan_epoch


@dataclass(frozen=True)
class Tokenized:
    """One conversation: int32 `tokens` and a `mask` of the same length (1 = supervised)."""

    id: str
    tokens: np.ndarray
    mask: np.ndarray
    quality: float | None = None

    def __len__(self) -> int:
        return len(self.tokens)


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
        UserError: for a line that is no conversation, and when none with a supervised token is left.
    """

    def tokenized(row: dict[str, Any]) -> Tokenized:
        rendered = render(tokenizer, row["messages"])
        tokens, mask = (np.array(part[:max_tokens], np.int32) for part in (rendered.tokens, rendered.mask))
        return Tokenized(row["id"], tokens, mask, row.get("quality"))

    sequences = [sequence for sequence in iter_jsonl(path, tokenized) if sequence.mask[1:].any()]
    if not sequences:
        raise UserError("no conversation has a supervised token left", where=str(path), cure="Raise prepare.max_tokens")
    return sequences


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


def pieces(batch: Batch, slices: int) -> list[Batch]:
    """The batch cut by rows into at most `slices` batches of equal size, the largest first."""
    lines = np.array_split(np.arange(len(batch.tokens)), min(slices, len(batch.tokens)))
    return [Batch(batch.tokens[i], batch.segments[i], batch.mask[i], batch.ids) for i in lines] if slices > 1 else [batch]


def training_batches(
    sequences: Sequence[Tokenized], layout: Layout, seed: int, epoch: int, position: int, stages: Sequence[Sequence[int]] = ()
) -> Iterator[tuple[int, int, Batch]]:
    """Endless `(epoch, position, batch)` from the given place on; `position` counts the batches of an epoch.

    With `stages`, groups of indices from easy to hard, the first epoch goes through them in that order.
    """
    lengths = [len(sequence) for sequence in sequences]
    while True:
        plan = plan_epoch(lengths, layout, seed, epoch) if epoch or not stages else staged_epoch(lengths, layout, seed, stages)
        for place in range(position, len(plan)):
            yield epoch, place, make_batch(sequences, plan[place])
        epoch, position = epoch + 1, 0


def staged_epoch(lengths: Sequence[int], layout: Layout, seed: int, stages: Sequence[Sequence[int]]) -> list[Rows]:
    """The first epoch of a curriculum: each stage laid out and shuffled by itself, one after the other."""
    plan = []
    for stage in stages:
        batches = plan_epoch([lengths[i] for i in stage], layout, seed, 0)
        plan += [Rows(batch.width, [[stage[i] for i in row] for row in batch.rows]) for batch in batches]
    return plan


def validation_batches(sequences: Sequence[Tokenized], layout: Layout) -> list[Batch]:
    """All sequences once, always in the same batches."""
    lengths = [len(sequence) for sequence in sequences]
    return [make_batch(sequences, rows) for rows in plan_epoch(lengths, layout, 0, 0)]
