"""What this room does for others: mark further answers to the questions of an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradus.config import Config
from gradus.evaluate.content import load_grader, yardstick
from gradus.evaluate.marking import mark_all
from gradus.models import Answer
from gradus.results import AnswerRow


def marker(config: Config, rows: Sequence[AnswerRow]) -> Callable[[Sequence[Answer]], list[float]]:
    """A function that gives every answer its percentage, as 07_evaluate does: one answer a row, in the order of the rows."""
    rubric, understanding = load_grader(config.evaluate)
    yards = [yardstick(rubric.content, row.kind, row.question, row.reference, understanding) for row in rows]

    def marks(answers: Sequence[Answer]) -> list[float]:
        given = [(yard, answer.text, answer.finished) for yard, answer in zip(yards, answers, strict=True)]
        return [found.percent for found in mark_all(rubric, given)]

    return marks
