"""Whether an answer is supported by the text it was drawn from: every statement is looked for, and gets a score.

A word of a statement is supported by a unit of the text (a sentence, list item or table row) that holds it, as far as
that unit also holds the words around it in the statement; the words are weighed by their rarity in the text. So a
name or number that stands in the text, but next to other words, has little support. The score of a statement is the
lesser of the mean support of its words and the least support of a number, name or identifier in it. Code must stand in
the text as it is, and a statement that contradicts the unit most like it (a negation, an opposite, two things
exchanged), or gives a number another measure than the text does, scores 0. No model takes part, so the score judges
words and not meaning: a paraphrase in entirely other words is rejected, and a false statement made of one sentence's
own words may pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradus.config.teach import Grounding
from gradus.extract.grounding.contradiction import contradiction
from gradus.extract.grounding.evidence import Evidence
from gradus.extract.grounding.statements import Statement, statements_of
from gradus.extract.grounding.words import Term, terms_of

_ANNOUNCING_WORDS = 4  # `With these options the command ...:` has as many; longer ones state something
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Judgement:
    """The least score of an answer's statements, 0 to 1, that statement and why it scores so low.

    `score` is None when nothing in the answer can be checked. `span` is the range of the text that supports the answer
    best: from the first to the last of its statements' best units.
    """

    score: float | None
    statement: str
    reason: str
    span: tuple[int, int]


@dataclass(frozen=True)
class _Support:
    """`score` is None for what states nothing; `span` the best unit."""

    score: float | None
    reason: str = ""
    span: tuple[int, int] | None = None


def judge(answer: str, evidence: Evidence, settings: Grounding) -> Judgement:
    """How far the text supports the answer."""
    found = [(statement, _support(statement, evidence, settings)) for statement in statements_of(answer)]
    spans = [support.span for _, support in found if support.span] or [(0, len(evidence.text))]
    span = (min(start for start, _ in spans), max(end for _, end in spans))
    scored = [(support.score, statement.text, support.reason) for statement, support in found if support.score is not None]
    if not scored:
        return Judgement(None, answer, "no statement that can be checked", span)
    score, text, reason = min(scored, key=lambda entry: entry[0])
    return Judgement(round(score, 4), text, reason, span)


def _support(statement: Statement, evidence: Evidence, settings: Grounding) -> _Support:
    if statement.kind == "code":
        return _Support(1.0) if evidence.holds_code(statement.text) else _Support(0.0, "code that is not in the text")
    terms = terms_of(statement.text)
    if terms and (span := evidence.verbatim(statement.text)):
        return _Support(1.0, "", span)
    if statement.kind == "announcement":
        return _announcement(statement.text, terms, evidence, settings)
    return _prose(statement.text, terms, evidence, settings) if terms and evidence.units else _Support(None)


def _announcement(text: str, terms: list[Term], evidence: Evidence, settings: Grounding) -> _Support:
    """`f takes two parameters:` states little, and its number counts what follows; only its names must be there.

    One of more words states something by itself and is judged as a sentence, but for its numbers.
    """
    words = [term for term in terms if not (term.hard and term.stem.replace(".", "").isdigit())]
    if len(words) > _ANNOUNCING_WORDS and evidence.units:
        return _prose(text, words, evidence, settings)
    names = [term for term in words if term.hard]
    absent = [name for name in names if not any(unit.holds(name) for unit in (*evidence.units, evidence.around))]
    return _Support(0.0, f"'{absent[0].shown}' is not in the text") if absent else _Support(None)


def _prose(text: str, terms: list[Term], evidence: Evidence, settings: Grounding) -> _Support:
    """Rows of the matrices are units, columns the words of the statement."""
    held = np.array([[float(unit.holds(term)) for term in terms] for unit in evidence.units])
    headed = np.array([float(evidence.around.holds(term)) for term in terms])
    above = np.vstack([np.zeros(len(terms)), held[:-1]])
    match = np.maximum(held, settings.borrowed * np.maximum(above, headed))
    weights = np.array([evidence.weight(term) for term in terms])
    shares = match @ weights
    best = evidence.units[int(shares.argmax())]
    span = (best.start, best.end)
    if against := contradiction(text, terms, shares, evidence):
        return _Support(0.0, against, span)
    mean = _mean(match, weights, settings.neighbours)
    hard = [(term.hard or (term.may_be_name and term.stem in evidence.names)) and not named for term, named in zip(terms, headed, strict=True)]
    least, name = _least_hard(held, match, weights, terms, hard, settings.neighbours)
    if least < mean:
        return _Support(least, f"'{name}' {'stands next to other words in the text' if least else 'is not in the text'}", span)
    return _Support(mean, "words that the text does not put together", span)


def _mean(match: Matrix, weights: Matrix, neighbours: int) -> float:
    """The weighted mean of the words' support: of its best unit, the share of the weight of a word's surroundings, itself included."""
    near = (_distances(len(weights)) <= neighbours).astype(float)
    support = (match * (match * weights @ near / (weights @ near))).max(axis=0)
    return min(float(support @ weights / weights.sum()), 1.0)


def _least_hard(held: Matrix, match: Matrix, weights: Matrix, terms: list[Term], hard: list[bool], neighbours: int) -> tuple[float, str]:
    """The least support of a number, name or identifier (`hard`): its neighbours count by 1 / distance, itself not."""
    distances = _distances(len(terms))
    near = np.where((distances > 0) & (distances <= neighbours), 1 / np.maximum(distances, 1), 0.0)
    around = match * weights @ near / (weights @ near) if len(terms) > 1 else np.ones_like(match)
    support = (held * around).max(axis=0)
    return min(((float(s), t.shown) for s, t, counts in zip(support, terms, hard, strict=True) if counts), default=(1.0, ""))


def _distances(count: int) -> Matrix:
    return np.abs(np.subtract.outer(np.arange(count, dtype=np.float64), np.arange(count, dtype=np.float64)))
