"""Where sentences begin, in prose with Markdown in it."""

from __future__ import annotations

import re

_ABBREVIATIONS = ("e.g.", "i.e.", "etc.", "cf.", "vs.", "al.", "resp.", "approx.", "Fig.", "Eq.", "No.", "Dr.", "z.B.", "bzw.")
_BEFORE = "".join(rf"(?<!\b{re.escape(word)})" for word in _ABBREVIATIONS) + r"(?<!\b[A-Z]\.)"
_BOUNDARY = re.compile(rf"(?:(?<=[.!?]){_BEFORE}|(?<=[.!?][\"')\]*_]))\s+(?=[*_]*`|[\"'(*_\[]*[^\W_a-z])|(?<=[。！？])\s*(?=\S)")
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)


def sentence_starts(text: str) -> list[int]:
    """Offsets at which a sentence after the first one begins; a full stop inside a code span ends none."""
    masked = _CODE.sub(lambda match: "`" + "x" * (len(match[0]) - 2) + "`", text)
    return [match.end() for match in _BOUNDARY.finditer(masked)]
