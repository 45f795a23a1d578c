"""Load a model, let it answer many questions at once, and measure how likely it finds given answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.backend import mx, nn
from gradus.chat import Messages, prompt_tokens, render
from gradus.errors import UserError
from gradus.records import Base as Base

Progress = Callable[[int, str], None]


@dataclass(frozen=True)
class Answer:
    """A generated answer; `finished` says whether the model ended it by itself (EOS) before the token limit."""

    text: str
    finished: bool
    tokens: int


def load_model(path: str | Path, adapter: str | Path | None = None) -> tuple[nn.Module, Any]:
    """Load an MLX model folder and its tokenizer through mlx-lm, with an adapter when one is given.

    Raises:
        UserError: when the folder is missing or not a model, or the adapter does not fit it.
    """
    return load_with_config(path, adapter)[:2]


def load_with_config(path: str | Path, adapter: str | Path | None = None) -> tuple[nn.Module, Any, dict[str, Any]]:
    """`load_model`, and the model's configuration as mlx-lm completed it: what a changed model is saved with."""
    from mlx_lm.utils import load

    folder = Path(path)
    if not (folder / "config.json").exists():
        raise UserError(
            "no model in this folder (config.json is missing)", where=str(folder), cure="Check model.base, or run 05_prepare again with --force"
        )
    try:
        model, tokenizer, config = load(str(folder), adapter_path=str(adapter) if adapter else None, return_config=True)
    except (ValueError, KeyError, FileNotFoundError) as error:
        what = f"the model{' with its adapter' if adapter else ''} cannot be loaded ({str(error).splitlines()[0]})"
        raise UserError(what, where=str(adapter or folder), cure="Take the base model that the adapter was trained on") from error
    return model, tokenizer, config


def generate_answers(
    model: nn.Module, tokenizer: Any, questions: Sequence[Messages], *, max_tokens: int, batch_size: int, progress: Progress | None = None
) -> list[Answer]:
    """Greedy answers to many conversations, generated in batches (mlx-lm's `batch_generate`).

    Args:
        questions: conversations that end where the assistant is to speak.
        max_tokens: limit for each answer; one that reaches it is not `finished`.
        batch_size: how many answers are generated at a time.
        progress: called with (number of new answers, "") as they come.
    """
    from mlx_lm.generate import batch_generate

    prompts = [prompt_tokens(tokenizer, messages) for messages in questions]
    answers: dict[int, Answer] = {}
    by_length = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    for start in range(0, len(by_length), 2 * batch_size):
        chosen = by_length[start : start + 2 * batch_size]
        response = batch_generate(
            model, tokenizer, [prompts[i] for i in chosen], max_tokens=max_tokens, return_token_ids=True,
            completion_batch_size=batch_size, prefill_batch_size=min(batch_size, 8),
        )  # fmt: skip
        for i, text, ids in zip(chosen, response.texts, response.token_ids or [], strict=True):
            answers[i] = Answer(text.strip(), len(ids) < max_tokens, len(ids))
        if progress:
            progress(len(chosen), "")
    return [answers[i] for i in range(len(prompts))]


@dataclass(frozen=True)
class Likelihood:
    """Negative log-likelihood of reference answers under a model: sum in nats, over so many tokens and UTF-8 bytes."""

    nats: float
    tokens: int
    bytes: int

    @property
    def per_token(self) -> float:
        """Mean negative log-likelihood per supervised token, in nats: the loss."""
        return self.nats / self.tokens

    @property
    def perplexity(self) -> float:
        """exp of the mean loss per token; comparable between models of one tokenizer only."""
        return math.exp(self.per_token)

    @property
    def bits_per_byte(self) -> float:
        """Bits per UTF-8 byte of the answers; comparable between tokenizers."""
        return self.nats / math.log(2) / self.bytes


def likelihood(model: nn.Module, tokenizer: Any, conversations: Sequence[Messages], *, max_tokens: int) -> list[Likelihood]:
    """Likelihood of the assistant turns of each conversation, cut at `max_tokens` (teacher forcing, one at a time)."""
    return [_likelihood(model, tokenizer, messages, max_tokens) for messages in conversations]


def _likelihood(model: nn.Module, tokenizer: Any, messages: Messages, max_tokens: int) -> Likelihood:
    rendered = render(tokenizer, messages)
    tokens = mx.array([rendered.tokens[:max_tokens]])
    mask = rendered.mask[1:max_tokens]
    loss = nn.losses.cross_entropy(model(tokens[:, :-1]), tokens[:, 1:]) * mx.array([mask])
    texts = [m["content"] for m in messages if m["role"] == "assistant"]
    if len(rendered.tokens) > max_tokens:  # bytes of what was cut off must not make the rest look cheaper
        kept = [token for token, supervised in zip(rendered.tokens[1:max_tokens], mask, strict=True) if supervised]
        texts = [tokenizer.decode(kept, skip_special_tokens=True)]
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    return Likelihood(float(loss.astype(mx.float32).sum().item()), sum(mask), size)
