"""Texts as words, stems, character fragments, numbers and identifiers, and how rare a word is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

# Scripts written without spaces (kana, Han) count character by character, everything else by runs of letters and digits.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
# A number stands by itself: the 32 of float32 and the parts of 3.4.5 behind the first point are none.
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d{1,3})?(?!\w)")
_IDENTIFIER = re.compile(r"[^\W\d]\w+")
_LEAST = 0.05  # no word weighs nothing: a reference of common words alone must have a score


def normal(text: str) -> str:
    """Unicode NFKC without case: wide digits, ligatures and composed letters compare equal to the plain ones."""
    return unicodedata.normalize("NFKC", text).casefold().replace("\u2212", "-")


def words(text: str) -> list[str]:
    """The words of a text in their order, without case."""
    return [word for word in _WORD.findall(normal(text)) if word.strip("_")]


def numbers(text: str) -> frozenset[Decimal]:
    """The numbers of a text by value: 1,000 is 1000.0 and 1e3."""
    return frozenset(Decimal(found.replace(",", "")).normalize() for found in _NUMBER.findall(normal(text)))


def identifiers(code: Iterable[str]) -> frozenset[str]:
    """The names in pieces of code, of two characters or more; case counts."""
    return frozenset(name for piece in code for name in _IDENTIFIER.findall(piece))


def placed_words(text: str) -> list[tuple[str, int, int]]:
    """The words of a text that is `normal` already, each with the characters it spans."""
    return [(found.group(), *found.span()) for found in _WORD.finditer(text) if found.group().strip("_")]


def without_repeats(text: str, length: int) -> str:
    """A text that is `normal` already, less the words that stand only in runs of `length` words that stood before."""
    placed = placed_words(text)
    if not placed:
        return ""
    found = [word for word, _, _ in placed]
    kept = [len(placed) < length] * len(placed)
    seen: set[tuple[str, ...]] = set()
    for at in range(len(found) - length + 1):
        run = tuple(found[at : at + length])
        if run not in seen:
            seen.add(run)
            kept[at : at + length] = [True] * length
    ends = [start for _, start, _ in placed[1:]] + [len(text)]
    return "".join(text[start:end] for (_, start, _), end, keep in zip(placed, ends, kept, strict=True) if keep)


def stems(found: Sequence[str]) -> list[str]:
    """Words without their English endings (Porter 2): adds, added and adding are one. Other scripts stay as they are."""
    return list(map(_stem, found))


@cache
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    return str(_stemmer().stemWord(word)) if word.isascii() else word


@lru_cache(maxsize=100_000)
def rarity(word: str, common: float) -> float:
    """How much a word says: `common` less its frequency in English (Zipf scale, van Heuven et al. 2014), above 0 for all."""
    from wordfreq import zipf_frequency

    return max(_LEAST, common - float(zipf_frequency(word, "en")))


def fragments(found: Iterable[str]) -> set[str]:
    """Runs of two to four characters of each word with a space around it: they see through spelling and compounds."""
    padded = [f" {word} " for word in set(found)]
    return {word[at : at + size] for word in padded for size in (2, 3, 4) for at in range(len(word) - size + 1)}


def repeated_share(sequence: list[str], length: int) -> float:
    """Share of runs of `length` words that stood before in the sequence; 0 when it is shorter than one run."""
    runs = [tuple(sequence[i : i + length]) for i in range(len(sequence) - length + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0
