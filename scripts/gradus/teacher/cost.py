"""What asking would cost, before anything is asked: no model is loaded and no network touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradus.config.teacher import Teacher as TeacherSettings
from gradus.config.teacher import TokenPrice
from gradus.teacher.cache import ReplyCache
from gradus.teacher.requests import CHARACTERS_PER_TOKEN, Request, tokens_by_length
from gradus.teacher.wording import messages_with_schema

BY_LENGTH = f"characters / {CHARACTERS_PER_TOKEN}, an estimate"
BY_TOKENIZER = "the model's tokenizer"


@dataclass(frozen=True)
class Estimate:
    """Requests, how many of them the cache answers, and the tokens of the others; `cost` is None when the price is unknown."""

    requests: int
    cached: int
    prompt_tokens: int
    completion_tokens: int
    """At most: every reply as long as it may be."""
    cost: float | None
    """At most, in the currency of the price."""
    counted: str
    """How the prompt tokens were counted."""


def estimate(requests: Sequence[Request], settings: TeacherSettings, cache: Path) -> Estimate:
    """What `requests` would take of a teacher whose replies are kept in the folder `cache`."""
    kept = ReplyCache(settings, cache)
    keys = [kept.key(request) for request in requests]
    asked = {key: request for key, request in zip(keys, requests, strict=True) if kept.get(key) is None}
    count = _counter(settings)
    prompt = sum((count or _by_length)(messages_with_schema(request)) for request in asked.values())
    completion = sum(request.max_tokens for request in asked.values())
    cost = cost_of(settings.price_per_million, prompt, completion)
    return Estimate(len(requests), len(requests) - len(asked), prompt, completion, cost, BY_TOKENIZER if count else BY_LENGTH)


def cost_of(price: TokenPrice, prompt_tokens: int, completion_tokens: int) -> float | None:
    """Price of so many tokens, or None when one of the two prices is unknown."""
    if price.input is None or price.output is None:
        return None
    return (prompt_tokens * price.input + completion_tokens * price.output) / 1e6


def as_summary(estimate: Estimate) -> dict[str, object]:
    """An estimate as lines of a step's summary."""
    return {
        "requests to the teacher": estimate.requests,
        "answered by the cache": estimate.cached,
        "prompt tokens": f"{estimate.prompt_tokens:,} (by {estimate.counted})",
        "completion tokens": f"{estimate.completion_tokens:,} at most",
        "cost": "unknown (extract.teacher.price_per_million)" if estimate.cost is None else f"{estimate.cost:,.4f} at most",
    }


def _by_length(messages: list[dict[str, str]]) -> int:
    return sum(tokens_by_length(message["content"]) for message in messages)


def _counter(settings: TeacherSettings) -> Callable[[list[dict[str, str]]], int] | None:
    """Counts by the tokenizer of a model that is on this machine; None when there is none."""
    from gradus.chat import prompt_tokens
    from gradus.teacher.local import tokenizer_on_disk

    tokenizer = tokenizer_on_disk(settings)
    if tokenizer is None:
        return None
    return lambda messages: len(prompt_tokens(tokenizer, messages))
