"""The work of 07_evaluate: choose questions, ask the models, mark, judge, compare, grade, write."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gradus.chat import prompt_hash
from gradus.evaluate import STEP
from gradus.evaluate.answering import Asked
from gradus.evaluate.content import Yardstick, load_grader, yardstick
from gradus.evaluate.contestants import ask_all
from gradus.evaluate.controls import KINDS, broken, run_controls
from gradus.evaluate.judging import judge_plan, judge_rows
from gradus.evaluate.marking import Marks, mark_all
from gradus.evaluate.meaning import Understanding
from gradus.evaluate.questions import HeldOut, Question, held_out
from gradus.evaluate.rivals import Rival, find_rival
from gradus.evaluate.rubric import Rubric, rubric_path
from gradus.evaluate.shown import shown
from gradus.evaluate.summary import breakdown, compare, grade, length_of, model_scores, regressions
from gradus.files import read_json, sha256_file, write_json, write_jsonl
from gradus.log import progress
from gradus.models import Answer, Likelihood
from gradus.records import Base
from gradus.results import AnswerRow, Control, CurrentModel, Evaluation, RubricInfo, ScaleStep, ScoredAnswer, Slice
from gradus.statistics import draw
from gradus.step import StepContext


@dataclass(frozen=True)
class _Test:
    """What both models are asked, and what their answers are measured against."""

    held_out: HeldOut
    yards: list[Yardstick]
    understanding: Understanding | None
    """None when words alone count."""

    @property
    def questions(self) -> list[Question]:
        """What is asked."""
        return self.held_out.questions


def evaluate(context: StepContext) -> dict[str, Any]:
    """Grade the tuned model; writes `evaluation.json` and `answers.jsonl` and returns the summary."""
    rubric, understanding = load_grader(context.config.evaluate)
    test = _test(context, rubric, understanding)
    base = Base(**read_json(context.input("05_prepare/base.json")))
    rival = find_rival(context)
    asked = ask_all(context, base, test.questions, rival)
    with progress("Marking", len(asked)) as advance:
        marks = {}
        for who, found in asked.items():
            advance(0, who)
            marks[who] = _mark_all(rubric, test, found)
            advance(1, who)
    rows, judged = judge_rows(context, _rows(test.questions, asked, marks))
    evaluation = replace(_evaluation(context, rubric, test, base, asked, marks, rows, rival), judge=judged)
    write_jsonl(context.out / "answers.jsonl", (row.to_json() for row in rows))
    write_json(context.out / "evaluation.json", evaluation.to_json())
    shutil.rmtree(context.out / "parts")
    return shown(evaluation)


def _test(context: StepContext, rubric: Rubric, understanding: Understanding | None) -> _Test:
    chosen = _held_out(context)
    yards = [yardstick(rubric.content, question.kind, question.text, question.reference, understanding) for question in chosen.questions]
    return _Test(chosen, yards, understanding)


def _held_out(context: StepContext) -> HeldOut:
    return held_out(context.input("05_prepare/test.jsonl"), context.config.evaluate.questions, context.config.run.seed)


def plan(context: StepContext) -> dict[str, Any]:
    """What the judge would take, for a dry run; nothing when it is off."""
    return {} if context.config.evaluate.judge.kind == "off" else judge_plan(context, _held_out(context).questions)


def _mark_all(rubric: Rubric, test: _Test, asked: Asked) -> list[Marks]:
    return mark_all(rubric, [(yard, answer.text, answer.finished) for yard, answer in zip(test.yards, asked.answers, strict=True)])


def _rows(questions: Sequence[Question], asked: dict[str, Asked], marks: dict[str, list[Marks]]) -> list[AnswerRow]:
    scored = {who: list(map(_scored, found.answers, found.likelihoods, marks[who])) for who, found in asked.items()}
    return [_row(question, {who: each[index] for who, each in scored.items()}) for index, question in enumerate(questions)]


def _row(question: Question, scored: dict[str, ScoredAnswer]) -> AnswerRow:
    return AnswerRow(
        question.id, question.kind, question.group, question.document_id, question.text, question.reference,
        scored["base"], scored["tuned"], scored.get("current"), asked=prompt_hash(question.prompt),
    )  # fmt: skip


def _scored(answer: Answer, likelihood: Likelihood | None, marks: Marks) -> ScoredAnswer:
    return ScoredAnswer(
        text=answer.text,
        finished=answer.finished,
        tokens=answer.tokens,
        percent=marks.percent,
        formatting=marks.formatting,
        content=marks.content,
        parts=marks.formatting_parts | marks.content_parts,
        bits_per_byte=likelihood.bits_per_byte if likelihood else None,
    )


def _evaluation(
    context: StepContext, rubric: Rubric, test: _Test, base: Base, asked: dict[str, Asked], marks: dict[str, list[Marks]], rows: list[AnswerRow],
    rival: Rival,
) -> Evaluation:  # fmt: skip
    settings, seed = context.config.evaluate, context.config.run.seed
    draws = draw([question.document_id for question in test.questions], settings.bootstrap_samples, seed)
    controls = run_controls(rubric, test.questions, test.yards)
    withheld = broken(controls)
    scores = {who: model_scores(rubric, asked[who], marks[who], draws, withheld=withheld is not None) for who in asked}
    against = {who: compare(rubric, marks[who], marks["tuned"], draws, seed) for who in asked if who != "tuned"}

    def by(key: Callable[[AnswerRow], str]) -> tuple[Slice, ...]:
        return breakdown(rows, key, settings.bootstrap_samples, seed)

    return Evaluation(
        run=context.config.run.name,
        grade=grade(rubric, scores["tuned"], against["base"], withheld),
        base=scores["base"],
        tuned=scores["tuned"],
        comparison=against["base"],
        controls=controls,
        kinds=by(lambda row: row.kind),
        groups=by(lambda row: row.group),
        base_model=base,
        questions=len(rows),
        available=test.held_out.available,
        max_tokens=settings.max_tokens,
        seed=seed,
        rubric=_info(rubric, settings.rubric),
        embedding=test.understanding.encoder.name if test.understanding else None,
        encoder_sha256=test.understanding.encoder.sha256 if test.understanding else None,
        version=STEP.version,
        notes=tuple(_notes(rubric, test, asked["base"], controls, len(draws.members), settings.max_tokens, rival)),
        documents=by(lambda row: row.document_id),
        lengths=by(lambda row: length_of(row.reference, settings.length_words)),
        regressions=regressions(rubric, rows),
        current=CurrentModel(rival.version, scores["current"], against["current"]) if rival.version else None,
    )


def _info(rubric: Rubric, name: str) -> RubricInfo:
    scale = tuple(ScaleStep(letter, percent) for letter, percent in rubric.scale.items())
    return RubricInfo(name, sha256_file(rubric_path(name)), rubric.target, scale)


def _notes(
    rubric: Rubric, test: _Test, asked: Asked, controls: Sequence[Control], documents: int, max_tokens: int, rival: Rival
) -> list[str]:  # fmt: skip
    """What makes the numbers rougher than they look."""
    notes = []
    if len(test.questions) < rubric.statistics.few_questions:
        notes.append(f"Only {len(test.questions)} questions from {documents} documents: the intervals are rough.")
    if documents < 2:
        notes.append("All questions are about one document: nothing can be said about others, so the intervals span everything.")
    if test.held_out.skipped:
        notes.append(f"Held-out questions left out because their reference answer holds no word: {test.held_out.skipped}.")
    if long := sum(one.tokens > max_tokens for one in asked.likelihoods if one):
        notes.append(f"Reference answers longer than evaluate.max_tokens: {long}. An answer of their length is cut and counts as unfinished.")
    if missing := sum(one is None for one in asked.likelihoods):
        notes.append(f"Questions that fill prepare.max_tokens alone: {missing}. The likelihood of their reference was not computed.")
    if left_out := [kind.name for kind in KINDS if kind.name not in {control.name for control in controls}]:
        notes.append(f"Controls that these questions give nothing to make of: {', '.join(left_out)}.")
    return [*notes, rival.note] if rival.note else notes
