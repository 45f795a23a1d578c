"""Whether a variant stays true to its original; each check gives the reason to drop it, or None."""

from __future__ import annotations

from gradus.augment.preserved import first_change, first_invention, without_code
from gradus.augment.similar import similarity, words_of
from gradus.config.schema import Augment
from gradus.language import likeliest_language
from gradus.shingles import tokens


def question_objection(question: str, wording: str, settings: Augment) -> str | None:
    """Why a free wording of a question cannot be used, without a look at other questions."""
    if not wording.strip():
        return "empty"
    if changed := first_change(question, wording):
        return f"{changed} changed"
    if similarity(words_of(question), words_of(wording)) < settings.minimum_similarity:
        return "too unlike its original"
    return "another language" if _other_language(question, wording, settings) else None


def answer_objection(original: str, answer: str, source: str, length: str, settings: Augment) -> str | None:
    """Why a rewritten answer cannot be used: it must have its length and say nothing that `source` does not hold.

    Support is the share of its distinct words (code left out, case folded) that stand in `source`.
    """
    words = len(tokens(answer))
    least, most = getattr(settings.length_ratios, length)
    if not words:
        return "empty"
    if not least <= words / max(len(tokens(original)), 1) <= most:
        return "length out of its band"
    if invented := first_invention(source, answer):
        return f"{invented} invented"
    said = set(tokens(without_code(answer)))
    if said and len(said & set(tokens(source))) / len(said) < settings.minimum_support:
        return "says what its source does not"
    if similarity(words_of(original), words_of(answer)) > settings.maximum_similarity:
        return "too like its original"
    return "another language" if _other_language(original, answer, settings) else None


def _other_language(original: str, variant: str, settings: Augment) -> bool:
    """Whether the prose of both is long enough to tell its language, the detector is sure of it, and it is not the same."""
    prose = [" ".join(without_code(text).split()) for text in (original, variant)]
    if min(len(tokens(text)) for text in prose) < settings.language_words:
        return False
    (first, sure), (second, as_sure) = map(likeliest_language, prose)
    return first != second and min(sure, as_sure) >= settings.language_confidence
