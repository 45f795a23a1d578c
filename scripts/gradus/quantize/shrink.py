"""Round the weights of a model to few bits, through mlx-lm, and say which layers were left."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gradus.backend import nn, tree_flatten
from gradus.errors import UserError

Predicate = Callable[[str, nn.Module], bool | dict[str, Any]]


@dataclass(frozen=True)
class LeftLayer:
    """A layer that could hold quantized weights and does not."""

    name: str
    width: int
    reason: str


@dataclass(frozen=True)
class Layers:
    """How many layers are quantized, with how many bits, and which were left."""

    quantized: int
    by_bits: dict[str, int]
    left: tuple[LeftLayer, ...]


def shrink(
    model: nn.Module, config: dict[str, Any], *, bits: int, group_size: int, predicate: Predicate | None = None
) -> tuple[nn.Module, dict[str, Any]]:
    """Quantize a model in place.

    Args:
        config: the model's configuration; a copy with the quantization in it is returned.
        group_size: weights that share a scale and an offset; a layer whose width is no multiple of it is left as it is.
        predicate: says of a layer whether, or how, it is quantized; by default all are, with `bits`.

    Raises:
        UserError: when no layer can be quantized with that group size.
    """
    from mlx_lm.utils import quantize_model

    widths = sorted({layer.weight.shape[-1] for _, layer in able_layers(model)})
    if all(width % group_size for width in widths):
        what = f"no layer can be quantized, their widths are {', '.join(map(str, widths))}"
        raise UserError(what, where="quantize.group_size", cure="Take a group size that divides them")
    with quiet():
        return quantize_model(model, config, group_size, bits, quant_predicate=predicate)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep mlx-lm's own messages and progress bars off the screen."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def able_layers(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The layers, with their names, that could be quantized and are not."""
    return [(name, module) for name, module in model.named_modules() if hasattr(module, "to_quantized")]


def layers_of(model: nn.Module, group_size: int | None) -> Layers:
    """What became of the layers of a quantized model; `group_size` is None when it was quantized elsewhere."""
    bits = [str(module.bits) for _, module in model.named_modules() if "scales" in module and hasattr(module, "bits")]
    left = tuple(_left(name, module.weight.shape[-1], group_size) for name, module in able_layers(model))
    return Layers(len(bits), {name: bits.count(name) for name in sorted(set(bits))}, left)


def _left(name: str, width: int, group_size: int | None) -> LeftLayer:
    if group_size is None:
        return LeftLayer(name, width, "it was not quantized before")
    return LeftLayer(name, width, f"its width is no multiple of {group_size}" if width % group_size else "the model's architecture keeps it")


def bits_per_weight(model: nn.Module) -> float:
    """Mean bits a parameter takes in memory, scales and offsets included."""
    from mlx_lm.utils import get_total_parameters

    return 8 * sum(value.nbytes for _, value in tree_flatten(model.parameters())) / get_total_parameters(model)
