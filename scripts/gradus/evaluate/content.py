"""How much of the reference's content an answer holds. docs/GRADING.md tells why these measures and how they were weighed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from gradus.config.evaluate import Evaluate
from gradus.embedding import Encoder, load_encoder
from gradus.evaluate.meaning import Meant, Understanding
from gradus.evaluate.overlap import Said, Weights, overlaps, rouge_l, said, word_weights
from gradus.evaluate.rubric import EXACT, MEANING, OVERLAPS, Content, Rubric, load_rubric, rubric_path
from gradus.evaluate.words import identifiers, numbers, repeated_share
from gradus.structure import Structure, parse

T = TypeVar("T")
FACTORS = ("repetition", "brevity", "echo")


@dataclass(frozen=True)
class Yardstick:
    """A question and its reference, prepared for measuring answers against it."""

    kind: str
    question: str
    structure: Structure
    asked: Said
    said: Said
    weights: Weights
    """What each word of the reference counts."""
    numbers: frozenset[Decimal]
    identifiers: frozenset[str]
    meant: Meant | None
    """None without a sentence encoder."""
    understanding: Understanding | None


def load_grader(settings: Evaluate) -> tuple[Rubric, Understanding | None]:
    """The rubric and the encoder that the settings name, as `settle` gives them. Raises what reading either raises."""
    return settle(load_rubric(rubric_path(settings.rubric)), load_encoder(settings.embedding))


def settle(rubric: Rubric, encoder: Encoder | None) -> tuple[Rubric, Understanding | None]:
    """The rubric with the weights that fit, and what understands meaning: without an encoder, words alone count."""
    return (rubric, Understanding(encoder, rubric.content)) if encoder else (rubric.by_words(), None)


def yardstick(rubric: Content, kind: str, question: str, reference: str, understanding: Understanding | None) -> Yardstick:
    """Prepare a reference. Numbers and identifiers of the question are none of the reference's: they are known already."""
    structure = parse(reference)
    asked, own = said(question), said(structure.text)
    return Yardstick(
        kind=kind,
        question=question,
        structure=structure,
        asked=asked,
        said=own,
        weights=word_weights(rubric.terms, own, asked),
        numbers=numbers(structure.text) - numbers(question),
        identifiers=identifiers(structure.code) - identifiers([question]),
        meant=understanding.of(structure.text) if understanding else None,
        understanding=understanding,
    )


def content_parts(rubric: Content, yard: Yardstick, answer: Structure) -> dict[str, float]:
    """Measure to value in [0, 1] on the rubric's scale, and the factors on their mean (1: no penalty).

    Numbers and identifiers are absent when the reference has none of its own; measures of meaning without an encoder.
    The reference must hold a word. Raises ValueError when the rubric weighs meaning and nothing here understands it.
    """
    if rubric.measures.weighs_meaning and yard.understanding is None:
        raise ValueError("this rubric weighs meaning, and there is no encoder: take the one that settle() gives")
    found = said(answer.text)
    parts = {name: getattr(rubric.measures, name).value(value) for name, value in raw_measures(rubric, yard, answer, found).items()}
    parts["repetition"] = _repetition(yard.said.words, found.words, rubric.repetition.run_words)
    parts["brevity"] = float(min(1.0, len(found.words) / len(yard.said.words)) ** rubric.brevity)
    parts["echo"] = _echo(rubric.echo_from, yard, found)
    return parts


def content_score(rubric: Content, parts: Mapping[str, float]) -> float:
    """The graded measures' mean, `full` of it being 1, bent by `curve`; averaged with the exact ones; times the factors."""
    weights = content_weights(rubric)
    graded = [name for name in (*MEANING, *OVERLAPS) if weights[name]]
    share = sum(weights[name] for name in graded)
    mean = sum(weights[name] * parts[name] for name in graded) / share
    held = share * min(1.0, mean / rubric.full) ** rubric.curve
    exact = [name for name in EXACT if name in parts]
    score = (held + sum(weights[name] * parts[name] for name in exact)) / (share + sum(weights[name] for name in exact))
    return float(score * math.prod(parts[name] for name in FACTORS))


def content_weights(rubric: Content) -> dict[str, float]:
    """Weight of each content measure, in the rubric's order; the factors are not among them."""
    return {name: getattr(rubric.measures, name).weight for name in type(rubric.measures).model_fields}


def raw_measures(rubric: Content, yard: Yardstick, answer: Structure, found: Said) -> dict[str, float]:
    """Every measure that applies, before the rubric's scale; `found` is what the answer's text says."""
    raw: dict[str, float] = {}
    if yard.understanding and yard.meant:
        raw |= yard.understanding.measures(yard.asked, yard.meant, yard.understanding.of(answer.text))
    raw |= overlaps(rubric.terms, yard.asked, yard.said, yard.weights, found)
    if yard.numbers:
        raw["numbers"] = _recall(yard.numbers, numbers(answer.text))
    if yard.identifiers:
        raw["identifiers"] = _recall(yard.identifiers, identifiers([answer.text]))
    return raw


def _recall(wanted: frozenset[T], found: frozenset[T]) -> float:
    return len(wanted & found) / len(wanted)


def _echo(limit: float, yard: Yardstick, answer: Said) -> float:
    """1 unless the answer is the question over again: it falls from ROUGE-L `limit` with the question to 0 at 1.

    A reference that is close to its question itself moves the limit.
    """
    allowed = min(1 - limit, 1 - rouge_l(yard.asked, yard.said))
    own = 1 - rouge_l(yard.asked, answer)
    return 1.0 if own >= allowed else own / allowed


def _repetition(reference: list[str], answer: list[str], run: int) -> float:
    """The share of an answer's word runs that are new, against that of the reference: 1 unless it repeats more."""
    return min(1.0, (1 - repeated_share(answer, run)) / (1 - repeated_share(reference, run)))
