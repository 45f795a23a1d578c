"""Words of a text: what counts as one, and which of them say what a text is about."""

from __future__ import annotations

import re
from functools import lru_cache

from gradus.shingles import UNSPACED

_TERM = re.compile(f"[{UNSPACED}]|[A-Z]?[^\\W\\dA-Z_{UNSPACED}]+|[A-Z]+(?![a-z])|\\d+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_SUFFIX = re.compile(r"(?<=[^\W\d_]{3})(?:ations?|ating|ated|ates?|ing|ed|ers?|ions?|es|s|ly|e)$")

# Words that carry grammar or only the form of a question, not what it asks about.
_GRAMMAR_WORDS = """
    a about after all also am an and any are as at be been before both but by can could do does did for from had has have he her here his how
    i if in into is it its just like may me more most my no not of on one only or other our out over please should show so some such tell than
    that the their them then there these they this to under up us use used using via was we were what when where which while who whose why will
    with would you your describe explain example examples explanation give given write list mean means called name
"""
_GRAMMAR = frozenset(_GRAMMAR_WORDS.split())
PART = 4  # letters that make a word inside another more than chance


def sentences(text: str) -> list[str]:
    """The sentences of a text, as far as line ends and end marks show them."""
    return [sentence for sentence in _SENTENCE_END.split(text) if sentence.strip()]


def terms(text: str) -> frozenset[str]:
    """Stems of the words that say what a text is about; names such as `load_fileName2` count as their parts."""
    parts = (part.casefold() for part in _TERM.findall(text))
    return frozenset(_stem(part) for part in parts if part not in _GRAMMAR and (len(part) > 1 or not part.isascii() or part.isdigit()))


def shared_terms(asked: frozenset[str], answered: frozenset[str]) -> int:
    """How many of the asked terms the answer takes up, whole or by the beginning of a word (`temp` in `mkdtemp`)."""
    beginnings = {term[:PART] for term in answered if len(term) >= PART}
    parts = {part for term in answered for part in _parts(term)}
    return sum(term in answered or term[:PART] in parts or not beginnings.isdisjoint(_parts(term)) for term in asked)


def _parts(term: str) -> list[str]:
    """Every stretch of `PART` letters."""
    return [term[start : start + PART] for start in range(len(term) - PART + 1)]


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    """A word without the commonest English endings, so that `returns` and `returned` meet."""
    return _SUFFIX.sub("", word)
