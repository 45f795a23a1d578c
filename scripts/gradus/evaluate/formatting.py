"""The formatting criteria of one answer, each counted only where the question calls for it."""

from __future__ import annotations

from gradus.evaluate.rubric import Formatting, LengthRange
from gradus.structure import Structure


def formatting_parts(rubric: Formatting, kind: str, reference: Structure, answer: Structure, finished: bool) -> dict[str, float]:
    """Criterion to value in [0, 1].

    A structure is called for when the reference has it or the rubric says so for this kind of question; then half as
    many as in the reference (`enough`) earn full marks. Length and ending always count.
    """
    asked = rubric.called_for_by_kind.get(kind, [])
    counts = {
        "lists": (reference.items, answer.items),
        "headings": (reference.headings, answer.headings),
        "tables": (reference.tables, answer.tables),
        "code": (reference.fences, answer.fences),
    }
    parts: dict[str, float] = {}
    if reference.bold or "bold" in asked:
        parts["bold"] = _bold(rubric, reference, answer)
    parts |= {name: _amount(there, here, rubric.enough) for name, (there, here) in counts.items() if there or name in asked}
    if reference.named_fences or "language" in asked:
        parts["language"] = _language(reference, answer)
    if reference.fences or answer.fences or answer.open_fences or "closed" in asked:
        parts["closed"] = float(answer.fences > 0 and not answer.open_fences)
    parts["length"] = _length(rubric.length_range, reference.visible, answer.visible)
    parts["finished"] = float(finished)
    return parts


def _amount(there: int, here: int, enough: float) -> float:
    return min(1.0, here / max(1.0, enough * there))


def _bold(rubric: Formatting, reference: Structure, answer: Structure) -> float:
    """Bold counts by amount, but an answer that is bold nearly everywhere emphasises nothing."""
    limit = max(rubric.most_bold, _bold_share(reference))
    return _amount(reference.bold, answer.bold, rubric.enough) if _bold_share(answer) <= limit else 0.0


def _bold_share(structure: Structure) -> float:
    return structure.bold_characters / structure.visible if structure.visible else 0.0


def _language(reference: Structure, answer: Structure) -> float:
    """Share of the fences that name their language, against that of the reference."""
    if not answer.fences:
        return 0.0
    wanted = reference.named_fences / reference.fences if reference.named_fences else 1.0
    return min(1.0, answer.named_fences / answer.fences / wanted)


def _length(allowed: LengthRange, reference: int, answer: int) -> float:
    """1 inside the range, as a multiple of the reference's visible characters; outside it falls with the distance."""
    ratio = answer / max(1, reference)
    return min(1.0, ratio / allowed.shortest, allowed.longest / max(ratio, allowed.longest))
