"""Put the adapter's change into the base's weights, through the `fuse` of mlx-lm's own layers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from gradus.backend import mx, nn, tree_flatten, tree_unflatten
from gradus.compare import save_model
from gradus.models import load_with_config

log = logging.getLogger(__name__)


def write_fused(base: Path, adapter: Path, folder: Path, *, dequantize: bool) -> int:
    """Write base and adapter as one model folder.

    Args:
        dequantize: write the whole model in the floating-point type of its scales instead of the base's bits.

    Returns:
        The number of layers that had an adapter; 0 after full training, whose weights replace the base's.
    """
    model, tokenizer, config = load_with_config(base, adapter)
    adapted = [(name, module) for name, module in model.named_modules() if hasattr(module, "fuse")]
    if adapted:
        model.update_modules(tree_unflatten([(name, _fused(module, dequantize)) for name, module in adapted]))
    if dequantize:
        model = _without_quantization(model, config)
    save_model(folder, base, model, tokenizer, config)
    return len(adapted)


def _fused(module: nn.Module, dequantize: bool) -> nn.Module:
    """The plain layer with the adapter in its weights, in the floating-point type of the layer it stands for.

    DoRA's magnitudes are float32 and would turn a bfloat16 layer into float32.
    """
    fused = module.fuse(dequantize=dequantize)
    kind = _float_type(getattr(module, "linear", None) or getattr(module, "embedding", None))
    if kind is not None:
        fused.set_dtype(kind)
    return fused


def _float_type(layer: nn.Module | None) -> mx.Dtype | None:
    values = tree_flatten(layer.parameters()) if layer is not None else []
    return next((value.dtype for _, value in values if mx.issubdtype(value.dtype, mx.floating)), None)


def _without_quantization(model: nn.Module, config: dict[str, Any]) -> nn.Module:
    from mlx_lm.utils import dequantize_model

    for key in ("quantization", "quantization_config"):
        config.pop(key, None)
    return dequantize_model(model)
