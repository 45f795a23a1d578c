"""The order of the first epoch: from easy to hard by a named measure (Bengio et al. 2009)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gradus.backend import mx, nn
from gradus.errors import UserError
from gradus.files import read_json, write_json
from gradus.layout import Layout, plan_epoch
from gradus.train.data import Tokenized, make_batch
from gradus.train.loss import Forward, arrays


def curriculum_stages(measure: str, count: int, sequences: Sequence[Tokenized], model: nn.Module, forward: Forward, folder: Path) -> list[list[int]]:
    """Indices of the examples in `count` groups of about equal size, easy first; empty for the measure `none`.

    Args:
        measure: `length` (tokens), `loss` (mean loss under the model as it is now) or `quality` (1 - quality score).
        folder: where measured losses are kept, so that a resumed run has the same order without measuring again.

    Raises:
        UserError: when the data carries no quality score.
    """
    if measure == "none":
        return []
    if measure == "quality" and any(s.quality is None for s in sequences):
        cure = "Run 03_curate and what follows, or take another measure"
        raise UserError("the training data carries no quality score", where="train.curriculum", cure=cure)
    if measure == "loss":
        difficulty = _losses(sequences, model, forward, folder / "difficulty.json")
    else:
        difficulty = [len(s) if measure == "length" else -(s.quality or 0.0) for s in sequences]
    order = sorted(range(len(sequences)), key=lambda i: (difficulty[i], sequences[i].id))
    return [stage.tolist() for stage in np.array_split(np.array(order), min(count, len(order)))]


def _losses(sequences: Sequence[Tokenized], model: nn.Module, forward: Forward, cache: Path) -> list[float]:
    """Mean loss of each example's supervised tokens, in nats, eight examples of similar length at a time."""
    if cache.exists():
        return [float(value) for value in read_json(cache)]
    losses = np.zeros(len(sequences))
    plain = Forward(packed=False, split_head=forward.split_head)
    model.eval()
    for rows in plan_epoch([len(s) for s in sequences], Layout(8, False, 0, 0), 0, 0):
        batch = arrays(make_batch(sequences, rows))
        values = nn.losses.cross_entropy(plain.logits(model, batch).astype(mx.float32), batch.targets) * batch.weights
        lines = np.array(batch.positions) // (rows.width - 1)
        sums = np.bincount(lines, np.array(values), len(rows.rows))
        losses[[row[0] for row in rows.rows]] = sums / np.bincount(lines, np.array(batch.weights), len(rows.rows))
    model.train()
    write_json(cache, losses.tolist())
    return [float(value) for value in losses]
