"""Variants of an example: its question in other words, everything else as it was."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gradus.augment.preserved import first_difference
from gradus.augment.similar import QuestionIndex
from gradus.augment.templates import rewordings
from gradus.config.schema import Augment
from gradus.files import sha256_text
from gradus.records import Example

TEMPLATE = "question template"


@dataclass(frozen=True)
class Augmented:
    """Originals, each followed by its variants; wordings that were dropped, by reason; originals no template fits, by kind."""

    examples: list[Example]
    dropped: Counter[str]
    without_template: Counter[str]


def add_variants(originals: Sequence[Example], settings: Augment, seed: int) -> Augmented:
    """Give every original up to `settings.question_variants` other wordings, drawn from `seed` and its id."""
    index = QuestionIndex((example.question for example in originals), settings.maximum_similarity)
    result = Augmented([], Counter(), Counter())
    for original in originals:
        result.examples.append(original)
        wordings = rewordings(original.question) if settings.question_variants else []
        result.without_template.update([] if wordings else [original.kind])
        random.Random(f"{seed}:{original.id}").shuffle(wordings)
        result.examples.extend(_variants(original, wordings, index, settings.question_variants, result.dropped))
    return result


def _variants(original: Example, wordings: Sequence[str], index: QuestionIndex, wanted: int, dropped: Counter[str]) -> list[Example]:
    """The first `wanted` wordings that are true to the original and unlike every other question."""
    variants: list[Example] = []
    for wording in wordings:
        if len(variants) == wanted:
            break
        reason = _objection(original.question, wording, index)
        if reason:
            dropped[reason] += 1
        else:
            index.add(wording)
            variants.append(_variant(original, wording))
    return variants


def _objection(question: str, wording: str, index: QuestionIndex) -> str | None:
    """Why a wording cannot be used, or None."""
    changed = first_difference(question, wording)
    if changed:
        return f"{changed} changed"
    return "too like another question" if index.has_similar(wording) else None


def _variant(original: Example, question: str) -> Example:
    name = sha256_text(f"{original.id}\n{question}")[:16]
    return replace(original, id=name, question=question, origin_id=original.origin_id, meta={**original.meta, "variant": TEMPLATE})
