"""The optional judge: absolute scores and pairs in both orders, beside the grade; it never changes the letter.

Showing each pair twice with the places exchanged takes out the preference that models have for a place (Zheng et al.
2023, "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena", section 3.4); how often both agree is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from gradus.config.evaluate import Judge
from gradus.errors import GradusError
from gradus.evaluate.judge_prompts import Case, Prompts, passage
from gradus.evaluate.questions import Question
from gradus.evaluate.rubric import rubric_path
from gradus.files import iter_jsonl, sha256_file
from gradus.interval import Interval
from gradus.judgement import Judged, JudgeScore, Pairs, PairVerdict, Verdict
from gradus.records import document_from_dict, example_from_dict
from gradus.results import AnswerRow, ScoredAnswer
from gradus.statistics import draw, interval
from gradus.step import StepContext, Summary
from gradus.teacher import Failure, Request, Teacher, Usage, as_summary, ask_json, cache_of, estimate, open_teacher

EXAMPLES, DOCUMENTS = "04_augment/examples.jsonl", "01_collect/documents.jsonl"
Task = Literal["base_first", "tuned_first", "base", "tuned", "current"]


@dataclass(frozen=True)
class Inquiry:
    """One request about the answers of one row: a pair in one order, or the score of one model."""

    row: int
    task: Task
    request: Request


def judge_rows(context: StepContext, rows: Sequence[AnswerRow]) -> tuple[list[AnswerRow], Judged | None]:
    """The rows with the judge's verdicts, and the sum of them; unchanged and None when the judge is off.

    Raises:
        UserError: when the judge cannot be reached at all. GradusError: when its first requests all failed.
    """
    settings = context.config.evaluate.judge
    if settings.kind == "off":
        return list(rows), None
    inquiries = inquiries_of(rows, find_cases(context, rows), Prompts(settings, context.config.run.seed))
    with open_judge(settings, context.workspace) as teacher:
        values = dict(ask_json(teacher, [inquiry.request for inquiry in inquiries]))
        name, usage = teacher.name, teacher.usage
    said: dict[tuple[int, str], Any] = {(one.row, one.task): values[number] for number, one in enumerate(inquiries)}
    marked = [_marked(row, {task: value for (at, task), value in said.items() if at == index}) for index, row in enumerate(rows)]
    unusable = Counter(value.reason for value in said.values() if isinstance(value, Failure))
    return marked, _judged(context, marked, name, usage, dict(unusable.most_common()))


@contextmanager
def open_judge(settings: Judge, workspace: Path) -> Iterator[Teacher]:
    """The judge of the settings; errors name its own keys. Raises what `open_teacher` and asking raise."""
    try:
        with open_teacher(settings, cache_of(workspace)) as teacher:
            yield teacher
    except GradusError as error:
        what, where, cure = (_own_key(text) for text in (error.what, error.where, error.cure))
        raise type(error)(what, where=where, cure=cure) from error


def _own_key(text: str) -> str:
    return text.replace("extract.teacher", "evaluate.judge")


def estimate_lines(requests: Sequence[Request], settings: Judge, workspace: Path) -> Summary:
    """What these requests would take of the judge, for a dry run."""
    lines = as_summary(estimate(requests, settings, cache_of(workspace)))
    return {key.replace("teacher", "judge"): _own_key(str(value)) for key, value in lines.items()}


def find_cases(context: StepContext, rows: Sequence[AnswerRow]) -> list[Case]:
    """Question, reference and the passage of the document that supports it, for each row."""
    wanted = {row.id: row.document_id for row in rows}
    spans = {one.id: one.span for one in iter_jsonl(context.input(EXAMPLES), example_from_dict) if one.id in wanted}
    ids = set(wanted.values())
    texts = {one.id: one.text for one in iter_jsonl(context.input(DOCUMENTS), document_from_dict) if one.id in ids}
    most = context.config.evaluate.judge.source_characters
    return [Case(row.question, row.reference, passage(texts.get(row.document_id, ""), spans.get(row.id, (0, 0)), most)) for row in rows]


def inquiries_of(rows: Sequence[AnswerRow], cases: Sequence[Case], prompts: Prompts) -> list[Inquiry]:
    """Every request: each answer's score, and each pair in both orders unless its answers are the same."""
    made: list[Inquiry] = []
    for index, (row, case) in enumerate(zip(rows, cases, strict=True)):
        base, tuned = row.base.text, row.tuned.text
        if base != tuned:
            made += [
                Inquiry(index, "base_first", prompts.pair(case, base, tuned)),
                Inquiry(index, "tuned_first", prompts.pair(case, tuned, base)),
            ]
        made += [Inquiry(index, "base", prompts.score(case, base)), Inquiry(index, "tuned", prompts.score(case, tuned))]
        if row.current:
            made.append(Inquiry(index, "current", prompts.score(case, row.current.text)))
    return made


