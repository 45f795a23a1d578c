"""The cross-entropy of next tokens, written so that it is fast on a CPU too."""

from __future__ import annotations

import math

from gradus.backend import device_name, mx, nn


def cross_entropy(logits: mx.array, targets: mx.array) -> mx.array:
    """Negative log-likelihood of each target, in nats, with the shape of `targets`; logits are `(*targets.shape, vocabulary)`.

    MLX's own takes the exponentials of all logits twice, once more for the gradient, and on a CPU its `exp` takes 12 ns
    a number, its `power` 5. Here they are taken once and kept, which on a GPU would only cost memory.
    """
    if device_name() != "cpu":
        return nn.losses.cross_entropy(logits, targets)
    highest = mx.stop_gradient(logits.max(axis=-1, keepdims=True))  # it cancels out, and keeps the powers below 1
    total = mx.power(mx.array(math.e, logits.dtype), logits - highest).sum(axis=-1)
    told = mx.take_along_axis(logits, targets[..., None], axis=-1)
    return mx.log(total) - (told - highest).squeeze(-1)
