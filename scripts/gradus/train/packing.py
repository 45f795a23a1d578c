"""Several examples in one row of unmodified mlx-lm models, isolated from each other."""

from __future__ import annotations

import math

import numpy as np

from gradus.backend import mx, nn
from gradus.errors import UserError


class SegmentMask:
    """Stands in for a key-value cache, to hand mlx-lm's unmodified models a block-diagonal causal mask.

    Models ask their first cache for the attention mask and pass keys and values through it. This one returns them as
    they are and makes a mask in which a token sees the earlier tokens of its own segment only. Rotary positions need no
    reset at a segment's start, since they act through differences.
    """

    offset = 0

    def __init__(self, segments: mx.array) -> None:
        self.segments = segments

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        """Keys and values unchanged: nothing is cached in training."""
        return keys, values

    def make_mask(self, length: int, return_array: bool = False, window_size: int | None = None) -> mx.array:
        """Boolean mask `(rows, 1, length, length)`, true where attention is allowed."""
        same = self.segments[:, :, None] == self.segments[:, None, :]
        places = mx.arange(length)
        distance = places[:, None] - places[None, :]
        allowed = distance >= 0
        if window_size is not None:
            allowed = allowed & (distance < window_size)
        return (same & allowed)[:, None]


def check_isolation(model: nn.Module, vocabulary: int) -> None:
    """Prove on a probe that a packed example gets the logits that it gets alone.

    Raises:
        UserError: when it does not, as in models whose layers carry a recurrent state across segments.
    """
    cure = "Set train.packing=false for this model"
    probe = np.random.default_rng(0).integers(0, min(vocabulary, 500), (1, 24))
    segments = mx.array([[1] * 11 + [2] * 13])
    try:
        packed = model(mx.array(probe), cache=[SegmentMask(segments)] * len(model.layers))
    except (AttributeError, TypeError, IndexError, ValueError) as error:
        raise UserError(f"this architecture cannot be packed ({error})", where="train.packing", cure=cure) from error
    alone = mx.concatenate([model(mx.array(probe[:, :11])), model(mx.array(probe[:, 11:]))], axis=1)
    seen, unmasked = _distance(packed, alone), _distance(model(mx.array(probe)), alone)
    if math.isnan(unmasked):
        return  # the model gives no numbers, packed or not: the first validation tells
    # In 16 bits the rotation of positions is so coarse that the same words further on give logits some percent apart.
    if not seen <= (1e-3 if alone.dtype == mx.float32 else 0.1) * unmasked:
        what = f"packed examples see each other in this architecture (logits differ by {seen:.2g}, without any mask by {unmasked:.2g})"
        raise UserError(what, where="train.packing", cure=cure)


def _distance(one: mx.array, other: mx.array) -> float:
    return float(mx.abs(one.astype(mx.float32) - other.astype(mx.float32)).mean().item())
