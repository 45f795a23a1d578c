"""Which lines of a text are code: those are kept byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gradus.fences import fenced_lines

_INDENTED = re.compile(r" {4}| {0,3}\t")
_PROMPT = re.compile(r"\s*>>>")


def code_lines(lines: Sequence[str]) -> Iterator[bool]:
    """For every line whether it may be code: fenced, indented by four columns, or from a `>>>` to the next blank line."""
    session = False
    for line, inside in zip(lines, fenced_lines(lines), strict=True):
        session = not inside and bool(line.strip()) and (session or bool(_PROMPT.match(line)))
        yield inside or session or bool(line.strip() and _INDENTED.match(line))
