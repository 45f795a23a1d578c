"""The work of 10_fuse: fuse, load the result from disk, compare, and refuse what lost the adapter."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gradus.chat import Messages
from gradus.compare import read_conversations, weight_bytes
from gradus.config.schema import Fuse
from gradus.errors import GradusError
from gradus.files import read_json, write_json
from gradus.fuse.fidelity import Fidelity, Observed, base_logits, fidelity, observe, too_far, too_much_lost
from gradus.fuse.merge import write_fused
from gradus.records import Base
from gradus.step import StepContext, Summary

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Attempt:
    """One fused model on disk and how it compares."""

    dequantized: bool
    layers: int
    fidelity: Fidelity
    objection: str
    fused: Observed


def fuse(context: StepContext) -> Summary:
    """Work of step 10: `model/` and `fuse.json`.

    Raises:
        GradusError: when the fused model does not answer as base + adapter do.
    """
    settings = context.config.fuse
    base = Base(**read_json(context.input("05_prepare/base.json")))
    adapter = context.input("06_train_mlx/adapters.safetensors").parent
    quantized = is_quantized(Path(base.path))
    conversations = _conversations(context, Path(base.path))
    attempts = _attempts(Path(base.path), adapter, context.out / "model", conversations, settings, _ways(quantized, settings))
    last = attempts[-1]
    if last.objection:
        raise _refusal(last, quantized)
    method = read_json(adapter / "adapter_config.json")["fine_tune_type"]
    if last.fidelity.adapter_effect == 0:
        log.warning("The adapter changes nothing: the fused model answers exactly as the base. Training has not improved on it.")
    write_json(context.out / "fuse.json", _record(base, method, quantized, attempts, settings, context.out / "model"))
    return _summary(base, method, last, context.out / "model")


def is_quantized(folder: Path) -> bool:
    """Whether the weights in a model folder are quantized, whatever tool did it."""
    config = read_json(folder / "config.json")
    return "quantization" in config or "quantization_config" in config


def _conversations(context: StepContext, base: Path) -> list[Messages]:
    from mlx_lm.utils import load_tokenizer

    return read_conversations(context.input("05_prepare/valid.jsonl"), context.config.fuse.questions, load_tokenizer(base))


def _ways(quantized: bool, settings: Fuse) -> list[bool]:
    """Whether to de-quantize, in the order to try."""
    if not quantized:
        return [False]
    return [False, True] if settings.dequantize == "auto" else [bool(settings.dequantize)]


def _attempts(base: Path, adapter: Path, folder: Path, conversations: Sequence[Messages], settings: Fuse, ways: Sequence[bool]) -> list[Attempt]:
    """Fuse in each way until one is within the limits; the last one is what lies in `folder`."""
    alone = base_logits(base, conversations, settings)
    tuned = observe(base, adapter, conversations, settings)
    done: list[Attempt] = []
    for dequantize in ways:
        shutil.rmtree(folder, ignore_errors=True)
        layers = write_fused(base, adapter, folder, dequantize=dequantize)
        fused = observe(folder, None, conversations, settings)
        found = fidelity(alone, tuned, fused)
        done.append(Attempt(dequantize, layers, found, _objection(found, settings, few_bits=is_quantized(folder)), fused))
        if not done[-1].objection:
            break
        if dequantize != ways[-1]:
            log.warning("Fused in the base's bits, %s: the model is written de-quantized instead.", done[-1].objection)
    return done


def _objection(found: Fidelity, settings: Fuse, *, few_bits: bool) -> str:
    """Why a fused model is refused, or ''. Where no bits can be added a lost share is told, for there is no better folder."""
    lost = too_much_lost(found, settings)
    if lost and not few_bits:
        log.warning("The adapter is so weak that the rounding of floating-point numbers shows: %s.", lost)
    return too_far(found, settings) or (lost if few_bits else "")


def _refusal(attempt: Attempt, quantized: bool) -> GradusError:
    what = f"the fused model does not answer as base and adapter do: {attempt.objection}"
    if quantized and not attempt.dequantized:
        return GradusError(what, where="fuse.dequantize", cure="Set fuse.dequantize=true: rounding to the base's few bits took the adapter out again")
    return GradusError(what, where="fuse.max_logit_difference", cure="Look at the training (a huge learning rate, NaN?), or raise the limit")


def _record(base: Base, method: str, quantized: bool, attempts: Sequence[Attempt], settings: Fuse, model: Path) -> dict[str, Any]:
    last = attempts[-1]
    rejected = [{"dequantized": a.dequantized, "objection": a.objection, "fidelity": asdict(a.fidelity)} for a in attempts[:-1]]
    return {
        "base": {"kind": base.kind, "name": base.name, "revision": base.revision},
        "method": method,
        "layers_fused": last.layers,
        "base_quantized": quantized,
        "dequantized": last.dequantized,
        "fidelity": asdict(last.fidelity),
        "limits": {"max_logit_difference": settings.max_logit_difference, "max_lost_share": settings.max_lost_share},
        "rejected": rejected,
        "weight_bytes": weight_bytes(model),
        "sample": asdict(last.fused.sample),
    }


def _summary(base: Base, method: str, attempt: Attempt, model: Path) -> Summary:
    found = attempt.fidelity
    lost = "no effect to lose" if found.lost_share is None else f"{found.lost_share:.2%} of its effect"
    return {
        "base": base.name,
        "method": method,
        "layers fused": attempt.layers,
        "size": f"{weight_bytes(model) / 1e6:,.1f} MB{' (de-quantized)' if attempt.dequantized else ''}",
        "largest logit difference": found.largest_logit_difference,
        "adapter lost": lost,
        "equal answers": f"{found.equal_answers:.0%} of {found.questions}",
    }
