"""Measures of overlap in words between an answer and its reference, each in [0, 1].

ROUGE-L is the F-measure over the longest common subsequence of words (Lin 2004, "ROUGE: A Package for Automatic
Evaluation of Summaries"); token F1 is that of SQuAD (Rajpurkar et al. 2016), both here over stems.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import LCSseq, Levenshtein

from gradus.evaluate.rubric import Terms
from gradus.evaluate.words import fragments, rarity, stems, words

Weights = NDArray[np.float64]


@dataclass(frozen=True)
class Said:
    """A text taken apart for comparison."""

    words: list[str]
    stems: list[str]
    fragments: set[str]


def said(text: str) -> Said:
    """Take a text without markup apart."""
    found = words(text)
    return Said(found, stems(found), fragments(found))


def word_weights(terms: Terms, text: Said, question: Said) -> Weights:
    """What each word of a text counts: its rarity, less when the question gives it away."""
    asked = set(question.stems)
    weights = [rarity(word, terms.common) * (terms.asked if stem in asked else 1.0) for word, stem in zip(text.words, text.stems, strict=True)]
    return np.array(weights)


def found_words(terms: Terms, reference: Sequence[str], answer: Sequence[str]) -> NDArray[np.bool_]:
    """Which stems of the reference the answer has, one slip of spelling in a long word forgiven."""
    there = set(answer)
    long = [stem for stem in there if len(stem) >= terms.spelling_length]
    return np.array([stem in there or _misspelt(terms, stem, long) for stem in reference], dtype=np.bool_)


def _misspelt(terms: Terms, stem: str, candidates: Sequence[str]) -> bool:
    if len(stem) < terms.spelling_length or not stem.isalpha():
        return False
    return process.extractOne(stem, candidates, scorer=Levenshtein.normalized_similarity, score_cutoff=terms.spelling_likeness) is not None


def overlaps(terms: Terms, question: Said, reference: Said, weights: Weights, answer: Said) -> dict[str, float]:
    """Every measure of overlap, by its name in the rubric. An answer without words gets 0 in all."""
    if not answer.words:
        return dict.fromkeys(("key_terms", "fragments", "token_f1", "rouge_l", "consistency"), 0.0)
    one, other = reference.stems, answer.stems
    size = len(one) + len(other)
    jaccard = len(set(one) & set(other)) / len(set(one) | set(other))
    ratio = min(len(one), len(other)) / max(len(one), len(other))
    # the F-measure of precision n/len(answer) and recall n/len(reference) is 2n over the sum of the lengths
    return {
        "key_terms": float(weights @ found_words(terms, one, other) / weights.sum()),
        "fragments": _fragments(terms, question, reference, answer),
        "token_f1": 2 * sum((Counter(one) & Counter(other)).values()) / size,
        "rouge_l": rouge_l(reference, answer),
        "consistency": math.sqrt(jaccard * ratio),
    }


def rouge_l(one: Said, other: Said) -> float:
    """ROUGE-L, which is symmetric as an F-measure; 0 when neither has a word."""
    size = len(one.stems) + len(other.stems)
    return 2 * float(LCSseq.similarity(one.stems, other.stems)) / size if size else 0.0


def _fragments(terms: Terms, question: Said, reference: Said, answer: Said) -> float:
    """Recall of character fragments; those of the question count less."""
    known = reference.fragments & question.fragments
    total = len(reference.fragments) - (1 - terms.asked) * len(known)
    shared = reference.fragments & answer.fragments
    return (len(shared) - (1 - terms.asked) * len(shared & known)) / total if total else 0.0
