"""How much of the reference's content an answer holds.

ROUGE-L is the F-measure over the longest common subsequence of words (Lin 2004, "ROUGE: A Package for Automatic
Evaluation of Summaries"); token F1 is that of SQuAD (Rajpurkar et al. 2016) without its removal of English articles.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from rapidfuzz.distance import LCSseq

from gradus.evaluate.rubric import Content
from gradus.evaluate.structure import Structure, parse
from gradus.evaluate.words import Rarity, identifiers, numbers, repeated_share, words

T = TypeVar("T")


@dataclass(frozen=True)
class Yardstick:
    """A question and its reference, prepared for measuring answers against it."""

    kind: str
    structure: Structure
    words: list[str]
    key_terms: dict[str, float]
    """Words of the reference that the question does not give away, with their rarity."""
    numbers: frozenset[Decimal]
    identifiers: frozenset[str]


def yardstick(kind: str, question: str, reference: str, rarity: Rarity) -> Yardstick:
    """Prepare a reference. What stands in the question is no key term, number or identifier: it is known already."""
    structure = parse(reference)
    found = words(structure.text)
    asked = words(question)
    terms = set(found) - set(asked) or set(found)
    return Yardstick(
        kind, structure, found, {word: rarity.of(word) for word in sorted(terms)},
        numbers(structure.text) - numbers(question), identifiers(structure.code) - identifiers([question]),
    )  # fmt: skip


def content_parts(rubric: Content, yard: Yardstick, answer: Structure) -> dict[str, float]:
    """Measure to value in [0, 1] on the rubric's scale, and `repetition`, the factor on their mean (1: no penalty).

    Numbers and identifiers are absent when the reference has none of its own. The reference must hold a word.
    """
    found = words(answer.text)
    raw = _overlaps(yard.words, found) | {"key_terms": _key_terms(yard.key_terms, set(found))}
    if yard.numbers:
        raw["numbers"] = _recall(yard.numbers, numbers(answer.text))
    if yard.identifiers:
        raw["identifiers"] = _recall(yard.identifiers, identifiers([answer.text]))
    parts = {name: getattr(rubric.measures, name).value(value) for name, value in raw.items()}
    parts["repetition"] = _repetition(yard.words, found, rubric.repetition.run_words)
    return parts


def _overlaps(reference: list[str], answer: list[str]) -> dict[str, float]:
    """ROUGE-L, token F1, and consistency: the geometric mean of the word sets' Jaccard index and the length ratio."""
    if not reference or not answer:
        return {"rouge_l": 0.0, "token_f1": 0.0, "consistency": 0.0}
    size = len(reference) + len(answer)
    shared = sum((Counter(reference) & Counter(answer)).values())
    jaccard = len(set(reference) & set(answer)) / len(set(reference) | set(answer))
    ratio = min(len(reference), len(answer)) / max(len(reference), len(answer))
    # the F-measure of precision n/len(answer) and recall n/len(reference) is 2n over the sum of the lengths
    return {
        "rouge_l": 2 * LCSseq.similarity(reference, answer) / size,
        "token_f1": 2 * shared / size,
        "consistency": math.sqrt(jaccard * ratio),
    }


def _key_terms(terms: dict[str, float], found: set[str]) -> float:
    total = sum(terms.values())
    return sum(weight for word, weight in terms.items() if word in found) / total if total else 0.0


def _recall(wanted: frozenset[T], found: frozenset[T]) -> float:
    return len(wanted & found) / len(wanted)


def _repetition(reference: list[str], answer: list[str], run: int) -> float:
    """The share of an answer's word runs that are new, against that of the reference: 1 unless it repeats more."""
    return min(1.0, (1 - repeated_share(answer, run)) / (1 - repeated_share(reference, run)))
