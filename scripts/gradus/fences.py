"""Fenced code in Markdown: which lines belong to it, where every line must come back as it was; and writing it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

Mark = Literal["text", "opens", "inside", "closes"]
OPEN: frozenset[Mark] = frozenset({"opens", "inside"})
"""The marks of a line after which the fence is still open."""

_FENCE = re.compile(r"\s*(`{3,}|~{3,})(.*)")


def fence_marks(lines: Iterable[str]) -> Iterator[Mark]:
    """What each line is to fenced code; the lines may come with or without their line ends.

    A fence ends at a run of its own character that is at least as long and stands alone (CommonMark 4.5), so a shorter
    fence inside a longer one is text. Any indentation is accepted, of any white space: fences in list items are indented,
    and text copied from a page may hold non-breaking spaces there.
    """
    fence = ""
    for line in lines:
        match = _FENCE.match(line)
        if fence and match and match[1].startswith(fence) and not match[2].strip():
            fence = ""
            yield "closes"
        elif fence:
            yield "inside"
        elif match and not (match[1][0] == "`" and "`" in match[2]):
            fence = match[1]
            yield "opens"
        else:
            yield "text"


def fenced_lines(lines: Iterable[str]) -> list[bool]:
    """For every line whether it belongs to fenced code, the fences included."""
    return [mark != "text" for mark in fence_marks(lines)]


def fenced(text: str, language: str) -> str:
    """A fenced block with `text` byte for byte; the fence is longer than any run of backticks inside."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"
