"""What an answer states, piece by piece: its sentences, list items, table rows and code blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gradus.extract.grounding.sentences import sentence_starts
from gradus.structure import block_parser

if TYPE_CHECKING:
    from markdown_it.token import Token


_LABEL = re.compile(r"(\*\*|__)[^*_.!?]{1,60}\1:?")


@dataclass(frozen=True)
class Statement:
    """One piece of an answer. An `announcement` ends with a colon, or is a bold label alone; what it announces follows."""

    text: str
    kind: Literal["prose", "code", "announcement"]


def statements_of(answer: str) -> list[Statement]:
    """The statements of a Markdown answer, in order. Headings state nothing; a table row is one statement."""
    found: list[Statement] = []
    tokens = block_parser().parse(answer)
    for number, token in enumerate(tokens):
        if token.type in ("fence", "code_block"):
            found.append(Statement(token.content, "code"))
        elif token.type == "tr_open":
            found.append(Statement(" | ".join(_cells(tokens[number:])), "prose"))
        elif token.type == "html_block":
            found.append(Statement(token.content, "prose"))
        elif token.type == "inline" and tokens[number - 1].type == "paragraph_open":
            found += _sentences(token.content)
    return [statement for statement in found if statement.text.strip()]


def _cells(row: list[Token]) -> Iterator[str]:
    for token in row:
        if token.type == "tr_close":
            return
        if token.type == "inline":
            yield token.content


def _sentences(paragraph: str) -> Iterator[Statement]:
    if _LABEL.fullmatch(paragraph.strip()):
        yield Statement(paragraph, "announcement")
        return
    starts = [0, *sentence_starts(paragraph)]
    for start, end in zip(starts, [*starts[1:], len(paragraph)], strict=True):
        text = paragraph[start:end].strip()
        yield Statement(text, "announcement" if text.rstrip("*_ ").endswith(":") else "prose")
