"""Finds a question that has nearly the same words among many."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

_WORD = re.compile(r"`[^`]*`|\w+")


def words_of(question: str) -> frozenset[str]:
    """The distinct words, case folded; a span of inline code is one word and keeps its case."""
    return frozenset(word if word.startswith("`") else word.casefold() for word in _WORD.findall(question))


def similarity(first: frozenset[str], second: frozenset[str]) -> float:
    """Jaccard similarity of two word sets, in [0, 1]."""
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared) if first or second else 1.0


class QuestionIndex:
    """Questions by their rarest words, so that a look-up compares few of them and misses none.

    Two sets of at least `threshold` Jaccard similarity share a word among the rarest `n - ceil(threshold * n) + 1` of
    each, in any fixed order of words (prefix filtering: Bayardo, Ma, Srikant 2007, "Scaling up all pairs similarity search").
    `upcoming` are questions that will be looked up or added: knowing how frequent their words are keeps look-ups short.
    """

    def __init__(self, questions: Iterable[str], threshold: float, upcoming: Iterable[str] = ()) -> None:
        self._threshold = threshold
        self._sets: list[frozenset[str]] = []
        self._by_word: dict[str, list[int]] = defaultdict(list)
        known = [words_of(question) for question in questions]
        self._frequency = Counter(word for words in (*known, *map(words_of, upcoming)) for word in words)
        for words in known:
            self._add(words)

    def add(self, question: str) -> None:
        """Let later look-ups find this question too."""
        self._add(words_of(question))

    def has_similar(self, question: str) -> bool:
        """Whether any question is at least `threshold` similar to this one."""
        words = words_of(question)
        found = {i for word in self._rarest(words) for i in self._by_word[word]}
        return any(similarity(words, self._sets[i]) >= self._threshold for i in found)

    def _add(self, words: frozenset[str]) -> None:
        for word in self._rarest(words):
            self._by_word[word].append(len(self._sets))
        self._sets.append(words)

    def _rarest(self, words: frozenset[str]) -> list[str]:
        ordered = sorted(words, key=lambda word: (self._frequency[word], word))
        shared = math.ceil(round(self._threshold * len(words), 9))  # 0.28 * 25 is 7.000000000000001
        return ordered[: len(words) - shared + 1]
