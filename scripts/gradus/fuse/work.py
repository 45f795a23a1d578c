"""The work of 10_fuse: fuse, load the result from disk, compare, and refuse what lost the adapter."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gradus.chat import Messages
from gradus.compare import Logits, answer_logits, read_conversations, weight_bytes
from gradus.config.delivery import Fidelity, Fuse
from gradus.errors import GradusError
from gradus.fidelity import HeldOut, Observed, observe, write_held_out
from gradus.files import read_json, size_label, write_json
from gradus.fuse.closeness import Closeness, closeness, drifted, too_far, too_much_lost
from gradus.fuse.merge import write_fused
from gradus.models import load_model
from gradus.records import Base
from gradus.step import StepContext, Summary

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Probe:
    """What the models are asked, by which settings, and what base and base + adapter said."""

    conversations: list[Messages]
    max_tokens: int
    fidelity: Fidelity
    fuse: Fuse
    base: Logits
    tuned: Observed


@dataclass(frozen=True)
class Attempt:
    """One fused model on disk and how it compares."""

    dequantized: bool
    layers: int
    closeness: Closeness
    objection: str
    fused: Observed


def fuse(context: StepContext) -> Summary:
    """Work of step 10: `model/`, `fuse.json`, and `held_out.json`, by which the later forms of the model are judged too.

    Raises:
        GradusError: when the fused model does not answer as base + adapter do.
    """
    base = Base(**read_json(context.input("05_prepare/base.json")))
    adapter = context.input("06_train_mlx/adapters.safetensors").parent
    quantized = _is_quantized(context.workspace / base.path)
    probe = _probe(context, context.workspace / base.path, adapter)
    attempts = _attempts(context.workspace / base.path, adapter, context.out / "model", probe, _ways(quantized, probe.fuse))
    last = attempts[-1]
    if last.objection:
        raise _refusal(last, quantized)
    method = read_json(adapter / "adapter_config.json")["fine_tune_type"]
    if last.closeness.adapter_effect == 0:
        log.warning("The adapter changes nothing: the fused model answers exactly as the base. Training has not improved on it.")
    held_out = HeldOut(tuple(probe.conversations), probe.max_tokens, probe.fidelity.answer_tokens, probe.tuned.spoken)
    write_held_out(context.out / "held_out.json", held_out)
    write_json(context.out / "fuse.json", _record(base, method, quantized, attempts, probe, context.out / "model"))
    return _summary(base, method, last, context.out / "model")


def _is_quantized(folder: Path) -> bool:
    """Whether the weights in a model folder are quantized, whatever tool did it."""
    config = read_json(folder / "config.json")
    return "quantization" in config or "quantization_config" in config


def _probe(context: StepContext, base: Path, adapter: Path) -> Probe:
    fidelity, max_tokens = context.config.fidelity, context.config.prepare.max_tokens
    model, tokenizer = load_model(base)
    conversations = read_conversations(context.input("05_prepare/valid.jsonl"), fidelity.questions, tokenizer, max_tokens)
    alone = answer_logits(model, tokenizer, conversations, fidelity.probe_tokens)
    tuned = observe(*load_model(base, adapter), conversations, fidelity, max_tokens)
    return Probe(conversations, max_tokens, fidelity, context.config.fuse, alone, tuned)


def _ways(quantized: bool, settings: Fuse) -> list[bool]:
    """Whether to de-quantize, in the order to try."""
    if not quantized:
        return [False]
    return [False, True] if settings.dequantize == "auto" else [bool(settings.dequantize)]


def _attempts(base: Path, adapter: Path, folder: Path, probe: Probe, ways: Sequence[bool]) -> list[Attempt]:
    """Fuse in each way until one is within the limits; the last one is what lies in `folder`."""
    done: list[Attempt] = []
    for dequantize in ways:
        shutil.rmtree(folder, ignore_errors=True)
        layers = write_fused(base, adapter, folder, dequantize=dequantize)
        done.append(_judged(folder, probe, layers, dequantize=dequantize))
        if not done[-1].objection:
            break
        if dequantize != ways[-1]:
            log.warning("Fused in the base's bits, %s: the model is written de-quantized instead.", done[-1].objection)
    return done


def _judged(folder: Path, probe: Probe, layers: int, *, dequantize: bool) -> Attempt:
    fused = observe(*load_model(folder), probe.conversations, probe.fidelity, probe.max_tokens)
    found = closeness(probe.base, probe.tuned, fused)
    lost = too_much_lost(found, probe.fuse)
    few_bits = _is_quantized(folder)
    if lost and not few_bits:  # told only: no more bits can be added, so there is no better folder
        log.warning("The adapter is so weak that the rounding of floating-point numbers shows: %s.", lost)
    objection = too_far(found, probe.fuse) or (lost if few_bits else "") or drifted(probe.tuned, fused, probe.fidelity)
    return Attempt(dequantize, layers, found, objection, fused)


def _refusal(attempt: Attempt, quantized: bool) -> GradusError:
    what = f"the fused model does not answer as base and adapter do: {attempt.objection}"
    if quantized and not attempt.dequantized:
        return GradusError(what, where="fuse.dequantize", cure="Set fuse.dequantize=true: rounding to the base's few bits took the adapter out again")
    return GradusError(what, where="10_fuse", cure="Look at the training (a huge learning rate, NaN?), or change the limit")


def _record(base: Base, method: str, quantized: bool, attempts: Sequence[Attempt], probe: Probe, model: Path) -> dict[str, Any]:
    last = attempts[-1]
    rejected = [{"dequantized": a.dequantized, "objection": a.objection, "fidelity": asdict(a.closeness)} for a in attempts[:-1]]
    limits = {"max_logit_difference": probe.fuse.max_logit_difference, "max_lost_share": probe.fuse.max_lost_share}
    return {
        "base": {"kind": base.kind, "name": base.name, "revision": base.revision},
        "method": method,
        "layers_fused": last.layers,
        "base_quantized": quantized,
        "dequantized": last.dequantized,
        "fidelity": asdict(last.closeness),
        "limits": limits | probe.fidelity.fused.model_dump(),
        "rejected": rejected,
        "weight_bytes": weight_bytes(model),
        "sample": asdict(last.fused.sample),
    }


def _summary(base: Base, method: str, attempt: Attempt, model: Path) -> Summary:
    found = attempt.closeness
    lost = "no effect to lose" if found.lost_share is None else f"{found.lost_share:.2%} of its effect"
    return {
        "base": base.name,
        "method": method,
        "layers fused": attempt.layers,
        "size": f"{size_label(weight_bytes(model))}{' (de-quantized)' if attempt.dequantized else ''}",
        "largest logit difference": found.largest_logit_difference,
        "adapter lost": lost,
        "loss difference": f"{found.loss_difference:+.2g} nats a token",
        "equal answers": f"{found.equal_answers:.0%} of {found.questions}",
    }
