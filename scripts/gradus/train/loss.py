"""The loss of a batch: logits are computed at supervised positions only, since the others are not asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gradus.backend import cpu_streams, mx, nn, on_streams
from gradus.layout import padded_positions
from gradus.train.data import Batch, pieces
from gradus.train.group import ALONE, Group
from gradus.train.objectives import Objectives
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
    positions = np.zeros(padded_positions(len(found), batch.mask.size), np.int32)
    positions[: len(found)] = found
    weights = np.zeros(len(positions), np.float32)
    weights[: len(found)] = 1.0
    targets = batch.tokens[:, 1:].reshape(-1)[positions]
    return Arrays(*map(mx.array, (batch.tokens, batch.segments, positions, targets, weights)))


def parts(batch: Batch) -> list[Arrays]:
    """The batch cut by rows into a part for each CPU stream; whole on a GPU."""
    return [arrays(piece) for piece in pieces(batch, len(cpu_streams()) or 1)]


@dataclass(frozen=True)
class Forward:
    """How a model is run on a batch: with isolated segments or not, and with its head at supervised positions only or not."""

    packed: bool
    split_head: bool
    objectives: Objectives = field(default_factory=Objectives)

    def logits(self, model: nn.Module, batch: Arrays) -> mx.array:
        """Logits `(positions, vocabulary)`."""
        cache = [SegmentMask(batch.segments[:, :-1])] * len(model.layers) if self.packed else None
        inputs = batch.tokens[:, :-1]
        if self.split_head:
            hidden = model.model(inputs, cache=cache)
            return _head(model, hidden.reshape(-1, hidden.shape[-1])[batch.positions])
        logits = model(inputs, cache=cache)
        return logits.reshape(-1, logits.shape[-1])[batch.positions]

    def terms(self, model: nn.Module, batch: Arrays) -> dict[str, mx.array]:
        """The terms of the objective, unweighted, summed over supervised tokens, in nats."""
        teacher = self.objectives.teacher
        told = None if teacher is None else mx.stop_gradient(self.logits(teacher, batch).astype(mx.float32))
        return self.objectives.terms(self.logits(model, batch).astype(mx.float32), told, batch.targets, batch.weights)

    def loss(self, model: nn.Module, batch: Arrays) -> tuple[mx.array, mx.array]:
        """What is minimised, summed over supervised tokens, in nats, and their number: cross-entropy unless configured otherwise."""
        return self.objectives.total(self.terms(model, batch)), batch.weights.sum()


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


def mean_terms(model: nn.Module, batches: list[Batch], forward: Forward, group: Group = ALONE) -> dict[str, float]:
    """Each term of the objective per supervised token over all batches of all processes, in nats, without dropout."""
    model.eval()
    sums: dict[str, float] = {}
    count = 0.0
    for batch in batches:
        results = on_streams(lambda part: (forward.terms(model, part), part.weights.sum()), parts(batch))
        mx.eval(results)
        for terms, tokens in results:
            count += tokens.item()
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value.item()
    model.train()
    count, *values = group.sums([count, *sums.values()])
    return {name: value / count for name, value in zip(sums, values, strict=True)}


def mean_loss(model: nn.Module, batches: list[Batch], forward: Forward) -> float:
    """The objective per supervised token over all batches, in nats, without dropout."""
    return forward.objectives.weighted(mean_terms(model, batches, forward))