def _marked(row: AnswerRow, said: dict[str, Any]) -> AnswerRow:
    usable = {task: value for task, value in said.items() if not isinstance(value, Failure)}

    def scored(who: str, answer: ScoredAnswer) -> ScoredAnswer:
        return replace(answer, judge=usable[who]["score"] if who in usable else None)

    pair = None
    if "base_first" in said:
        named: dict[str, Verdict | None] = {order: _verdict(usable.get(order), order) for order in ("base_first", "tuned_first")}
        reasons = tuple(usable[order]["reason"] for order in named if order in usable)
        pair = PairVerdict(named["base_first"], named["tuned_first"], reasons)
    current = scored("current", row.current) if row.current else None
    return replace(row, base=scored("base", row.base), tuned=scored("tuned", row.tuned), current=current, judge=pair)


def _verdict(value: dict[str, Any] | None, order: str) -> Verdict | None:
    """Which model the judge named, from the place it named."""
    if value is None or value["verdict"] == "tie":
        return "tie" if value else None
    return "base" if (value["verdict"] == "first") == (order == "base_first") else "tuned"


def _judged(context: StepContext, rows: Sequence[AnswerRow], name: str, usage: Usage, unusable: dict[str, int]) -> Judged:
    settings = context.config.evaluate.judge
    spread = _Spread(context)
    each: dict[str, list[ScoredAnswer | None]] = {who: [getattr(row, who) for row in rows] for who in ("base", "tuned", "current")}
    scores = {who: score for who, answers in each.items() if (score := _score(rows, answers, spread))}
    return Judged(
        name=name,
        rubric=settings.rubric,
        rubric_sha256=sha256_file(rubric_path(settings.rubric)),
        pairs=_pairs(rows, spread),
        scores=scores,
        requests=usage.requests,
        cached=usage.cached,
        unusable=unusable,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cost=usage.cost,
    )


class _Spread:
    """Bootstrap intervals of means over some of the rows, by document."""

    def __init__(self, context: StepContext) -> None:
        self._samples, self._seed = context.config.evaluate.bootstrap_samples, context.config.run.seed

    def of(self, rows: Sequence[AnswerRow], values: Sequence[float], highest: float) -> Interval:
        return interval(draw([row.document_id for row in rows], self._samples, self._seed), values, 0, highest)


def _score(rows: Sequence[AnswerRow], answers: Sequence[ScoredAnswer | None], spread: _Spread) -> JudgeScore | None:
    known = [(row, answer.judge) for row, answer in zip(rows, answers, strict=True) if answer and answer.judge is not None]
    if not known:
        return None
    values = [float(value) for _, value in known]
    return JudgeScore(fmean(values), spread.of([row for row, _ in known], values, 5), len(known))


def _pairs(rows: Sequence[AnswerRow], spread: _Spread) -> Pairs:
    asked = [(row, row.judge) for row in rows if row.judge]
    counted = [(row, pair, pair.outcome) for row, pair in asked if pair.outcome]
    outcomes = Counter(outcome for _, _, outcome in counted)
    gains = [{"tuned": 1.0, "tie": 0.5, "base": 0.0}[outcome] for _, _, outcome in counted]
    places = [first for _, pair in asked for first in _first_places(pair)]
    return Pairs(
        wins=outcomes["tuned"],
        ties=outcomes["tie"],
        losses=outcomes["base"],
        win_rate=fmean(gains) if gains else None,
        interval=spread.of([row for row, _, _ in counted], gains, 1) if gains else None,
        agreement=fmean(pair.base_first == pair.tuned_first for _, pair, _ in counted) if counted else None,
        first_place=fmean(places) if places else None,
        same=len(rows) - len(asked),
        incomplete=len(asked) - len(counted),
    )


def _first_places(pair: PairVerdict) -> list[bool]:
    """For each verdict that names an answer, whether it stood first."""
    return [named == order for named, order in ((pair.base_first, "base"), (pair.tuned_first, "tuned")) if named not in (None, "tie")]


def judge_plan(context: StepContext, questions: Sequence[Question]) -> Summary:
    """What the judge would take, for a dry run: no answer is there yet, so each is counted as long as its reference."""
    settings = context.config.evaluate.judge
    stand_in = [ScoredAnswer(q.reference, True, 0, 0.0, 0.0, 0.0, {}, None) for q in questions]
    other = [replace(one, text=one.text + " ") for one in stand_in]
    rows = [AnswerRow(q.id, q.kind, q.group, q.document_id, q.text, q.reference, a, b) for q, a, b in zip(questions, stand_in, other, strict=True)]
    inquiries = inquiries_of(rows, find_cases(context, rows), Prompts(settings, context.config.run.seed))
    return estimate_lines([inquiry.request for inquiry in inquiries], settings, context.workspace)
