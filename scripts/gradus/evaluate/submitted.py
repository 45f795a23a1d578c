"""Grade the answers of a CSV file, and compare with the expected scores where there are some."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from gradus.agreement import Agreement, agreement
from gradus.config import Config
from gradus.config.evaluate import Submissions
from gradus.evaluate.content import Yardstick, load_grader, yardstick
from gradus.evaluate.feedback import PointMark, feedback, state_of
from gradus.evaluate.judge_prompts import Case, Prompts
from gradus.evaluate.judging import estimate_lines, open_judge
from gradus.evaluate.marking import mark_all
from gradus.evaluate.meaning import Understanding
from gradus.evaluate.rubric import Rubric
from gradus.evaluate.submissions import BadRow, KeyPoint, Submission, listed, read_submissions
from gradus.step import Summary, workspace_of
from gradus.structure import parse
from gradus.teacher import Failure, Request, ask_json

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
KIND = "submission"
YARDSTICKS = 200  # kept: many answers to a question follow each other


@dataclass(frozen=True)
class Graded:
    """One graded answer; `score` runs from 0 to `maximum`, the other scores from 0 to 1, the judge's from 0 to 5."""

    line: int
    id: str
    question: str
    answer: str
    score: float
    maximum: float
    content: float
    """Against the guide: the earned share of its points."""
    formatting: float
    expected: float | None
    points: tuple[PointMark, ...]
    feedback: tuple[str, ...]
    judge: int | None = None
    judge_reason: str | None = None


@dataclass(frozen=True)
class SubmissionResults:
    """The whole of `submissions.json`. The agreements are with the expected scores, all put on the configured scale."""

    file: str
    graded: int
    bad_rows: tuple[BadRow, ...]
    ignored_columns: tuple[str, ...]
    embedding: str | None
    """The sentence encoder behind the scores; None when words alone count."""
    mean_percent: float
    agreement: Agreement | None
    """None when no row has an expected score."""
    judge: str | None
    judge_agreement: Agreement | None
    judge_unusable: dict[str, int]
    """Verdicts that could not be used, by reason."""
    answers: tuple[Graded, ...]


class Marker:
    """Marks answers against a reference or a marking guide."""

    def __init__(self, rubric: Rubric, understanding: Understanding | None, settings: Submissions) -> None:
        self._rubric, self._understanding, self._settings = rubric, understanding, settings
        self._yardstick = lru_cache(YARDSTICKS)(partial(_yardstick, rubric, understanding))

    def grade(self, one: Submission) -> Graded:
        """Score and feedback of one answer."""
        whole = self._yardstick(one.question, _reference_of(one))
        (marks,) = mark_all(self._rubric, [(whole, one.answer, True)])
        yards = [self._yardstick(one.question, point.text) for point in one.guide]
        parts = [] if marks.empty else windows(one.answer)
        points = tuple(self._point(point, yard, parts) for point, yard in zip(one.guide, yards, strict=True))
        share = sum(point.earned for point in points) / one.maximum if points else marks.content
        told = feedback(self._rubric, self._settings, yards or [whole], points, marks, one.question, one.answer)
        if self._understanding:
            self._understanding.forget()  # the sentences of one answer are of no use for the next
        return Graded(
            line=one.line,
            id=one.id,
            question=one.question,
            answer=one.answer,
            score=share * one.maximum,
            maximum=one.maximum,
            content=share,
            formatting=marks.formatting,
            expected=one.expected,
            points=points,
            feedback=told,
        )

    def _point(self, point: KeyPoint, yard: Yardstick, parts: Sequence[str]) -> PointMark:
        """How far the answer has a key point: the best of its parts counts, so what it says beyond costs nothing."""
        found = max((marks.content for marks in mark_all(self._rubric, [(yard, part, True) for part in parts])), default=0.0)
        return PointMark(point.text, point.points, point.points * found, state_of(found, self._settings))


def _yardstick(rubric: Rubric, understanding: Understanding | None, question: str, reference: str) -> Yardstick:
    return yardstick(rubric.content, KIND, question, reference, understanding)


