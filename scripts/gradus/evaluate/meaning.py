"""Measures of meaning by a sentence encoder.

Alignment follows BERTScore's recall (Zhang et al. 2020): each word of the reference is matched with the answer's closest
one by contextual vectors. The question is read before both texts, so that "it" and "the second" have their meaning, and
as in Sultan et al. 2016 ("Fast and Easy Short Answer Grading with High Accuracy") words it gives away count less.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from gradus.embedding import Array, Encoded, Encoder, unit
from gradus.evaluate.overlap import Said, Weights, found_words, said, word_weights
from gradus.evaluate.rubric import Content
from gradus.evaluate.words import normal, placed_words, without_repeats


@dataclass(frozen=True)
class Meant:
    """One text as the encoder understands it after its question."""

    said: Said
    """The words that have a vector."""
    vectors: Array
    """Words x width, unit length."""
    weights: Weights
    sentence: Array
    """Unit vector of the whole text by itself, the question's direction taken out in part."""


class Understanding:
    """The encoder with what it has read so far: a text is encoded once, and many at a time when they are announced."""

    def __init__(self, encoder: Encoder, rubric: Content) -> None:
        self.name = encoder.name
        self._encoder, self._meaning, self._terms, self._run = encoder, rubric.meaning, rubric.terms, rubric.repetition.run_words
        self._sentences: dict[str, Array] = {}
        self._meant: dict[tuple[str, str], Meant] = {}

    def read(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Encode many (question, text) pairs together, which is faster than one by one."""
        new = [pair for pair in dict.fromkeys((normal(question), self._plain(text)) for question, text in pairs) if pair not in self._meant]
        texts = [text for text in dict.fromkeys(text for pair in new for text in pair) if text not in self._sentences]
        if texts:
            self._sentences |= dict(zip(texts, self._encoder.sentences(texts), strict=True))
        if new:
            layer = min(self._meaning.layer, self._encoder.layers)
            encoded = self._encoder.tokens([text for _, text in new], [question for question, _ in new], layer)
            self._meant |= {pair: self._make(*pair, tokens) for pair, tokens in zip(new, encoded, strict=True)}

    def of(self, question: str, text: str) -> Meant:
        """A text after its question."""
        self.read([(question, text)])
        return self._meant[normal(question), self._plain(text)]

    def _plain(self, text: str) -> str:
        """The text without what it says again: that adds no meaning, and an endless answer would take minutes to read."""
        return without_repeats(normal(text), self._run)

    def _make(self, question: str, text: str, tokens: Encoded) -> Meant:
        spans, vectors = _word_vectors(text, tokens)
        own = said(" ".join(text[start:end] for start, end in spans))
        asked = self._sentences[question]
        sentence = self._sentences[text]
        demoted = sentence - self._meaning.asked_direction * float(sentence @ asked) * asked
        return Meant(own, vectors, word_weights(self._terms, own, said(question)), unit(demoted))

    def measures(self, reference: Meant, answer: Meant) -> dict[str, float]:
        """`alignment`, `context` (cosine of the weighted mean of the word vectors) and `similarity` (of the sentence vectors)."""
        if not answer.said.words or not reference.said.words:
            return dict.fromkeys(("alignment", "context", "similarity"), 0.0)
        means = [unit(one.weights.astype(np.float32) @ one.vectors) for one in (reference, answer)]
        return {
            "alignment": self._alignment(reference, answer),
            "context": _cosine(*means),
            "similarity": _cosine(reference.sentence, answer.sentence),
        }

    def _alignment(self, reference: Meant, answer: Meant) -> float:
        """Weighted share of the reference's words that the answer has: 1 for the word itself, else by the closest one's cosine."""
        closest = (reference.vectors @ answer.vectors.T).max(axis=1)
        far, near = self._meaning.unrelated, self._meaning.same
        values = np.maximum(found_words(self._terms, reference.said.stems, answer.said.stems), np.clip((closest - far) / (near - far), 0, 1))
        return float(values @ reference.weights / reference.weights.sum())


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


def _cosine(one: Sequence[float] | Array, other: Sequence[float] | Array) -> float:
    return max(0.0, float(np.dot(one, other)))
