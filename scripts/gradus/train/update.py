"""One micro-batch: its gradient is added to what is pending, and when an update is due, the optimizer takes it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from gradus.backend import mx, nn, on_streams, optimizers, tree_map
from gradus.config.schema import Train
from gradus.train.group import ALONE, Group
from gradus.train.loss import Arrays, Forward

Step = Callable[[list[Arrays], Any, bool], tuple[mx.array, mx.array, Any]]


def make_step(model: nn.Module, optimizer: optimizers.Optimizer, train: Train, forward: Forward, group: Group = ALONE) -> Step:
    """One compiled micro-batch: add its gradient to what is pending and, when due, apply the update.

    Gradients are of the summed loss and are divided by the number of supervised tokens of the whole update, so that
    every token weighs the same however the micro-batches fell, and in whichever process.
    """
    gradient_of = nn.value_and_grad(model, forward.loss)
    state = [model.state, optimizer.state, mx.random.state]

    @partial(mx.compile, inputs=state, outputs=state)
    def step(batch: list[Arrays], pending: Any, update: bool) -> tuple[mx.array, mx.array, Any]:
        results = on_streams(lambda part: gradient_of(model, part), batch)
        loss, count = sum(r[0][0] for r in results), sum(r[0][1] for r in results)
        total, gradient = count, _add([r[1] for r in results])
        if pending is not None:
            gradient, total = _add([gradient, pending[0]]), count + pending[1]
        if not update:
            return loss, count, (gradient, total)
        total = group.sum(total)
        gradient = group.sum_gradients(gradient, total)
        gradient = tree_map(lambda g: g / mx.maximum(total, 1), gradient)
        if train.max_grad_norm:
            gradient, _ = optimizers.clip_grad_norm(gradient, train.max_grad_norm)
        optimizer.update(model, gradient)
        return loss, count, None

    return step


def _add(gradients: list[Any]) -> Any:
    return gradients[0] if len(gradients) == 1 else tree_map(lambda *values: sum(values), *gradients)
