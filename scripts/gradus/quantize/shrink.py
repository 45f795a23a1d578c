"""Round the weights of a model to few bits, through mlx-lm, and say which layers were left."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import Any

from gradus.backend import nn, tree_flatten
from gradus.errors import UserError


@dataclass(frozen=True)
class LeftLayer:
    """A layer that could hold quantized weights and does not."""

    name: str
    width: int
    reason: str


@dataclass(frozen=True)
class Layers:
    """How many layers were quantized, and which were left."""

    quantized: int
    left: tuple[LeftLayer, ...]


def shrink(model: nn.Module, config: dict[str, Any], *, bits: int, group_size: int) -> tuple[nn.Module, dict[str, Any], Layers]:
    """Quantize a model in place.

    Args:
        config: the model's configuration; a copy with the quantization in it is returned.
        group_size: weights that share a scale and an offset; a layer whose width is no multiple of it is left as it is.

    Raises:
        UserError: when no layer can be quantized with that group size.
    """
    from mlx_lm.utils import quantize_model

    able = [name for name, module in model.named_modules() if hasattr(module, "to_quantized")]
    with contextlib.redirect_stdout(io.StringIO()):  # mlx-lm prints the bits per weight
        model, config = quantize_model(model, config, group_size, bits)
    modules = dict(model.named_modules())
    left = tuple(_left(name, modules[name], group_size) for name in able if hasattr(modules[name], "to_quantized"))
    if len(left) == len(able):
        widths = ", ".join(sorted({str(layer.width) for layer in left}))
        what = f"no layer can be quantized, their widths are {widths}"
        raise UserError(what, where="quantize.group_size", cure="Take a group size that divides them")
    return model, config, Layers(len(able) - len(left), left)


def layers_of(model: nn.Module) -> Layers:
    """The layers of a model that was quantized before."""
    modules = model.named_modules()
    left = tuple(LeftLayer(name, m.weight.shape[-1], "it was not quantized before") for name, m in modules if hasattr(m, "to_quantized"))
    return Layers(sum("scales" in module for _, module in modules), left)


def _left(name: str, module: nn.Module, group_size: int) -> LeftLayer:
    width = module.weight.shape[-1]
    reason = f"its width is no multiple of {group_size}" if width % group_size else "the model's architecture keeps it"
    return LeftLayer(name, width, reason)


def bits_per_weight(model: nn.Module) -> float:
    """Mean bits a parameter takes in memory, scales and offsets included."""
    from mlx_lm.utils import get_total_parameters

    return 8 * sum(value.nbytes for _, value in tree_flatten(model.parameters())) / get_total_parameters(model)
