"""Measures of meaning by a sentence encoder.

Alignment follows BERTScore's recall (Zhang et al. 2020): each word of the reference is matched with the answer's closest
one by contextual vectors. As in Sultan et al. 2016 ("Fast and Easy Short Answer Grading with High Accuracy"), words that
the question gives away count less.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gradus.embedding import Array, Encoded, Encoder, unit
from gradus.evaluate.overlap import Said, Weights, found_words, said, word_weights
from gradus.evaluate.rubric import MEANING, Content
from gradus.evaluate.words import normal, placed_words, without_repeats


@dataclass(frozen=True)
class Meant:
    """One text as the encoder understands it."""

    said: Said
    """The words that have a vector."""
    vectors: Array
    """Words x width, unit length."""


class Understanding:
    """The encoder with what it has read so far: a text is encoded once, and those that `read` is given together at a time."""

    def __init__(self, encoder: Encoder, rubric: Content) -> None:
        self.encoder = encoder
        self._meaning, self._terms, self._run = rubric.meaning, rubric.terms, rubric.repetition.run_words
        self._meant: dict[str, Meant] = {}

    def read(self, texts: Iterable[str]) -> None:
        """Encode many texts together, which is faster than one by one."""
        new = [text for text in dict.fromkeys(map(self._plain, texts)) if text not in self._meant]
        if new:
            encoded = self.encoder.tokens(new, min(self._meaning.layer, self.encoder.layers))
            self._meant |= {text: _meant(text, tokens) for text, tokens in zip(new, encoded, strict=True)}

    def of(self, text: str) -> Meant:
        """A text, encoded now unless it was read before."""
        self.read([text])
        return self._meant[self._plain(text)]

    def forget(self) -> None:
        """Let go of what was read so far; every word of it takes some kilobytes."""
        self._meant.clear()

    def _plain(self, text: str) -> str:
        """The text without what it says again: that adds no meaning, and an endless answer would take minutes to read."""
        return without_repeats(normal(text), self._run)

    def measures(self, asked: Said, reference: Meant, answer: Meant) -> dict[str, float]:
        """`alignment`, and `context`: cosine of the weighted means of the word vectors."""
        if not answer.said.words or not reference.said.words:
            return dict.fromkeys(MEANING, 0.0)
        weights = [word_weights(self._terms, one.said, asked) for one in (reference, answer)]
        means = [unit(own.astype(np.float32) @ one.vectors) for own, one in zip(weights, (reference, answer), strict=True)]
        return {"alignment": self._alignment(reference, answer, weights[0]), "context": max(0.0, float(means[0] @ means[1]))}

    def _alignment(self, reference: Meant, answer: Meant, weights: Weights) -> float:
        """Weighted share of the reference's words that the answer has: 1 for the word itself, else by the closest one's cosine."""
        closest = (reference.vectors @ answer.vectors.T).max(axis=1)
        far, near = self._meaning.unrelated, self._meaning.same
        values = np.maximum(found_words(self._terms, reference.said.stems, answer.said.stems), np.clip((closest - far) / (near - far), 0, 1))
        return float(values @ weights / weights.sum())


def _meant(text: str, tokens: Encoded) -> Meant:
    spans, vectors = _word_vectors(text, tokens)
    return Meant(said(" ".join(text[start:end] for start, end in spans)), vectors)


def _word_vectors(text: str, tokens: Encoded) -> tuple[list[tuple[int, int]], Array]:
    """Each word's characters and the mean of its pieces' vectors (unit length); words the encoder dropped are left out."""
    spans: list[tuple[int, int]] = []
    rows: list[Array] = []
    at = 0
    for _, start, end in placed_words(text):
        while at < len(tokens.spans) and tokens.spans[at][1] <= start:
            at += 1
        last = at
        while last < len(tokens.spans) and tokens.spans[last][0] < end:
            last += 1
        if last > at:
            spans.append((start, end))
            rows.append(tokens.vectors[at:last].mean(axis=0))
    return spans, unit(np.array(rows, dtype=np.float32).reshape(len(rows), tokens.vectors.shape[1]))
