"""The rows of the report's tables, ready to be shown: numbers as text, with their bars and whether they are good news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gradus.report import numbers as n
from gradus.report.changes import separable
from gradus.report.drawing import bars
from gradus.report.labels import criterion, hint
from gradus.report.sources import Sources
from gradus.report.upstream import Statistics
from gradus.results import AnswerRow, Evaluation, ModelScores, Score
from gradus.structure import STRUCTURES, structures

NOTHING = Markup("")


@dataclass(frozen=True)
class Compared:
    """One measure of both models; `verdict` is `good`, `bad` or '' (neither, or not to be judged)."""

    label: str
    base: str
    tuned: str
    change: str
    verdict: str = ""
    hint: str = ""
    base_note: str = ""
    tuned_note: str = ""
    bars: Markup = NOTHING


@dataclass(frozen=True)
class CriterionRow:
    """One criterion of formatting or content."""

    label: str
    hint: str
    counted: int
    base: float | None
    tuned: float | None
    target: float | None
    reached: bool | None
    factor: bool
    """Whether it multiplies the others instead of being one of them."""
    spread: str
    """The interval of `tuned`, '' when there is none."""
    bars: Markup


@dataclass(frozen=True)
class LearnedRow:
    """Share of answers with a structure: in the training data, the references, and what the models wrote."""

    label: str
    training: float
    reference: float
    base: float
    tuned: float
    bars: Markup


def compared(sources: Sources) -> list[Compared]:
    """The main measures of both models side by side; of a withheld grade those that the rubric has no part in."""
    evaluation = sources.evaluation
    base, tuned = evaluation.base, evaluation.tuned
    if evaluation.grade.letter is None:
        return _details(base, tuned)
    looks, says = separable(sources, lambda answer: answer.formatting), separable(sources, lambda answer: answer.content)
    scores = [_score("Formatting", base.formatting, tuned.formatting, judged=looks), _score("Content", base.content, tuned.content, judged=says)]
    return [_overall(evaluation), *scores, *_details(base, tuned)]


def _overall(evaluation: Evaluation) -> Compared:
    base, tuned, duel = evaluation.base, evaluation.tuned, evaluation.comparison
    return Compared(
        "Overall",
        n.percent(base.percent),
        n.percent(tuned.percent),
        n.signed(duel.difference),
        verdict(duel.difference) if evaluation.grade.separable else "",
        "formatting and content, weighed",
        _graded(base),
        _graded(tuned),
        bars(base.percent / 100, tuned.percent / 100, None if evaluation.rubric.target is None else evaluation.rubric.target / 100),
    )


def _graded(model: ModelScores) -> str:
    letter = f"{n.letter(model.letter)}, " if model.letter else ""
    return f"{letter}{n.interval(model.interval)}"


def _score(label: str, base: Score, tuned: Score, *, judged: bool) -> Compared:
    change = tuned.value - base.value
    return Compared(
        label,
        n.decimal(base.value),
        n.decimal(tuned.value),
        n.signed(change, 2),
        verdict(change, 0.005) if judged else "",
        "" if tuned.target is None else f"target {n.decimal(tuned.target)}",
        n.interval(base.interval, 2),
        n.interval(tuned.interval, 2),
        bars(base.value, tuned.value, tuned.target),
    )


def _details(base: ModelScores, tuned: ModelScores) -> list[Compared]:
    ended = tuned.finished - base.finished
    bits = tuned.likelihood.bits_per_byte - base.likelihood.bits_per_byte
    loss = tuned.likelihood.loss - base.likelihood.loss
    empty, longer = tuned.empty - base.empty, tuned.mean_tokens - base.mean_tokens
    return [
        Compared(
            "Not cut at the limit", n.share(base.finished), n.share(tuned.finished), n.signed(100 * ended, 0),
            hint="of all answers, empty ones too", bars=bars(base.finished, tuned.finished),
        ),
        Compared("Empty answers", n.count(base.empty), n.count(tuned.empty), n.signed(empty, 0), verdict(-empty)),
        Compared(
            "Bits per byte", n.decimal(base.likelihood.bits_per_byte), n.decimal(tuned.likelihood.bits_per_byte), n.signed(bits, 2),
            verdict(-bits, 0.005), "of the reference answers under the model; less is better",
        ),
        Compared(
            "Loss on the references", n.decimal(base.likelihood.loss), n.decimal(tuned.likelihood.loss), n.signed(loss, 2), verdict(-loss, 0.005),
            "nats per token; less is better",
        ),
        Compared("Tokens an answer", n.decimal(base.mean_tokens, 0), n.decimal(tuned.mean_tokens, 0), n.signed(longer, 0), hint="mean"),
        Compared(
            "Tokens a second", n.decimal(base.tokens_per_second, 0), n.decimal(tuned.tokens_per_second, 0),
            n.signed(tuned.tokens_per_second - base.tokens_per_second, 0), hint="generated in batches",
        ),
    ]  # fmt: skip


def verdict(gain: float, least: float = 0.0) -> str:
    """`good` for a gain, `bad` for a loss, '' for what rounds to nothing."""
    return "good" if gain > least else "bad" if gain < -least else ""


def target_met(score: Score) -> bool | None:
    """Whether a whole score reaches its target; None when the rubric sets none."""
    return None if score.target is None else score.value >= score.target


def criteria(base: Score, tuned: Score) -> list[CriterionRow]:
    """Every criterion of a score that counted for some answer."""
    before = {part.name: part.value for part in base.parts}
    return [
        CriterionRow(
            criterion(part.name), hint(part.name), part.counted, before.get(part.name), part.value, part.target, part.reached, part.factor,
            n.interval(part.interval, 2), bars(before.get(part.name), part.value, part.target),
        )
        for part in tuned.parts
        if part.counted
    ]  # fmt: skip


def learned(statistics: Statistics, answers: Sequence[AnswerRow]) -> list[LearnedRow]:
    """For each Markdown structure how often it was in the training answers and how often it came out; structures nobody used are left out."""
    if not answers:
        return []
    references, base, tuned = (
        [structures(text) for text in texts]
        for texts in ([a.reference for a in answers], [a.base.text for a in answers], [a.tuned.text for a in answers])
    )
    rows = []
    for name in STRUCTURES:
        trained = statistics.structure.get(name)
        in_reference, in_base, in_tuned = (sum(name in found for found in group) / len(answers) for group in (references, base, tuned))
        if trained is not None and any((trained, in_reference, in_base, in_tuned)):
            rows.append(LearnedRow(criterion(name), trained, in_reference, in_base, in_tuned, bars(in_base, in_tuned, trained)))
    return rows


def summary_line(sources: Sources) -> str:
    """The grade in one line, for titles and the screen."""
    grade = sources.evaluation.grade
    return "Grade withheld" if grade.letter is None else f"Grade {grade.letter} ({n.percent(grade.percent)})"
