"""From the marks of single answers to the scores of a model, the comparison, the breakdown and the grade."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from gradus.errors import UserError
from gradus.evaluate.answering import Asked
from gradus.evaluate.content import FACTORS, content_weights
from gradus.evaluate.marking import Marks, formatting_weights
from gradus.evaluate.rubric import Rubric
from gradus.evaluate.words import words
from gradus.models import Likelihood
from gradus.results import AnswerRow, Comparison, Grade, Interval, ModelScores, Part, ReferenceLikelihood, Regression, Score, Slice
from gradus.statistics import Draws, draw, interval, permutation_p, questions_needed, ratio_interval
from gradus.structure import parse


def model_scores(rubric: Rubric, asked: Asked, marks: Sequence[Marks], draws: Draws, *, withheld: bool) -> ModelScores:
    """Everything one model scored. Letters are left out when the grade is withheld."""
    percents = [m.percent for m in marks]
    percent, spread = fmean(percents), interval(draws, percents, 0, 100)
    tokens = sum(answer.tokens for answer in asked.answers)
    return ModelScores(
        percent=percent,
        interval=spread,
        letter=None if withheld else rubric.letter(percent),
        letters=None if withheld else _letters(rubric, spread),
        formatting=_formatting(rubric, marks, draws),
        content=_content(rubric, marks, draws),
        likelihood=_likelihood(asked.likelihoods, draws),
        finished=fmean(answer.finished for answer in asked.answers),
        empty=sum(m.empty for m in marks),
        mean_tokens=tokens / len(asked.answers),
        tokens_per_second=tokens / asked.seconds,
        seconds=asked.seconds,
    )


def _letters(rubric: Rubric, spread: Interval) -> tuple[str, str]:
    return rubric.letter(spread.low), rubric.letter(spread.high)


def _formatting(rubric: Rubric, marks: Sequence[Marks], draws: Draws) -> Score:
    values = [m.formatting for m in marks]
    criteria = rubric.formatting.criteria
    parts = [
        _part(draws, name, weight, [m.formatting_parts for m in marks], getattr(criteria, name).target)
        for name, weight in formatting_weights(rubric).items()
    ]  # fmt: skip
    return Score(fmean(values), rubric.formatting.target, interval(draws, values, 0, 1), rubric.weights.formatting, tuple(parts))


def _content(rubric: Rubric, marks: Sequence[Marks], draws: Draws) -> Score:
    values = [m.content for m in marks]
    found = [m.content_parts for m in marks]
    parts = [_part(draws, name, weight, found) for name, weight in content_weights(rubric.content).items()]
    parts += [_part(draws, name, 1.0, found, factor=True) for name in FACTORS]
    return Score(fmean(values), rubric.content.target, interval(draws, values, 0, 1), rubric.weights.content, tuple(parts))


def _part(draws: Draws, name: str, weight: float, found: Sequence[Mapping[str, float]], target: float | None = None, *, factor: bool = False) -> Part:
    each = [parts.get(name) for parts in found]
    values = [value for value in each if value is not None]
    spread = interval(draws, each, 0, 1) if values else None
    return Part(name, fmean(values) if values else None, target, weight, len(values), factor, spread)


def _likelihood(found: Sequence[Likelihood | None], draws: Draws) -> ReferenceLikelihood:
    known = [one for one in found if one]
    if not known:
        cure = "Raise prepare.max_tokens, or shorten the questions"
        raise UserError("no question leaves room for a token of its reference answer", where="prepare.max_tokens", cure=cure)
    nats, tokens, size = sum(one.nats for one in known), sum(one.tokens for one in known), sum(one.bytes for one in known)
    bits = [one.nats / math.log(2) if one else 0.0 for one in found]
    spread = ratio_interval(draws, bits, [one.bytes if one else 0 for one in found])
    return ReferenceLikelihood(nats / tokens, math.exp(nats / tokens), sum(bits) / size, tokens, spread)


def compare(rubric: Rubric, other: Sequence[Marks], tuned: Sequence[Marks], draws: Draws, seed: int) -> Comparison:
    """Tuned against another model, question by question."""
    differences = [after.percent - before.percent for before, after in zip(other, tuned, strict=True)]
    tie = rubric.statistics.tie_points
    wins, losses = sum(d >= tie and d > 0 for d in differences), sum(is_loss(rubric, d) for d in differences)
    return Comparison(
        wins=wins,
        ties=len(differences) - wins - losses,
        losses=losses,
        difference=fmean(differences),
        interval=interval(draws, differences, -100, 100),
        p_value=permutation_p(draws, differences, seed),
        questions_needed=questions_needed(differences, draws),
    )


def grade(rubric: Rubric, tuned: ModelScores, comparison: Comparison, withheld: str | None) -> Grade:
    """The tuned model's grade, or why there is none."""
    spread = comparison.interval
    separable = comparison.p_value < rubric.statistics.significance and not spread.low <= 0 <= spread.high
    if withheld:
        return Grade(None, None, None, None, withheld, separable)
    return Grade(tuned.letter, tuned.percent, tuned.interval, tuned.letters, None, separable)


def breakdown(rows: Sequence[AnswerRow], key: Callable[[AnswerRow], str], samples: int, seed: int) -> tuple[Slice, ...]:
    """Both models' mean percentage by some property of the questions, the largest slice first."""
    slices: dict[str, list[AnswerRow]] = defaultdict(list)
    for row in rows:
        slices[key(row)].append(row)
    made = [_slice(name, own, samples, seed) for name, own in slices.items()]
    return tuple(sorted(made, key=lambda one: (-one.questions, one.name)))


def _slice(name: str, rows: Sequence[AnswerRow], samples: int, seed: int) -> Slice:
    draws = draw([row.document_id for row in rows], samples, seed)
    spread = ratio_interval(draws, [row.difference for row in rows], [1.0] * len(rows))
    return Slice(name, len(rows), fmean(row.base.percent for row in rows), fmean(row.tuned.percent for row in rows), spread)


def length_of(reference: str, bounds: Sequence[int]) -> str:
    """`short`, `medium` or `long`, by the words of a reference."""
    size = len(words(parse(reference).text))
    return "short" if size <= bounds[0] else "medium" if size <= bounds[1] else "long"


def regressions(rubric: Rubric, rows: Sequence[AnswerRow]) -> tuple[Regression, ...]:
    """The questions that the base answered better, by more than a tie; largest loss first."""
    lost = sorted((row for row in rows if is_loss(rubric, row.difference)), key=lambda row: (row.difference, row.id))
    return tuple(Regression(row.id, row.question, row.document_id, row.base.percent, row.tuned.percent, row.difference) for row in lost)


def is_loss(rubric: Rubric, difference: float) -> bool:
    """Whether a difference of percentages is below 0 by more than a tie."""
    return difference <= -rubric.statistics.tie_points and difference < 0
