"""What changed, in words: sentences made from the numbers by fixed rules, no model involved."""

from __future__ import annotations

from gradus.report import numbers as n
from gradus.report.changes import changes
from gradus.report.sources import Sources
from gradus.results import Evaluation


def summary(sources: Sources) -> list[str]:
    """The sentences under the first one, most important first; what was not measured is not spoken of."""
    evaluation = sources.evaluation
    graded = [] if evaluation.grade.letter is None else _criteria(sources)
    lines = [*graded, _likelihood(evaluation), _loss(sources)]
    return [line for line in lines if line]


def lead(evaluation: Evaluation) -> str:
    """The first sentence: both grades and whether they differ."""
    base, tuned, pair = evaluation.base, evaluation.tuned, evaluation.comparison
    if evaluation.grade.letter is None:
        return "No grade is given: the grader failed its own controls in this run, so what it scored says nothing and is not shown."
    spread = f"95{n.THIN}% interval {n.interval(pair.interval, difference=True)}" if pair.interval.told else "the same for every document"
    difference = f"{n.signed(pair.difference)} points ({spread}, {n.p_value(pair.p_value)})"
    reached = f"the tuned model reaches {n.percent(tuned.percent)}, the base {n.percent(base.percent)}"
    said = f"On {evaluation.questions} held-out questions {reached}: {difference}."
    if evaluation.grade.separable:
        return said
    return f"{said} {'Chance alone can make that difference.' if pair.difference else 'They do not differ.'}"


def duel(evaluation: Evaluation) -> str:
    """Questions won, tied and lost, and how many it takes to see that; '' of a withheld grade."""
    if evaluation.grade.letter is None:
        return ""
    counts = evaluation.comparison
    said = f"Question by question the tuned model is better on {counts.wins}, equal on {counts.ties}, worse on {counts.losses}."
    if counts.questions_needed is None:
        return said
    return f"{said} About {n.count(counts.questions_needed)} questions like these would show a difference of this size."


def _criteria(sources: Sources, most: int = 3) -> list[str]:
    """Largest gains and losses that chance does not explain and that show when rounded to whole per cent."""
    if not sources.answers:
        return []
    found = [change for change in changes(sources) if round(100 * change.base) != round(100 * change.tuned)]
    gained = [str(change) for change in found if change.gain > 0][:most]
    lost = [str(change) for change in reversed(found) if change.gain < 0][:most]
    said = [f"{verb}: {', '.join(listed)}." for verb, listed in (("Most gained", gained), ("Lost", lost)) if listed]
    return said or ["No single criterion changed by more than chance can explain."]


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
