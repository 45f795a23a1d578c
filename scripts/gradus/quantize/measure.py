"""What a model on disk weighs, how fast it writes, and how well it predicts the validation answers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.backend import mx, nn
from gradus.chat import Messages, prompt_tokens
from gradus.compare import Logits, Sample, answer_logits, questions_of, take_sample, total_likelihood, weight_bytes
from gradus.config.schema import Quantize
from gradus.models import Answer, generate_answers, load_model
from gradus.quantize.shrink import bits_per_weight

BATCH = 8
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
    tokens_per_second: float
    logits: Logits
    answers: list[Answer]
    sample: Sample


def measure(folder: Path, conversations: Sequence[Messages], settings: Quantize, max_tokens: int) -> Measured:
    """Load the model in `folder` and measure it.

    Args:
        conversations: validation conversations with their reference answers.
        max_tokens: where conversations are cut for the loss, as in training.
    """
    model, tokenizer = load_model(folder)
    questions = questions_of(conversations)
    likelihood = total_likelihood(model, tokenizer, conversations, max_tokens)
    answers = generate_answers(model, tokenizer, questions, max_tokens=settings.answer_tokens, batch_size=BATCH)
    return Measured(
        Figures(weight_bytes(folder), bits_per_weight(model), likelihood.per_token, likelihood.perplexity, likelihood.bits_per_byte),
        generation_speed(model, tokenizer, questions[0], settings.speed_tokens),
        answer_logits(model, tokenizer, conversations, settings.probe_tokens),
        answers,
        take_sample(model, tokenizer, questions, answers, settings.answer_tokens),
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
