"""What goes to a teacher and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class Request:
    """One conversation that the teacher is to go on with.

    `schema` is a JSON Schema that the answer must follow; the teacher is told it in words, and a server that can is
    made to keep to it. `seed` makes sampling repeatable where the teacher can; two requests that differ in it alone
    are two requests.
    """

    messages: tuple[dict[str, str], ...]
    max_tokens: int
    temperature: float
    schema: dict[str, Any] | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Reply:
    """An answer. `finish_reason` is `stop` when the teacher ended it by itself and `length` when it met `max_tokens`."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    cached: bool
    finish_reason: str


@dataclass(frozen=True)
class Failure:
    """One request that failed for good, after its retries; never fatal by itself."""

    reason: str


@dataclass(frozen=True)
class Cut(Failure):
    """The reply met `max_tokens`, so that it ends in the middle."""


@dataclass(frozen=True)
class Unusable(Failure):
    """The teacher did reply, twice, and neither reply is of the form that was asked for."""


@dataclass(frozen=True)
class Usage:
    """What was asked so far: all requests, those the cache answered, those that failed; tokens, seconds and cost of the rest.

    `cost` is None when the price is unknown. A server that reports no tokens is counted at four characters a token.
    """

    requests: int = 0
    cached: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cost: float | None = None


Outcome = tuple[int, Reply | Failure]
Keep = Callable[[int, Reply], None]


class Backend(Protocol):
    """A way to reach a model. `ask` calls `keep` the moment a reply is there, from whatever thread, then yields it."""

    def ask(self, requests: Sequence[Request], keep: Keep) -> Generator[Outcome]:
        """Yield (index, outcome) as they come."""
        ...

    def close(self) -> None:
        """Let go of connections and memory."""
        ...


def in_order(outcomes: Iterable[tuple[int, T]]) -> Iterator[tuple[int, T]]:
    """Hold back what comes early: so the same replies give the same result, whatever the order in which they come."""
    waiting: dict[int, T] = {}
    following = 0
    for index, outcome in outcomes:
        waiting[index] = outcome
        while following in waiting:
            yield following, waiting.pop(following)
            following += 1


def tokens_by_length(text: str) -> int:
    """A rough number of tokens: one for every four characters, at least one for any text."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)
