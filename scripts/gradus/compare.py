"""Are two models the same, and if not, how far apart? Asked of held-out conversations by 10_fuse, 11_quantize, 12_export."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.backend import mx, nn
from gradus.chat import Messages, render
from gradus.errors import UserError
from gradus.files import iter_jsonl
from gradus.models import Answer, Likelihood, generate_answers, likelihood

Logits = list[mx.array]


@dataclass(frozen=True)
class LogitDifference:
    """How far the next-token logits of two models are apart, at the same places of the same texts."""

    largest: float
    rms: float
    """Root of the mean square over all places and the whole vocabulary."""
    same_next_token: float
    """Share of places at which both find the same token likeliest."""
    places: int


@dataclass(frozen=True)
class Sample:
    """A question and the greedy answer a model gave to it alone, to be asked again of a copy."""

    messages: Messages
    answer: str
    max_tokens: int


def read_conversations(path: Path, count: int, tokenizer: Any, max_tokens: int | None = None) -> list[Messages]:
    """`count` conversations of a prepared file, evenly spread over it; fewer when it has not so many.

    Conversations without a supervised token in their first `max_tokens` are passed over: they say nothing of a model.

    Raises:
        UserError: when none is left.
    """
    rows = list(iter_jsonl(path, lambda row: row["messages"]))
    useful = [messages for messages in rows if any(render(tokenizer, messages).mask[:max_tokens])]
    if not useful:
        raise UserError("no conversation to compare models with", where=str(path), cure="Raise prepare.split.valid or prepare.max_tokens")
    count = min(count, len(useful))
    return [useful[i * len(useful) // count] for i in range(count)]


def questions_of(conversations: Sequence[Messages]) -> list[Messages]:
    """The conversations up to where the assistant speaks last."""
    return [messages[:-1] for messages in conversations]


def answer_logits(model: nn.Module, tokenizer: Any, conversations: Sequence[Messages], tokens: int) -> Logits:
    """Logits in float32, `(places, vocabulary)` a conversation, from which the first `tokens` of its answers are predicted."""
    found = []
    for messages in conversations:
        rendered = render(tokenizer, messages)
        places = [i for i, supervised in enumerate(rendered.mask) if supervised][:tokens]
        logits = model(mx.array([rendered.tokens[: places[-1]]]))[0, mx.array(places) - 1].astype(mx.float32)
        mx.eval(logits)
        found.append(logits)
    return found


def logit_difference(a: Logits, b: Logits) -> LogitDifference:
    """Compare what `answer_logits` gave for two models of one vocabulary."""
    gaps = [mx.abs(x - y) for x, y in zip(a, b, strict=True)]
    same = sum(_number((x.argmax(axis=-1) == y.argmax(axis=-1)).sum()) for x, y in zip(a, b, strict=True))
    places = sum(len(x) for x in a)
    square = sum(_number((gap * gap).sum()) for gap in gaps)
    # `max` of Python would pass over a NaN; a model with NaN must not look close to another one.
    largest = _number(mx.stack([gap.max() for gap in gaps]).max())
    return LogitDifference(largest, (square / sum(gap.size for gap in gaps)) ** 0.5, same / places, places)


def _number(scalar: mx.array) -> float:
    value: Any = scalar.item()
    return float(value)


def equal_share(a: Sequence[Answer], b: Sequence[Answer]) -> float:
    """Share of the answers that are the same, character for character."""
    return sum(x.text == y.text for x, y in zip(a, b, strict=True)) / len(a)


def total_likelihood(model: nn.Module, tokenizer: Any, conversations: Sequence[Messages], max_tokens: int) -> Likelihood:
    """Likelihood of all conversations together, so that every token weighs the same."""
    parts = likelihood(model, tokenizer, conversations, max_tokens=max_tokens)
    return Likelihood(sum(p.nats for p in parts), sum(p.tokens for p in parts), sum(p.bytes for p in parts))


def take_sample(model: nn.Module, tokenizer: Any, questions: Sequence[Messages], answers: Sequence[Answer], max_tokens: int) -> Sample:
    """Ask again, alone, the first question that was answered with any text; the first one when none was."""
    asked = next((messages for messages, answer in zip(questions, answers, strict=True) if answer.text), questions[0])
    return Sample(asked, ask(model, tokenizer, asked, max_tokens), max_tokens)


def ask(model: nn.Module, tokenizer: Any, messages: Messages, max_tokens: int) -> str:
    """The greedy answer to one conversation."""
    return generate_answers(model, tokenizer, [messages], max_tokens=max_tokens, batch_size=1)[0].text


def weight_bytes(folder: Path) -> int:
    """Size on disk of the weights in a model folder."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def copy_model(source: Path, target: Path) -> None:
    """Copy a model folder file by file."""
    shutil.copytree(source, target)


def save_model(folder: Path, source: Path, model: nn.Module, tokenizer: Any, config: dict[str, Any]) -> None:
    """Write a model folder as mlx-lm does: weights, configuration, tokenizer, chat template, generation settings.

    mlx-lm's own model card is left out: it states a language and nothing that was measured.
    """
    from mlx_lm.utils import save

    save(folder, source, model, tokenizer, config, donate_model=False)
    (folder / "README.md").unlink(missing_ok=True)
