"""Where sentences begin, in prose with Markdown in it."""

from __future__ import annotations

import re

from gradus.code_spans import code_spans

_ABBREVIATIONS = ("e.g.", "i.e.", "etc.", "cf.", "vs.", "al.", "resp.", "approx.", "Fig.", "Eq.", "No.", "Dr.", "z.B.", "bzw.")
_BEFORE = "".join(rf"(?<!\b{re.escape(word)})" for word in _ABBREVIATIONS) + r"(?<!\b[A-Z]\.)"
_BOUNDARY = re.compile(rf"(?:(?<=[.!?]){_BEFORE}|(?<=[.!?][\"')\]*_]))\s+(?=[*_]*`|[\"'(*_\[]*[^\W_a-z])|(?<=[。！？])\s*(?=\S)")


def sentence_starts(text: str) -> list[int]:
    """Offsets at which a sentence after the first one begins; a full stop inside a code span ends none."""
    return [match.end() for match in _BOUNDARY.finditer(_masked(text))]


def _masked(text: str) -> str:
    """The text with an x for every character inside a code span, so that all offsets stay."""
    pieces, position = [], 0
    for start, end in code_spans(text, across_blank_lines=True):
        pieces += [text[position:start], "`", "x" * (end - start - 2), "`"]
        position = end
    return "".join([*pieces, text[position:]])
