"""How the training examples will be laid into batches, and about how long training will take."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.backend import mx, on_streams
from gradus.config import Config
from gradus.layout import Layout, Rows, padded_positions, plan_epoch, round_up


@dataclass(frozen=True)
class Plan:
    """The first epoch as it will be trained, beside what stock mlx-lm makes of the same file."""

    batches: int
    """Micro-batches an epoch."""
    epochs: float
    """That `train.iterations` make."""
    padding: float
    """Share of the places in the batches that hold no token."""
    stock_padding: float
    """The same for stock mlx-lm 0.32: batches in the order of the file, padded to the longest, rounded up to 32."""
    shapes: int
    """Different shapes of a batch that are compiled, the number of places with logits among them."""
    stock_shapes: int


def make_plan(tokens: Sequence[int], supervised: Sequence[int], config: Config) -> Plan:
    """The plan of examples with so many tokens, so many of them supervised; those without a supervised one are left out."""
    train, limit = config.train, config.prepare.max_tokens
    kept = [(t, s) for t, s in zip(tokens, supervised, strict=True) if s]
    lengths = [t for t, _ in kept]
    epoch = plan_epoch(lengths, layout_of(config), config.run.seed, 0)
    places = sum(len(batch.rows) * batch.width for batch in epoch)
    stock = [(size, min(round_up(max(lengths[i : i + size])) + 1, limit)) for size, i in _stock(len(lengths), train.batch_size)]
    used = sum(lengths[: sum(size for size, _ in stock)])
    return Plan(
        batches=len(epoch),
        epochs=round(train.iterations / len(epoch), 2),
        padding=round(1 - sum(lengths) / places, 4),
        stock_padding=round(1 - used / sum(size * width for size, width in stock), 4),
        shapes=len({_shape(batch, [s for _, s in kept]) for batch in epoch}),
        stock_shapes=len(set(stock)),
    )


def layout_of(config: Config) -> Layout:
    """The configured layout."""
    return Layout(config.train.batch_size, config.train.packing, config.train.row_tokens, config.prepare.max_tokens)


def _stock(examples: int, batch_size: int) -> list[tuple[int, int]]:
    """(size, first example) of stock's batches, which leave out the examples that fill no batch."""
    size = min(batch_size, examples)
    return [(size, start) for start in range(0, examples - size + 1, size)]


def _shape(batch: Rows, supervised: Sequence[int]) -> tuple[int, int, int]:
    size = len(batch.rows) * batch.width
    return len(batch.rows), batch.width, padded_positions(sum(supervised[i] for row in batch.rows for i in row), size)


def expected_seconds(model_folder: Path, tokens: Sequence[int], config: Config) -> float:
    """About how long `train.iterations` will take on this machine, validation apart: an estimate from forward passes.

    The commonest batch shape of an epoch is run through the base model, once to warm up and three times for the median.
    """
    from gradus.models import load_model

    model, tokenizer = load_model(model_folder)
    epoch = plan_epoch(tokens, layout_of(config), config.run.seed, 0)
    rows, width = Counter((len(batch.rows), batch.width) for batch in epoch).most_common(1)[0][0]
    batch = mx.random.randint(0, min(len(tokenizer.get_vocab()), 500), (rows, width))
    parts = [batch[i : i + 1] for i in range(rows)]
    passes = [_timed(model, parts) for _ in range(4)][1:]
    mean_places = sum(len(b.rows) * b.width for b in epoch) / len(epoch)
    return config.train.iterations * forward_passes(config) * statistics.median(passes) * mean_places / (rows * width)


def forward_passes(config: Config) -> int:
    """How many forward passes an iteration costs: itself, the backward pass twice as much (Kaplan 2020, arXiv 2001.08361, 2.1;
    with adapters less, which the optimizer and the loss about make up for), and another one with checkpointing.
    """
    return 3 + config.train.gradient_checkpointing


def _timed(model: Any, parts: Sequence[mx.array]) -> float:
    start = time.perf_counter()
    mx.eval(on_streams(model, parts))
    return time.perf_counter() - start
