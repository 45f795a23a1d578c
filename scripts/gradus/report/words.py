"""What changed, in words: sentences made from the numbers by fixed rules, no model involved."""

from __future__ import annotations

from dataclasses import dataclass

from gradus.report import numbers as n
from gradus.report.labels import spoken
from gradus.report.sources import Sources
from gradus.results import Evaluation, Part


@dataclass(frozen=True)
class Change:
    """A criterion as both models scored it; both values were measured."""

    name: str
    base: float
    tuned: float

    @property
    def gain(self) -> float:
        """Tuned minus base."""
        return self.tuned - self.base

    def __str__(self) -> str:
        return f"{spoken(self.name)} {n.share(self.base)} to {n.share(self.tuned)}"


def summary(sources: Sources) -> list[str]:
    """The sentences under the first one, most important first; what was not measured is not spoken of."""
    evaluation = sources.evaluation
    lines = [*_criteria(evaluation), _likelihood(evaluation), _loss(sources)]
    return [line for line in lines if line]


def lead(evaluation: Evaluation) -> str:
    """The first sentence: both grades and whether they differ."""
    base, tuned, pair = evaluation.base, evaluation.tuned, evaluation.comparison
    if evaluation.grade.letter is None:
        return "No grade is given: the grader failed its own controls in this run, so its percentages say nothing."
    spread = f"{n.signed(pair.interval.low)} to {n.signed(pair.interval.high)}"
    difference = f"{n.signed(pair.difference)} points (95{n.THIN}% interval {spread}, {n.p_value(pair.p_value)})"
    reached = f"the tuned model reaches {n.percent(tuned.percent)}, the base {n.percent(base.percent)}"
    said = f"On {evaluation.questions} held-out questions {reached}: {difference}."
    if evaluation.grade.separable:
        return said
    return f"{said} {'Chance alone can make that difference.' if pair.difference else 'They do not differ.'}"


def duel(evaluation: Evaluation) -> str:
    """Questions won, tied and lost, and how many it takes to see that."""
    counts = evaluation.comparison
    said = f"Question by question the tuned model is better on {counts.wins}, equal on {counts.ties}, worse on {counts.losses}."
    if counts.questions_needed is None:
        return said
    return f"{said} About {n.count(counts.questions_needed)} questions like these would show a difference of this size."


def changes(evaluation: Evaluation) -> list[Change]:
    """Every criterion that both models were scored on, largest gain first; penalties, which are 1 for most answers, are none."""
    found = []
    for section in ("formatting", "content"):
        base: dict[str, Part] = {part.name: part for part in getattr(evaluation.base, section).parts}
        for part in getattr(evaluation.tuned, section).parts:
            before = base[part.name].value if part.name in base else None
            if not part.factor and before is not None and part.value is not None:
                found.append(Change(part.name, before, part.value))
    return sorted(found, key=lambda change: -change.gain)


def _criteria(evaluation: Evaluation, most: int = 3) -> list[str]:
    """Largest gains and losses that show when rounded to whole per cent."""
    found = [change for change in changes(evaluation) if round(100 * change.base) != round(100 * change.tuned)]
    gained = [str(change) for change in found if change.gain > 0][:most]
    lost = [str(change) for change in reversed(found) if change.gain < 0][:most]
    return [f"{verb}: {', '.join(listed)}." for verb, listed in (("Most gained", gained), ("Lost", lost)) if listed]


def _likelihood(evaluation: Evaluation) -> str:
    base, tuned = evaluation.base.likelihood.bits_per_byte, evaluation.tuned.likelihood.bits_per_byte
    return f"The reference answers cost the tuned model {n.decimal(tuned)} bits per byte, the base {n.decimal(base)}; less is better."


def _loss(sources: Sources) -> str:
    best, first = sources.curve.best, sources.metadata.first_valid_loss
    if best is None or first is None:
        return ""
    if best.loss >= first:
        return f"Validation loss was never below the {n.decimal(first)} from before training."
    values = f"from {n.decimal(first)} to {n.decimal(best.loss)} at its best"
    return f"Validation loss fell {values}, at iteration {best.iteration} of {sources.metadata.iterations}."
