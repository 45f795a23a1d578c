"""The grade of every model: the questions of 07_evaluate once more, marked by 07_evaluate itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gradus.backend import nn
from gradus.chat import Messages
from gradus.errors import GradusError
from gradus.files import iter_jsonl
from gradus.models import Answer, generate_answers
from gradus.results import AnswerRow, Evaluation, Interval, ScaleStep, read_answers
from gradus.statistics import Draws, draw, interval, permutation_p
from gradus.step import StepContext

MARKER = "07_evaluate/marker"
TOLERANCE = 1e-6  # percentage points
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exam:
    """The graded questions, and how answers to them are marked."""

    prompts: list[Messages]
    tuned: list[float]
    """Percentages of base + adapter, question by question, as 07_evaluate found them."""
    mark: Callable[[Sequence[Answer]], list[float]]
    """Percentage of each answer."""
    scale: tuple[ScaleStep, ...]
    draws: Draws
    seed: int
    max_tokens: int
    batch_size: int


@dataclass(frozen=True)
class Graded:
    """One model's marks."""

    percent: float
    letter: str
    marks: tuple[float, ...]
    """Percentage of each answer."""


@dataclass(frozen=True)
class GradeDifference:
    """Two models on the same questions, paired: the second minus the first, in percentage points."""

    difference: float
    interval: Interval
    p_value: float


def read_exam(context: StepContext) -> Exam | None:
    """The exam of this run; None when grading is off or 07_evaluate withheld its grade.

    Raises:
        GradusError: when its marks of base + adapter are not found again, so that grades could not be compared.
    """
    evaluation = Evaluation.from_json(context.input("07_evaluate/evaluation.json"))
    if not context.config.quantize.grade or evaluation.grade.withheld:
        if evaluation.grade.withheld:
            log.warning("No grades: 07_evaluate withheld that of base + adapter (%s).", evaluation.grade.withheld)
        return None
    rows, settings = read_answers(context.input("07_evaluate/answers.jsonl")), context.config.evaluate
    exam = Exam(
        prompts=_prompts(context, rows),
        tuned=[row.tuned.percent for row in rows],
        mark=context.services[MARKER](context.config, rows),
        scale=tuple(sorted(evaluation.rubric.scale, key=lambda step: -step.percent)),
        draws=draw([row.document_id for row in rows], settings.bootstrap_samples, context.config.run.seed),
        seed=context.config.run.seed,
        max_tokens=evaluation.max_tokens,
        batch_size=settings.batch_size,
    )
    _same_marks(exam, [Answer(row.tuned.text, row.tuned.finished, row.tuned.tokens) for row in rows])
    return exam


def _prompts(context: StepContext, rows: Sequence[AnswerRow]) -> list[Messages]:
    """What each question was asked with: its conversation but for the reference answer."""
    by_id = {row["id"]: row["messages"][:-1] for row in iter_jsonl(context.input("05_prepare/test.jsonl"), dict)}
    return [[{"role": turn["role"], "content": turn["content"]} for turn in by_id[row.id]] for row in rows]


def _same_marks(exam: Exam, answers: Sequence[Answer]) -> None:
    """Marked again, the answers of base + adapter must get what they got."""
    off = max(abs(a - b) for a, b in zip(exam.mark(answers), exam.tuned, strict=True))
    if off > TOLERANCE:
        what = f"an answer of base + adapter is marked {off:.1f} points off its mark in the evaluation, so grades cannot be compared"
        raise GradusError(what, where="11_quantize", cure="Run python scripts/07_evaluate.py --force, for the rubric may have changed")


def grade(exam: Exam, model: nn.Module, tokenizer: Any) -> Graded:
    """Let a model answer the graded questions."""
    answers = generate_answers(model, tokenizer, exam.prompts, max_tokens=exam.max_tokens, batch_size=exam.batch_size)
    return graded(exam, exam.mark(answers))


def graded(exam: Exam, marks: Sequence[float]) -> Graded:
    """Percentage and letter from the marks of single answers."""
    percent = sum(marks) / len(marks)
    shown = round(percent, 1)  # the letter is that of the percentage as it is shown, as in 07_evaluate
    return Graded(percent, next(step.letter for step in exam.scale if shown >= step.percent), tuple(marks))


def grade_difference(exam: Exam, before: Graded, after: Graded) -> GradeDifference:
    """How much the second model is above the first."""
    differences = [b - a for a, b in zip(before.marks, after.marks, strict=True)]
    mean = sum(differences) / len(differences)
    return GradeDifference(mean, interval(exam.draws, differences, -100.0, 100.0), permutation_p(exam.draws, differences, exam.seed))
