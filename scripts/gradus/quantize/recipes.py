"""From a recipe's name to a quantized model: `4`, `mixed_4_6`, `gptq_4` ..."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradus.backend import mx, nn
from gradus.config.delivery import Quantize
from gradus.errors import UserError
from gradus.quantize.calibration import Data
from gradus.quantize.learned import Made, awq, dwq, dynamic, gptq
from gradus.quantize.shrink import shrink

LEARNED: dict[str, Callable[[nn.Module, dict[str, Any], tuple[int, ...], Data, Quantize], Made]] = {
    "dynamic": dynamic,
    "gptq": gptq,
    "awq": awq,
    "dwq": dwq,
}


def is_learned(recipe: str) -> bool:
    """Whether a recipe needs calibration data."""
    return recipe.partition("_")[0] in LEARNED


def cook(recipe: str, model: nn.Module, config: dict[str, Any], settings: Quantize, data: Data) -> Made:
    """Quantize a model by a recipe, in place or as a copy.

    Args:
        config: the model's configuration; a copy with the quantization in it is returned.
        data: what to learn from; used by the learned recipes alone.

    Raises:
        UserError: when the recipe cannot be honoured for this model.
    """
    name, *numbers = recipe.split("_")
    if name.isdigit():
        return shrink(model, config, bits=int(name), group_size=settings.group_size)
    bits = tuple(map(int, numbers))
    if name == "mixed":
        return _mixed(recipe, model, config, bits, settings.group_size)
    mx.random.seed(data.seed)
    return LEARNED[name](model, config, bits, data, settings)


def _mixed(recipe: str, model: nn.Module, config: dict[str, Any], bits: tuple[int, ...], group_size: int) -> Made:
    from mlx_lm.convert import mixed_quant_predicate_builder

    try:
        predicate = mixed_quant_predicate_builder(recipe, model, group_size)
    except ValueError as error:
        what = f"{recipe} does not fit a model of type {config['model_type']} ({str(error).rstrip('.')})"
        raise UserError(what, where="quantize.recipes", cure=f"Take {bits[0]} or {bits[1]} bits in its place") from error
    return shrink(model, config, bits=bits[0], group_size=group_size, predicate=predicate)
