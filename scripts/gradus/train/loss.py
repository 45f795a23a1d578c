"""The loss of a batch: logits are computed at supervised positions only, since the others are not asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gradus.backend import cpu_streams, mx, nn, on_streams
from gradus.train.data import Batch
from gradus.train.packing import SegmentMask


class Arrays(NamedTuple):
    """A batch for the loss. `positions` are flat indices into `(rows, length - 1)` of the places whose next token is
    supervised, `targets` those next tokens, `weights` 1.0 for each, or 0.0 where the list was filled up.
    """

    tokens: mx.array
    segments: mx.array
    positions: mx.array
    targets: mx.array
    weights: mx.array


def arrays(batch: Batch) -> Arrays:
    """A batch as MLX arrays. The number of positions is rounded up to a sixteenth of the batch, for few compiled shapes."""
    found = np.flatnonzero(batch.mask[:, 1:])
    step = max(batch.mask.size // 16, 1)
    positions = np.zeros(max(-(-len(found) // step) * step, step), np.int32)
    positions[: len(found)] = found
    weights = np.zeros(len(positions), np.float32)
    weights[: len(found)] = 1.0
    targets = batch.tokens[:, 1:].reshape(-1)[positions]
    return Arrays(*map(mx.array, (batch.tokens, batch.segments, positions, targets, weights)))


def parts(batch: Batch) -> list[Arrays]:
    """The batch cut by rows into a part for each CPU stream; whole on a GPU."""
    lines = np.array_split(np.arange(len(batch.tokens)), min(len(cpu_streams()) or 1, len(batch.tokens)))
    return [arrays(Batch(batch.tokens[i], batch.segments[i], batch.mask[i], ())) for i in lines]


@dataclass(frozen=True)
class Forward:
    """How a model is run on a batch: with isolated segments or not, and with its head at supervised positions only or not."""

    packed: bool
    split_head: bool

    def logits(self, model: nn.Module, batch: Arrays) -> mx.array:
        """Logits `(positions, vocabulary)`."""
        cache = [SegmentMask(batch.segments[:, :-1])] * len(model.layers) if self.packed else None
        inputs = batch.tokens[:, :-1]
        if self.split_head:
            hidden = model.model(inputs, cache=cache)
            return _head(model, hidden.reshape(-1, hidden.shape[-1])[batch.positions])
        logits = model(inputs, cache=cache)
        return logits.reshape(-1, logits.shape[-1])[batch.positions]

    def loss(self, model: nn.Module, batch: Arrays) -> tuple[mx.array, mx.array]:
        """Summed cross-entropy over supervised tokens, in nats, and their number."""
        losses = nn.losses.cross_entropy(self.logits(model, batch).astype(mx.float32), batch.targets)
        return (losses * batch.weights).sum(), batch.weights.sum()


def _head(model: nn.Module, hidden: mx.array) -> mx.array:
    return model.lm_head(hidden) if "lm_head" in model else model.model.embed_tokens.as_linear(hidden)


def can_split_head(model: nn.Module) -> bool:
    """Whether body and head of the model, run apart, give the logits of the whole; asked of a probe, not of a name.

    Models that scale or cap their logits, or that are built otherwise, fail it and are run whole.
    """
    probe = mx.array([[1, 2, 3, 4]])
    try:
        apart = _head(model, model.model(probe))
    except (AttributeError, TypeError, KeyError):
        return False
    whole = model(probe)
    return apart.shape == whole.shape and bool(mx.allclose(apart, whole, rtol=1e-4, atol=1e-4).item())


def mean_loss(model: nn.Module, batches: list[Batch], forward: Forward) -> float:
    """Mean loss per supervised token over all batches, in nats, without dropout."""
    model.eval()
    total, count = 0.0, 0.0
    for batch in batches:
        results = on_streams(lambda part: forward.loss(model, part), parts(batch))
        mx.eval(results)
        total += sum(loss.item() for loss, _ in results)
        count += sum(tokens.item() for _, tokens in results)
    model.train()
    return total / count
