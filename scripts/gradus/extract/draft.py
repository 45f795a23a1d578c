"""What a rule gives: a question with its answer and its place in the source, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gradus.records import Message


@dataclass(frozen=True)
class Draft:
    """A question and answer before length limits and checks. `start`, `end`: the span of the source text."""

    kind: str
    question: str
    answer: str
    start: int
    end: int
    context: tuple[Message, ...] = ()
    group: str = ""
    """Overrides the document's group when not empty."""
    verbatim: bool = False
    """The answer was written as an answer (a row of a data set): short ones are fine, and its markup is its own."""
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Drop:
    """Something that became no example: the reason, and where when that is a line of the user's."""

    reason: str
    where: str = ""


Drafts = Iterator[Draft | Drop]