def _reference_of(one: Submission) -> str:
    """The reference, or without one the key points as a text."""
    return one.reference if one.reference.strip() else "\n\n".join(point.text for point in one.guide)


def _case(one: Submission) -> Case:
    """What a judge sees: the reference and the guide."""
    guide = "\n".join(f"- {point.points:g} points: {point.text}" for point in one.guide)
    return Case(one.question, "\n\n".join(part for part in (one.reference.strip(), guide) if part), "")


def windows(answer: str) -> list[str]:
    """The whole text, each of its sentences, and each two in a row."""
    sentences = [part.strip() for part in _SENTENCE.split(parse(answer).text) if part.strip()]
    return list(dict.fromkeys([answer, *sentences, *(f"{a} {b}" for a, b in pairwise(sentences))]))


def grade_file(config: Config, path: Path) -> SubmissionResults:
    """Grade every row that can be; nothing is written but the judge's cache.

    Raises:
        UserError: when the file cannot be used, or the judge cannot be reached.
    """
    settings = config.evaluate
    read = read_submissions(path, settings.submissions.scale)
    rubric, understanding = load_grader(settings)
    marker = Marker(rubric, understanding, settings.submissions)
    graded = [marker.grade(one) for one in read.submissions]
    judge, graded, unusable = _judge(config, read.submissions, graded)
    return SubmissionResults(
        file=path.name,
        graded=len(graded),
        bad_rows=read.bad_rows,
        ignored_columns=read.ignored_columns,
        embedding=understanding.encoder.name if understanding else None,
        mean_percent=100 * sum(one.score / one.maximum for one in graded) / len(graded),
        agreement=_agreement(config, graded, [one.score / one.maximum for one in graded]),
        judge=judge,
        judge_agreement=_agreement(config, graded, [None if one.judge is None else one.judge / 5 for one in graded]),
        judge_unusable=unusable,
        answers=tuple(graded),
    )


def _agreement(config: Config, graded: Sequence[Graded], shares: Sequence[float | None]) -> Agreement | None:
    """With the expected scores, where both are there; a guide's points are put on the configured scale."""
    scale = config.evaluate.submissions.scale
    both = [(share, one.expected / one.maximum) for one, share in zip(graded, shares, strict=True) if one.expected is not None and share is not None]
    return agreement([scale * a for a, _ in both], [scale * b for _, b in both], scale) if both else None


def _requests(config: Config, submissions: Sequence[Submission]) -> list[Request]:
    prompts = Prompts(config.evaluate.judge, config.run.seed)
    return [prompts.score(_case(one), one.answer) for one in submissions]


def _judge(config: Config, submissions: Sequence[Submission], graded: list[Graded]) -> tuple[str | None, list[Graded], dict[str, int]]:
    """The judge's name, the rows with its scores, and what could not be used; the rows as they are when it is off."""
    settings = config.evaluate.judge
    if settings.kind == "off":
        return None, graded, {}
    with open_judge(settings, workspace_of(config)) as teacher:
        said = dict(ask_json(teacher, _requests(config, submissions)))
        name = teacher.name
    failures = Counter(value.reason for value in said.values() if isinstance(value, Failure))
    return name, [_with_judge(one, said[index]) for index, one in enumerate(graded)], dict(failures)


def _with_judge(one: Graded, value: Any) -> Graded:
    return one if isinstance(value, Failure) else replace(one, judge=value["score"], judge_reason=value["reason"])


def submissions_plan(config: Config, path: Path) -> Summary:
    """What a dry run tells: the rows, and what the judge would take."""
    read = read_submissions(path, config.evaluate.submissions.scale)
    summary: Summary = {"rows to grade": len(read.submissions), "bad rows": listed(read.bad_rows) or "none"}
    if config.evaluate.judge.kind != "off":
        summary |= estimate_lines(_requests(config, read.submissions), config.evaluate.judge, workspace_of(config))
    return summary
