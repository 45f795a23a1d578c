"""Variants of an example: made by templates or by the teacher, and kept when they are true to it and unlike all others."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gradus.augment.candidate import TEMPLATE, Candidate, Dropped
from gradus.augment.checks import answer_objection, question_objection
from gradus.augment.preserved import first_difference
from gradus.augment.similar import QuestionIndex
from gradus.augment.templates import rewordings
from gradus.config.schema import Augment
from gradus.files import sha256_text
from gradus.records import Example


@dataclass
class Augmented:
    """Originals, each followed by its variants; what was dropped; originals no template fits, by kind."""

    examples: list[Example] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    without_template: Counter[str] = field(default_factory=Counter)


def add_variants(
    originals: Sequence[Example], settings: Augment, seed: int, candidates: Mapping[str, Sequence[Candidate]] | None = None, teacher: str = ""
) -> Augmented:
    """Give every original up to `settings.question_variants` wordings by templates, drawn from `seed` and its id, and the teacher's.

    Args:
        candidates: the teacher's variants by the id of their original.
        teacher: its name, for the provenance of what it wrote.
    """
    of_teacher = candidates or {}
    by_template = {original.id: _by_template(original, seed) if settings.question_variants else [] for original in originals}
    trial = _Trial(originals, [c for group in (by_template, of_teacher) for found in group.values() for c in found], settings)
    result = Augmented()
    for original in originals:
        result.examples.append(original)
        result.without_template.update([] if by_template[original.id] else [original.kind])
        kept = trial.keep(by_template[original.id], settings.question_variants, result.dropped)
        result.examples += [_variant(candidate, {}) for candidate in kept]
        written = of_teacher.get(original.id, ())
        result.examples += [_variant(candidate, {"teacher": teacher}) for candidate in trial.keep(written, len(written), result.dropped)]
    return result


def _by_template(original: Example, seed: int) -> list[Candidate]:
    wordings = rewordings(original.question)
    random.Random(f"{seed}:{original.id}").shuffle(wordings)
    return [Candidate(original, TEMPLATE, wording, original.answer) for wording in wordings]


class _Trial:
    """Judges candidates one after the other; each that is kept stands against the next."""

    def __init__(self, originals: Sequence[Example], candidates: Sequence[Candidate], settings: Augment) -> None:
        self._settings = settings
        upcoming = (candidate.question for candidate in candidates)
        self._index = QuestionIndex((example.question for example in originals), settings.maximum_similarity, upcoming)
        self._asked = {_folded(example.question) for example in originals}

    def keep(self, candidates: Sequence[Candidate], wanted: int, dropped: list[Dropped]) -> list[Candidate]:
        """The first `wanted` candidates that pass; those that fail on the way go to `dropped`."""
        kept: list[Candidate] = []
        for candidate in candidates:
            if len(kept) == wanted:
                break
            reason = self._objection(candidate)
            if reason is None:
                self._index.add(candidate.question)
                self._asked.add(_folded(candidate.question))
                kept.append(candidate)
            else:
                answer = candidate.answer if candidate.length else ""
                dropped.append(Dropped(candidate.original.id, candidate.method, reason, candidate.question, answer))
        return kept

    def _objection(self, candidate: Candidate) -> str | None:
        """Why a candidate cannot be used, or None."""
        question = candidate.original.question
        if candidate.method == TEMPLATE:
            changed = first_difference(question, candidate.question)
            reason = f"{changed} changed" if changed else None
        else:
            reason = question_objection(question, candidate.question, self._settings)
        if reason:
            return reason
        if not candidate.length:
            return "too like another question" if self._index.has_similar(candidate.question) else None
        # Its answer differs, so its question may be alike; but one question with two answers would teach neither.
        if _folded(candidate.question) in self._asked:
            return "asks the same with another answer"
        return answer_objection(candidate.original.answer, candidate.answer, candidate.source, candidate.length, self._settings)


def _folded(question: str) -> str:
    return " ".join(question.casefold().split())


def _variant(candidate: Candidate, provenance: dict[str, str]) -> Example:
    original = candidate.original
    content = candidate.question if not candidate.length else f"{candidate.question}\n{candidate.answer}"
    name = sha256_text(f"{original.id}\n{content}")[:16]
    meta = {**original.meta, "variant": candidate.method, **provenance}
    return replace(original, id=name, question=candidate.question, answer=candidate.answer, origin_id=original.origin_id, meta=meta)
