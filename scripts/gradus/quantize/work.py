"""The work of 11_quantize: quantize, load the result from disk, and compare it with the model it came from."""

from __future__ import annotations

import logging
import math
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gradus.backend import device_name
from gradus.compare import copy_model, equal_share, logit_difference, read_conversations, save_model
from gradus.errors import GradusError
from gradus.files import write_json
from gradus.models import load_with_config
from gradus.quantize.measure import Measured, measure
from gradus.quantize.shrink import Layers, layers_of, shrink
from gradus.step import StepContext, Summary

log = logging.getLogger(__name__)


def quantize(context: StepContext) -> Summary:
    """Work of step 11: `model/`, `quantization.json`, and `speed.json` with what differs from time to time.

    Raises:
        UserError: when no layer can be quantized. GradusError: when a model gives numbers that are none.
    """
    from mlx_lm.utils import load_tokenizer

    settings, max_tokens = context.config.quantize, context.config.prepare.max_tokens
    fused = context.input("10_fuse/model")
    conversations = read_conversations(context.input("05_prepare/valid.jsonl"), settings.questions, load_tokenizer(fused), max_tokens)
    layers, quantization, kept = _write(fused, context.out / "model", settings.bits, settings.group_size)
    before = measure(fused, conversations, settings, max_tokens)
    after = measure(context.out / "model", conversations, settings, max_tokens)
    for name, measured in (("fused", before), ("quantized", after)):
        if not math.isfinite(measured.figures.loss):
            cure = "Take more bits (quantize.bits) or another base: its floating-point type may be too narrow"
            raise GradusError(f"the {name} model gives numbers that are none (loss {measured.figures.loss})", where="11_quantize", cure=cure)
    write_json(context.out / "quantization.json", _record(layers, quantization, kept, before, after))
    write_json(context.out / "speed.json", _speed(before, after))
    return _summary(layers, quantization, kept, before, after)


def _write(source: Path, folder: Path, bits: int, group_size: int) -> tuple[Layers, dict[str, Any], bool]:
    """Write the quantized model; the layers, how they are quantized, and whether the model was so already."""
    model, tokenizer, config = load_with_config(source)
    kept = "quantization" in config
    if kept:
        log.warning("The fused model is quantized already and is kept as it is, for rounding twice only loses. Other bits: fuse.dequantize=true.")
        copy_model(source, folder)
        layers = layers_of(model)
    else:
        model, config, layers = shrink(model, config, bits=bits, group_size=group_size)
        save_model(folder, source, model, tokenizer, config)
    # Entries for single layers stand beside these in a mixed model.
    return layers, {key: value for key, value in config["quantization"].items() if not isinstance(value, dict)}, kept


def _record(layers: Layers, quantization: dict[str, Any], kept: bool, before: Measured, after: Measured) -> dict[str, Any]:
    difference = logit_difference(before.logits, after.logits)
    return {
        "kept": kept,
        "quantization": quantization,
        "layers_quantized": layers.quantized,
        "layers_left": [asdict(layer) for layer in layers.left],
        "before": asdict(before.figures),
        "after": asdict(after.figures),
        "ratio": before.figures.weight_bytes / after.figures.weight_bytes,
        "largest_logit_difference": difference.largest,
        "logit_error": difference.rms,
        "same_next_token": difference.same_next_token,
        "equal_answers": equal_share(before.answers, after.answers),
        "questions": len(before.answers),
        "sample": asdict(after.sample),
    }


def _speed(before: Measured, after: Measured) -> dict[str, Any]:
    return {
        "machine": f"{platform.system()} {platform.machine()}, {device_name()}",
        "tokens_per_second": {"before": before.tokens_per_second, "after": after.tokens_per_second},
    }


def _summary(layers: Layers, quantization: dict[str, Any], kept: bool, before: Measured, after: Measured) -> Summary:
    old, new = before.figures, after.figures
    same = logit_difference(before.logits, after.logits).same_next_token
    return {
        "bits": f"{quantization['bits']} in groups of {quantization['group_size']}" + (" (the fused model was so already: kept)" if kept else ""),
        "layers": f"{layers.quantized} quantized, {len(layers.left)} left",
        "size": f"{old.weight_bytes / 1e6:,.1f} -> {new.weight_bytes / 1e6:,.1f} MB, ratio {old.weight_bytes / new.weight_bytes:.2f}",
        "validation loss": f"{old.loss:.4f} -> {new.loss:.4f}",
        "perplexity": f"{old.perplexity:.2f} -> {new.perplexity:.2f}",
        "same next token": f"{same:.1%}",
        "equal answers": f"{equal_share(before.answers, after.answers):.0%} of {len(before.answers)}",
        "tokens/s": f"{before.tokens_per_second:,.0f} -> {after.tokens_per_second:,.0f}",
    }
