"""Which words of an answer differ from the reference, and which from the other model's answer.

Words are compared in order (longest matching blocks), not as bags: a word at the wrong place counts as different.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Run:
    """A stretch of text, and whether it differs from the reference and from the other model's answer."""

    text: str
    from_reference: bool
    from_other: bool


def mark(text: str, reference: str | None, other: str | None) -> tuple[Run, ...]:
    """Cut `text` into runs; joined they are `text` again. A comparison with None marks nothing."""
    tokens: list[str] = _TOKEN.findall(text)
    first = _differs(tokens, reference)
    second = _differs(tokens, other)
    rows = zip(tokens, first, second, strict=True)
    return tuple(Run("".join(row[0] for row in group), *key) for key, group in groupby(rows, key=lambda row: (row[1], row[2])))


def _differs(tokens: list[str], other: str | None) -> list[bool]:
    """For each token whether `other` lacks it at its place. White space is marked only between two marked words of a line."""
    if other is None:
        return [False] * len(tokens)
    places = [i for i, token in enumerate(tokens) if not token.isspace()]
    words = [tokens[i] for i in places]
    theirs = [token for token in _TOKEN.findall(other) if not token.isspace()]
    differs = [True] * len(tokens)
    for block in SequenceMatcher(None, words, theirs, autojunk=False).get_matching_blocks():
        for i in range(block.a, block.a + block.size):
            differs[places[i]] = False
    for i, token in enumerate(tokens):
        if token.isspace():
            differs[i] = "\n" not in token and 0 < i < len(tokens) - 1 and differs[i - 1] and differs[i + 1]
    return differs
