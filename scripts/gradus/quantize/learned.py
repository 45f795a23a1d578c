"""Recipes that learn from data how to round, through mlx-lm: dynamic, gptq, awq, dwq.

Sources: GPTQ arXiv 2210.17323, AWQ arXiv 2306.00978; dynamic and dwq (distilled weight quantization) are mlx-lm's own.
"""

from __future__ import annotations

import copy
from typing import Any

from gradus.backend import mx, nn, optimizers, tree_flatten
from gradus.config.delivery import Quantize
from gradus.errors import UserError
from gradus.quantize.calibration import Data
from gradus.quantize.shrink import able_layers, bits_per_weight, quiet, shrink

Made = tuple[nn.Module, dict[str, Any]]


def dynamic(model: nn.Module, config: dict[str, Any], bits: tuple[int, ...], data: Data, settings: Quantize) -> Made:
    """Lower bits everywhere but in the layers whose rounding the loss feels most; `quantize.dynamic_share` sets how many."""
    from mlx_lm.quant.dynamic_quant import estimate_sensitivities, estimate_threshold

    (low, high), group = bits, settings.group_size
    _all_must_fit(model, group, f"dynamic_{low}_{high}")
    sizes = [bits_per_weight(shrink(copy.deepcopy(model), config, bits=count, group_size=group)[0]) for count in (low, high)]
    target = sizes[0] + settings.dynamic_share * (sizes[1] - sizes[0])
    with quiet():
        sensitivities = dict(estimate_sensitivities(model, mx.array(data.rows), low, group, high, group))
        threshold = estimate_threshold(model, sensitivities, target, low, group, high, group)

    def predicate(path: str, _module: nn.Module) -> bool | dict[str, Any]:
        return {"bits": high, "group_size": group} if sensitivities.get(path, threshold) > threshold else True

    return shrink(model, config, bits=low, group_size=group, predicate=predicate)


def gptq(model: nn.Module, config: dict[str, Any], bits: tuple[int, ...], data: Data, settings: Quantize) -> Made:
    """Round column by column and let the columns to come make up for the error; other layers get `gptq_other_bits`."""
    from mlx_lm.quant.gptq import gptq_quantize

    _all_must_fit(model, settings.group_size, f"gptq_{bits[0]}")
    with quiet():
        model, quantization = gptq_quantize(model, mx.array(data.rows), bits[0], settings.group_size, settings.gptq_other_bits, settings.group_size)
    return model, config | {"quantization": quantization}


def awq(model: nn.Module, config: dict[str, Any], bits: tuple[int, ...], data: Data, settings: Quantize) -> Made:
    """Scale and clip weights by how strongly their inputs act before they are rounded."""
    from mlx_lm.quant.awq import AWQ_MODEL_CONFIGS, awq_quantize, update_config

    kind, group = config["model_type"], settings.group_size
    if kind not in AWQ_MODEL_CONFIGS:
        what = f"mlx-lm's awq knows no model of type {kind}, it knows {', '.join(AWQ_MODEL_CONFIGS)}"
        raise UserError(what, where="quantize.recipes", cure=f"Take gptq_4 or dwq_4 in place of awq_{bits[0]}")
    _all_must_fit(model, group, f"awq_{bits[0]}")
    with quiet():
        awq_quantize(model, mx.array(data.rows), AWQ_MODEL_CONFIGS[kind], group, bits[0], group, bits[0])
        made = update_config(model, copy.deepcopy(config))
    made["quantization"] |= {"bits": bits[0], "group_size": group}  # mlx-lm puts fixed numbers there
    return model, made


def dwq(model: nn.Module, config: dict[str, Any], bits: tuple[int, ...], data: Data, settings: Quantize) -> Made:
    """Round, then train scales and offsets until the rounded model predicts as the unquantized one does."""
    from mlx_lm.quant.dwq import dwq_quantize

    student, made = shrink(copy.deepcopy(model), config, bits=bits[0], group_size=settings.group_size)
    size = settings.dwq.batch_size
    if len(data.rows) < 2 * size:
        what = f"{len(data.rows)} calibration sequences make no two batches of {size}"
        raise UserError(what, where="quantize.dwq.batch_size", cure="Lower it, or raise quantize.calibration.sequences")
    rows = [(list(row), 0) for row in data.rows]
    kind = next(value.dtype for name, value in tree_flatten(student.parameters()) if name.endswith("scales"))
    with quiet():
        dwq_quantize(
            student, lambda batch, _index, split: model(batch), optimizers.Adam(settings.dwq.learning_rate, bias_correction=True),
            rows[size:] * settings.dwq.epochs, rows[:size], batch_size=size, max_seq_length=len(data.rows[0]), seed=data.seed, dtype=kind,
        )  # fmt: skip
    student.eval()
    return student, made


def _all_must_fit(model: nn.Module, group_size: int, recipe: str) -> None:
    """mlx-lm's programs fail within a layer that the group size does not divide, where plain rounding leaves it out."""
    for name, layer in able_layers(model):
        if (width := layer.weight.shape[-1]) % group_size:
            what = f"{recipe} needs layers whose widths are multiples of it, {name} is {width} wide"
            raise UserError(what, where="quantize.group_size", cure="Take a smaller one, or a recipe that leaves such layers out, say 4")
