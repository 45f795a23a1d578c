"""Where a quoted passage stands in a text, also when the quote differs in blanks, markup or a few characters."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_SAME = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-"})
_MARKUP = frozenset("*_`#>|~\\")
_AROUND = frozenset("*_`")
_ELLIPSIS = re.compile(r"\s*(?:\[?\.\.\.\]?|\[?…\]?)\s*")


@dataclass(frozen=True)
class Folded:
    """A text in lower case, without markup and with single blanks; `offsets[n]` is where its character `n` stood."""

    text: str
    offsets: list[int]
    original: str

    def range_of(self, start: int, end: int) -> tuple[int, int]:
        """The range of the original that `text[start:end]` came from, with the emphasis and backticks around it."""
        first, last = self.offsets[start], self.offsets[end - 1] + 1
        while first > 0 and self.original[first - 1] in _AROUND:
            first -= 1
        while last < len(self.original) and self.original[last] in _AROUND:
            last += 1
        return first, last


def folded(text: str) -> Folded:
    """Fold case, blanks, markup, quotation marks and dashes, so that what reads the same compares equal."""
    characters: list[str] = []
    offsets: list[int] = []
    for at, character in enumerate(text):
        if character in _MARKUP:
            continue
        if character.isspace():
            if characters and characters[-1] != " ":
                characters.append(" ")
                offsets.append(at)
            continue
        for piece in unicodedata.normalize("NFKC", character.translate(_SAME)).casefold():
            characters.append(piece)
            offsets.append(at)
    return Folded("".join(characters), offsets, text)


@dataclass(frozen=True)
class Found:
    """The range of a passage, and how alike quote and passage are, 0 to 1."""

    start: int
    end: int
    likeness: float


def find_quote(quote: str, text: str, minimum: float) -> Found | None:
    """Where `quote` stands in `text`: exactly, else folded, else by the best partial alignment of at least `minimum`.

    An omission (`…`) splits a quote; the passage then reaches from its first part to its last.
    """
    at = text.find(quote) if quote.strip() else -1
    if at >= 0:
        return Found(at, at + len(quote), 1.0)
    source, whole = folded(text), folded(quote).text.strip()
    # Three full stops may also stand in the text itself, say in a doctest.
    wanted = [whole] if whole in source.text else [part for piece in _ELLIPSIS.split(quote) if (part := folded(piece).text.strip())]
    found = [_find_folded(part, source, minimum) for part in wanted if part]
    parts = [part for part in found if part]
    if not parts or len(parts) < len(found):
        return None
    return Found(min(part.start for part in parts), max(part.end for part in parts), min(part.likeness for part in parts))


def _find_folded(part: str, source: Folded, minimum: float) -> Found | None:
    from rapidfuzz import fuzz

    at = source.text.find(part)
    if at >= 0:
        return _in_original(source, at, at + len(part), 1.0)
    # The alignment is partial both ways: a quote longer than the whole text would be found in any part of itself.
    alignment = fuzz.partial_ratio_alignment(part, source.text, score_cutoff=minimum * 100) if len(part) <= len(source.text) else None
    if alignment is None or alignment.dest_end <= alignment.dest_start:
        return None
    return _in_original(source, alignment.dest_start, alignment.dest_end, alignment.score / 100)


def _in_original(source: Folded, start: int, end: int, likeness: float) -> Found:
    """The range in the original, without blanks at its ends, widened to whole words."""
    start += len(source.text[start:end]) - len(source.text[start:end].lstrip())
    end = max(start + len(source.text[start:end].rstrip()), start + 1)
    while start > 0 and source.text[start - 1].isalnum() and source.text[start].isalnum():
        start -= 1
    while end < len(source.text) and source.text[end].isalnum() and source.text[end - 1].isalnum():
        end += 1
    return Found(*source.range_of(start, end), likeness)
