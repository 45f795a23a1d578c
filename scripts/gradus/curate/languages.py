"""The language of prose, which languages are expected, and what another one costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradus.config.schema import QualityBounds
from gradus.language import likeliest_language
from gradus.shingles import tokens

UNTOLD = ""
"""Stands for the language of prose that does not tell it."""


def language_of(prose: str, bounds: QualityBounds) -> tuple[str, float]:
    """The likeliest language as its ISO 639 code and the model's probability of it; `UNTOLD` when too short or too unsure."""
    if len(tokens(prose)) < bounds.language_words:
        return UNTOLD, 0.0
    language, confidence = likeliest_language(prose)
    return (language, round(confidence, 4)) if confidence >= bounds.language_confidence else (UNTOLD, 0.0)


def expected_languages(counts: dict[str, int], asked: Sequence[str], share: float) -> frozenset[str]:
    """The languages asked for, or else those that at least `share` of the examples with a known language are in."""
    known = {language: count for language, count in counts.items() if language != UNTOLD}
    return frozenset(asked or (language for language, count in known.items() if count >= share * sum(known.values())))


def language_signal(languages: np.ndarray, names: Sequence[str], confidence: np.ndarray, expected: frozenset[str]) -> np.ndarray:
    """Per example 1 for an expected or untold language, else the probability that it is not the one that was found.

    Args:
        languages: index into `names` of each example's language, shape `(n,)`.
        confidence: the model's probability of it, shape `(n,)`.
    """
    fine = np.array([name in expected or name == UNTOLD for name in names], bool)
    return np.where(fine[languages], 1.0, 1.0 - confidence)
