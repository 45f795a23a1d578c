"""Where inline code stands in Markdown (CommonMark 6.1): a run of backticks, closed by the next run of the same length.

Found run by run, in a time that grows with the text: the backtracking of a regular expression doubles with every backtick
that stands in the wrong place.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator

_RUN = re.compile("`+")
_BLANK_LINE = re.compile(r"\n\s*\n")


def code_spans(text: str, *, across_blank_lines: bool = False) -> Iterator[tuple[int, int]]:
    """Start and end of every span, backticks included.

    Args:
        across_blank_lines: also what goes on after one; so a fenced block counts as a span, too.
    """
    runs = [match.span() for match in _RUN.finditer(text)]
    blank_lines = [] if across_blank_lines else [match.start() for match in _BLANK_LINE.finditer(text)]
    closing = _next_alike(runs)
    number = 0
    while number < len(runs):
        (start, inside), other = runs[number], closing[number]
        number += 1
        if other is not None and bisect(blank_lines, inside - 1) == bisect(blank_lines, runs[other][0]):
            yield start, runs[other][1]
            number = other + 1


def _next_alike(runs: list[tuple[int, int]]) -> list[int | None]:
    """For each run the number of the next one of its length."""
    found: list[int | None] = []
    following: dict[int, int] = {}
    for number in range(len(runs) - 1, -1, -1):
        length = runs[number][1] - runs[number][0]
        found.append(following.get(length))
        following[length] = number
    return found[::-1]


def inside_spans(text: str, *, across_blank_lines: bool = False) -> list[str]:
    """What stands in the spans, without their backticks."""
    return [text[start:end].strip("`") for start, end in code_spans(text, across_blank_lines=across_blank_lines)]


def without_spans(text: str, *, across_blank_lines: bool = False) -> str:
    """The text with a space for every span."""
    pieces, position = [], 0
    for start, end in code_spans(text, across_blank_lines=across_blank_lines):
        pieces.append(text[position:start])
        position = end
    return " ".join([*pieces, text[position:]])
