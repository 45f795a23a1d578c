"""Gradient checkpointing: a layer keeps only its inputs for the backward pass, and computes the rest again (Chen et al. 2016)."""

from __future__ import annotations

from typing import Any

from gradus.backend import mx, nn, tree_flatten, tree_unflatten


class Keys:
    """Random keys one after the other: the same ones again from the same `state`."""

    state: mx.array

    def draw(self) -> mx.array:
        """The next key."""
        self.state, key = mx.random.split(self.state)
        return key


class SteadyDropout(nn.Module):
    """`nn.Dropout` with keys of its own: MLX's draws other masks when a layer is computed again, and so gives a wrong gradient."""

    def __init__(self, dropout: float, keys: Keys) -> None:
        super().__init__()
        self.kept, self.keys = 1 - dropout, keys

    def __call__(self, x: mx.array) -> mx.array:
        return (mx.random.bernoulli(self.kept, x.shape, self.keys.draw()) * x) * (1 / self.kept) if self.training else x


def checkpoint_layers(model: nn.Module, dropout: float = 0.0) -> None:
    """Keep only the inputs of the layers for the backward pass, and compute the rest again, with the same masks of dropout.

    A layer hands its input's gradient down only when the gradients of its own weights are there. Without that MLX leaves
    those to the end, and what they are computed from, of all layers, stays in memory: with adapters nearly as much as
    without checkpointing.

    Args:
        dropout: of the adapters.
    """
    kind = type(model.layers[0])
    plain = kind.__call__
    keys = Keys()
    dropouts = _steady_dropouts(model, dropout, keys) if dropout else []

    def checkpointed(layer: nn.Module, x: mx.array, *args: Any, **kwargs: Any) -> mx.array:
        names = [name for name, _ in tree_flatten(layer.trainable_parameters())]
        start = mx.random.randint(0, 1 << 31, (2,), mx.uint32) if any(one.training for one in dropouts) else None

        def run(x: mx.array, *weights: mx.array) -> mx.array:
            keys.state = start
            layer.update(tree_unflatten(list(zip(names, weights, strict=True))))
            return plain(layer, x, *args, **kwargs)

        def backward(primals: Any, cotangent: mx.array, _output: mx.array) -> tuple[mx.array, ...]:
            inputs = mx.depends(list(primals) if names else [primals], [cotangent])
            _, (down, *gradients) = mx.vjp(run, inputs, [cotangent])
            layer.update(tree_unflatten(list(zip(names, primals[1:] if names else (), strict=True))))
            return (*mx.depends([down], gradients), *gradients) if gradients else (down,)

        again = mx.custom_function(run)
        again.vjp(backward)
        return again(x, *(value for _, value in tree_flatten(layer.trainable_parameters())))

    kind.__call__ = checkpointed


def _steady_dropouts(model: nn.Module, dropout: float, keys: Keys) -> list[SteadyDropout]:
    """Put them in the place of the adapters' own."""
    made = []
    for module in model.modules():
        if isinstance(module.get("dropout"), nn.Dropout):
            module.dropout = SteadyDropout(dropout, keys).train(module.training)
            made.append(module.dropout)
    return made
