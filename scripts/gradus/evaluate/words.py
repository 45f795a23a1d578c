"""Texts as words, numbers and identifiers, and how rare a word is."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

# Scripts written without spaces (kana, Han) count character by character, everything else by runs of letters and digits.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
# A number stands by itself: the 32 of float32 and the parts of 3.4.5 behind the first point are none.
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d{1,3})?(?!\w)")
_IDENTIFIER = re.compile(r"[^\W\d]\w+")


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


@dataclass(frozen=True)
class Rarity:
    """Inverse document frequency of words: log((1 + n) / (1 + documents with the word)) + 1, never below 1."""

    documents: int
    containing: Mapping[str, int]

    def of(self, word: str) -> float:
        """Weight of a word; highest for one that no document holds."""
        return math.log((1 + self.documents) / (1 + self.containing.get(word, 0))) + 1


def rarity_of(texts: Iterable[str]) -> Rarity:
    """Rarity of words among some texts."""
    sets = [set(words(text)) for text in texts]
    return Rarity(len(sets), Counter(word for found in sets for word in found))


def repeated_share(sequence: list[str], length: int) -> float:
    """Share of runs of `length` words that stood before in the sequence; 0 when it is shorter than one run."""
    runs = [tuple(sequence[i : i + length]) for i in range(len(sequence) - length + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0
