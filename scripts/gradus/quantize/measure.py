"""What a model on disk weighs, how fast it writes, and what it says of the held-out conversations and the graded questions."""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.backend import mx, nn
from gradus.chat import Messages, prompt_tokens
from gradus.compare import questions_of, weight_bytes
from gradus.config.delivery import Fidelity
from gradus.errors import GradusError
from gradus.fidelity import HeldOut, Observed, observe
from gradus.models import load_model, with_plain_weights
from gradus.quantize.grading import Exam, Graded, grade
from gradus.quantize.shrink import Layers, bits_per_weight, layers_of

REPEATS = 3


@dataclass(frozen=True)
class Figures:
    """The figures of one model that are the same every time."""

    weight_bytes: int
    bits_per_weight: float
    loss: float
    """Mean negative log-likelihood per supervised token of the validation conversations, in nats."""
    perplexity: float
    bits_per_byte: float


@dataclass(frozen=True)
class Measured:
    """One model loaded from disk and put to the probe."""

    figures: Figures
    layers: Layers
    tokens_per_second: float
    observed: Observed
    graded: Graded | None
    """None when nothing is graded."""


@dataclass(frozen=True)
class Probe:
    """What every model is asked."""

    held_out: HeldOut
    fidelity: Fidelity
    speed_tokens: int
    group_size: int | None
    exam: Exam | None


def measure(folder: Path, probe: Probe) -> Measured:
    """Load the model in `folder` and measure it.

    Raises:
        GradusError: when it gives numbers that are none.
    """
    model, tokenizer = load_model(folder)
    conversations = probe.held_out.conversations
    plain = with_plain_weights(model)
    observed = observe(model, tokenizer, conversations, probe.fidelity, probe.held_out.max_tokens, plain=plain)
    likelihood = observed.likelihood
    if not math.isfinite(likelihood.nats):
        cure = "Take more bits (quantize.recipes) or another base: its floating-point type may be too narrow"
        raise GradusError(f"the {folder.name} model gives numbers that are none (loss {likelihood.nats})", where="11_quantize", cure=cure)
    return Measured(
        Figures(weight_bytes(folder), bits_per_weight(model), likelihood.per_token, likelihood.perplexity, likelihood.bits_per_byte),
        layers_of(model, probe.group_size),
        generation_speed(model, tokenizer, questions_of(conversations)[0], probe.speed_tokens),
        observed,
        grade(probe.exam, plain, tokenizer) if probe.exam else None,
    )


def generation_speed(model: nn.Module, tokenizer: Any, question: Messages, tokens: int) -> float:
    """Tokens per second of one greedy answer, the prompt's time left out; the middle of three measurements.

    The end-of-sequence token does not stop it, so that every model writes the same number of tokens.
    """
    prompt = mx.array(prompt_tokens(tokenizer, question))
    return statistics.median(_speed(model, prompt, tokens) for _ in range(REPEATS))


def _speed(model: nn.Module, prompt: mx.array, tokens: int) -> float:
    from mlx_lm.generate import generate_step

    steps = generate_step(prompt, model, max_tokens=tokens + 1)
    next(steps)  # reads the prompt
    start = time.perf_counter()
    count = sum(1 for _ in steps)
    return count / (time.perf_counter() - start)
