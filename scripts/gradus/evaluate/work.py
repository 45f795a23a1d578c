"""The work of 07_evaluate: choose questions, ask both models, mark, compare, grade, write."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.evaluate.answering import Asked, Limits, ask
from gradus.evaluate.content import Yardstick, yardstick
from gradus.evaluate.controls import broken, run_controls
from gradus.evaluate.marking import Marks, mark
from gradus.evaluate.questions import Question, choose, gradable, read_questions
from gradus.evaluate.rubric import Rubric, load_rubric, rubric_path
from gradus.evaluate.statistics import draw
from gradus.evaluate.structure import parse
from gradus.evaluate.summary import breakdown, compare, grade, model_scores
from gradus.evaluate.words import rarity_of
from gradus.files import read_json, sha256_file, write_json, write_jsonl
from gradus.log import progress
from gradus.records import Base
from gradus.results import AnswerRow, Evaluation, RubricInfo, ScaleStep, ScoredAnswer
from gradus.step import StepContext

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Test:
    """What both models are asked, and what their answers are measured against."""

    questions: list[Question]
    yards: list[Yardstick]
    available: int
    skipped: int


def evaluate(context: StepContext) -> dict[str, Any]:
    """Grade the tuned model; writes `evaluation.json` and `answers.jsonl` and returns the summary."""
    name = context.config.evaluate.rubric
    rubric = load_rubric(rubric_path(name))
    test = _test(context)
    base = Base(**read_json(context.input("05_prepare/base.json")))
    asked = _ask_both(context, base, test.questions)
    marks = {who: _mark_all(rubric, test, found) for who, found in asked.items()}
    rows = [_row(test.questions[i], {who: (asked[who], marks[who], i) for who in asked}) for i in range(len(test.questions))]
    evaluation = _evaluation(context, rubric, test, base, asked, marks, rows)
    write_jsonl(context.out / "answers.jsonl", (row.to_json() for row in rows))
    write_json(context.out / "evaluation.json", evaluation.to_json())
    shutil.rmtree(context.out / "parts")
    return _shown(evaluation)


def _test(context: StepContext) -> _Test:
    settings, seed = context.config.evaluate, context.config.run.seed
    everything = read_questions(context.input("05_prepare/test.jsonl"))
    able = gradable(everything)
    chosen = choose(able, settings.questions, seed)
    rarity = rarity_of(parse(question.reference).text for question in able)
    yards = [yardstick(question.kind, question.text, question.reference, rarity) for question in chosen]
    return _Test(chosen, yards, len(able), len(everything) - len(able))


def _ask_both(context: StepContext, base: Base, questions: Sequence[Question]) -> dict[str, Asked]:
    settings = context.config.evaluate
    limits = Limits(settings.max_tokens, settings.batch_size, context.config.prepare.max_tokens)
    adapter = context.input("06_train_mlx/adapters.safetensors").parent
    with progress("Answering", 2 * len(questions)) as advance:
        return {
            name: ask(name, Path(base.path), folder, questions, limits, context.out / "parts", advance)
            for name, folder in (("base", None), ("tuned", adapter))
        }  # fmt: skip


def _mark_all(rubric: Rubric, test: _Test, asked: Asked) -> list[Marks]:
    return [mark(rubric, yard, answer.text, answer.finished) for yard, answer in zip(test.yards, asked.answers, strict=True)]


def _row(question: Question, found: dict[str, tuple[Asked, list[Marks], int]]) -> AnswerRow:
    scored = {who: _scored(asked, marks[index], index) for who, (asked, marks, index) in found.items()}
    return AnswerRow(
        question.id, question.kind, question.group, question.document_id, question.text, question.reference, scored["base"], scored["tuned"]
    )  # fmt: skip


def _scored(asked: Asked, marks: Marks, index: int) -> ScoredAnswer:
    answer, likelihood = asked.answers[index], asked.likelihoods[index]
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
    context: StepContext, rubric: Rubric, test: _Test, base: Base, asked: dict[str, Asked], marks: dict[str, list[Marks]], rows: list[AnswerRow]
) -> Evaluation:
    settings, seed = context.config.evaluate, context.config.run.seed
    draws = draw([question.document_id for question in test.questions], settings.bootstrap_samples, seed)
    controls = run_controls(rubric, test.questions, test.yards)
    withheld = broken(controls)
    scores = {who: model_scores(rubric, asked[who], marks[who], draws, withheld=withheld is not None) for who in asked}
    comparison = compare(rubric, marks["base"], marks["tuned"], draws, seed)
    return Evaluation(
        run=context.config.run.name,
        grade=grade(rubric, scores["tuned"], comparison, withheld),
        base=scores["base"],
        tuned=scores["tuned"],
        comparison=comparison,
        controls=controls,
        kinds=breakdown(rows, lambda row: row.kind),
        groups=breakdown(rows, lambda row: row.group),
        base_model=base,
        questions=len(rows),
        available=test.available,
        max_tokens=settings.max_tokens,
        seed=seed,
        rubric=_info(rubric, settings.rubric),
        notes=tuple(_notes(rubric, test, asked["base"], len(draws.members), settings.max_tokens)),
    )


def _info(rubric: Rubric, name: str) -> RubricInfo:
    scale = tuple(ScaleStep(letter, percent) for letter, percent in rubric.scale.items())
    return RubricInfo(name, sha256_file(rubric_path(name)), rubric.target, scale)


def _notes(rubric: Rubric, test: _Test, asked: Asked, documents: int, max_tokens: int) -> list[str]:
    """What makes the numbers rougher than they look."""
    notes = []
    if len(test.questions) < rubric.statistics.few_questions:
        notes.append(f"Only {len(test.questions)} questions from {documents} documents: the intervals are rough.")
    if documents < 2:
        notes.append("All questions are about one document: nothing can be said about others, so the intervals span everything.")
    if test.skipped:
        notes.append(f"Held-out questions left out because their reference answer holds no word: {test.skipped}.")
    if long := sum(one.tokens > max_tokens for one in asked.likelihoods if one):
        notes.append(f"Reference answers longer than evaluate.max_tokens: {long}. An answer of their length is cut and counts as unfinished.")
    if missing := sum(one is None for one in asked.likelihoods):
        notes.append(f"Questions that fill prepare.max_tokens alone: {missing}. The likelihood of their reference was not computed.")
    return notes


def _shown(evaluation: Evaluation) -> dict[str, Any]:
    """The summary on the screen."""
    grade_, comparison, tuned, base = evaluation.grade, evaluation.comparison, evaluation.tuned, evaluation.base
    for note in evaluation.notes:
        log.warning("%s", note)
    if grade_.withheld:
        log.warning("The grade is withheld: %s.", grade_.withheld)
    passed = sum(control.passed for control in evaluation.controls)
    verdict = "" if grade_.separable else ", not separable from the base"
    return {
        "grade": grade_.letter or "withheld",
        "tuned": f"{tuned.percent:.1f} % (95 %: {tuned.interval.low:.1f} to {tuned.interval.high:.1f}){verdict}",
        "base": f"{base.percent:.1f} % (95 %: {base.interval.low:.1f} to {base.interval.high:.1f})",
        "difference": f"{comparison.difference:+.1f} points, p = {comparison.p_value:.3g}",
        "better, tied, worse": f"{comparison.wins}, {comparison.ties}, {comparison.losses} of {evaluation.questions} questions",
        "formatting": f"{tuned.formatting.value:.2f} (base {base.formatting.value:.2f}, target {tuned.formatting.target})",
        "content": f"{tuned.content.value:.2f} (base {base.content.value:.2f}, target {tuned.content.target})",
        "bits per byte": f"{tuned.likelihood.bits_per_byte:.3f} (base {base.likelihood.bits_per_byte:.3f})",
        "controls": f"{passed} of {len(evaluation.controls)} as expected",
        "base model": evaluation.base_model.name,
    }
