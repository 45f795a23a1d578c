"""What this room does for others: mark further answers to the questions of an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradus.config import Config
from gradus.embedding import load_encoder
from gradus.evaluate.content import settle, yardstick
from gradus.evaluate.marking import announce, mark
from gradus.evaluate.rubric import load_rubric, rubric_path
from gradus.models import Answer
from gradus.results import AnswerRow


def marker(config: Config, rows: Sequence[AnswerRow]) -> Callable[[Sequence[Answer]], list[float]]:
    """A function that gives every answer its percentage, as 07_evaluate does: one answer a row, in the order of the rows."""
    settings = config.evaluate
    rubric, understanding = settle(load_rubric(rubric_path(settings.rubric)), load_encoder(settings.embedding))
    yards = [yardstick(rubric.content, row.kind, row.question, row.reference, understanding) for row in rows]

    def marks(answers: Sequence[Answer]) -> list[float]:
        announce((yard, answer.text) for yard, answer in zip(yards, answers, strict=True))
        return [mark(rubric, yard, answer.text, answer.finished).percent for yard, answer in zip(yards, answers, strict=True)]

    return marks
