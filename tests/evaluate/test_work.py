"""The whole of 07 on a real tiny model with a really trained adapter."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from gradus import models
from gradus.config import load_config
from gradus.errors import UserError
from gradus.evaluate import STEP
from gradus.evaluate.rubric import Rubric
from gradus.evaluate.summary import length_of, regressions
from gradus.evaluate.work import evaluate
from gradus.results import Evaluation, read_answers
from gradus.step import Step, StepContext, run_step

from .conftest import ANSWERS, make_context, row


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, adapter: Path) -> tuple[StepContext, dict[str, Any]]:
    """A context whose evaluation is done, and its summary."""
    context = make_context(tmp_path_factory.mktemp("finished"), tiny_base, adapter)
    return context, evaluate(context)


def _rewrite(context: StepContext, rows: list[dict[str, Any]]) -> None:
    text = "".join(json.dumps(r) + "\n" for r in rows)
    context.input("05_prepare/test.jsonl").write_text(text, encoding="utf-8")


def _result(context: StepContext) -> Evaluation:
    return Evaluation.from_json(context.out / "evaluation.json")


def test_it_grades_a_trained_adapter(finished: tuple[StepContext, dict[str, Any]]) -> None:
    context, summary = finished
    result, rows = _result(context), read_answers(context.out / "answers.jsonl")
    assert sorted(path.name for path in context.out.iterdir()) == ["answers.jsonl", "evaluation.json"]
    assert (result.questions, result.available, len(rows)) == (9, 12, 9)
    assert result.base_model.name == summary["base model"] == "built-in tiny base"
    assert result.tuned.percent > result.base.percent + 20, "the adapter was trained on these very answers"
    assert result.tuned.likelihood.bits_per_byte < result.base.likelihood.bits_per_byte * 0.7, "five of the nine it has seen"
    assert any(r.tuned.text == r.reference.strip() and r.tuned.finished for r in rows), "it learnt some by heart"
    assert result.grade.letter == result.tuned.letter
    assert summary["grade"] == result.grade.label
    assert {r.reference for r in rows} <= set(ANSWERS.values())


def test_the_numbers_agree_with_each_other(finished: tuple[StepContext, dict[str, Any]]) -> None:
    context, _ = finished
    result, rows = _result(context), read_answers(context.out / "answers.jsonl")
    for scores, answers in ((result.base, [r.base for r in rows]), (result.tuned, [r.tuned for r in rows])):
        assert scores.percent == pytest.approx(fmean(a.percent for a in answers))
        assert scores.percent == pytest.approx(30 * scores.formatting.value + 70 * scores.content.value)
        assert scores.interval.low <= scores.percent <= scores.interval.high
        assert scores.mean_tokens == pytest.approx(fmean(a.tokens for a in answers))
        assert scores.finished == pytest.approx(fmean(a.finished for a in answers))
        assert scores.likelihood.perplexity == pytest.approx(math.exp(scores.likelihood.loss))
        bold = [a.parts["bold"] for a in answers if "bold" in a.parts]
        parts = {part.name: part for part in scores.formatting.parts}
        assert parts["bold"].counted == len(bold)
        assert parts["bold"].value == pytest.approx(fmean(bold))
        assert parts["tables"].value is None, "no reference has a table"
        assert parts["tables"].counted == 0
    comparison = result.comparison
    assert comparison.wins + comparison.ties + comparison.losses == 9
    assert comparison.difference == pytest.approx(result.tuned.percent - result.base.percent)
    for slices in (result.kinds, result.groups, result.documents, result.lengths):
        assert sum(one.questions for one in slices) == 9
        assert sum(one.questions * one.difference for one in slices) / 9 == pytest.approx(comparison.difference)


def test_it_tells_how_was_asked_and_graded(context: StepContext, finished: tuple[StepContext, dict[str, Any]]) -> None:
    """Another system prompt or earlier turn is another question, though its words are the same."""
    plain = read_answers(finished[0].out / "answers.jsonl")
    _rewrite(context, [{**r, "messages": [{"role": "system", "content": "Be brief."}, *r["messages"]]} for r in map(row, range(12))])
    evaluate(context)
    prompted = read_answers(context.out / "answers.jsonl")
    assert [(r.id, r.question) for r in prompted] == [(r.id, r.question) for r in plain]
    assert all(one.asked and other.asked and one.asked != other.asked for one, other in zip(plain, prompted, strict=True))
    assert (_result(context).version, _result(context).encoder_sha256) == (STEP.version, None)


def test_every_score_has_an_interval(finished: tuple[StepContext, dict[str, Any]]) -> None:
    result = _result(finished[0])
    for scores in (result.base, result.tuned):
        for part in (*scores.formatting.parts, *scores.content.parts):
            assert (part.interval is None) == (part.value is None)
            if part.interval and part.value is not None:
                assert part.interval.low <= part.value <= part.interval.high
        spread = scores.likelihood.interval
        assert spread is not None
        assert spread.low < scores.likelihood.bits_per_byte < spread.high
    assert all(one.interval is None for one in result.documents), "one document says nothing about others"
    assert all(one.interval and one.interval.low <= one.difference <= one.interval.high for one in result.kinds)


def test_regressions_are_the_questions_that_the_base_answered_better(finished: tuple[StepContext, dict[str, Any]], rubric: Rubric) -> None:
    rows = read_answers(finished[0].out / "answers.jsonl")
    assert len(regressions(rubric, rows)) == _result(finished[0]).comparison.losses == len(_result(finished[0]).regressions)
    turned = [replace(one, base=one.tuned, tuned=one.base) for one in rows]
    found = regressions(rubric, turned)
    assert len(found) == _result(finished[0]).comparison.wins > 2
    assert [one.difference for one in found] == sorted(one.difference for one in found)
    assert all(one.difference == pytest.approx(one.tuned - one.base) and one.difference <= -1 for one in found)


def test_the_length_of_a_reference_is_counted_in_words() -> None:
    lengths = [length_of("one **two** three\n" * count, [3, 6]) for count in (1, 2, 3)]
    assert lengths == ["short", "medium", "long"]


def test_five_documents_are_too_few_to_tell(finished: tuple[StepContext, dict[str, Any]]) -> None:
    """However large the difference: the grade says that it is not separable, and a note says why."""
    result = _result(finished[0])
    assert not result.grade.separable
    assert "9 questions from 5 documents" in result.notes[0]


def test_the_same_input_gives_the_same_numbers(finished: tuple[StepContext, dict[str, Any]], tmp_path: Path) -> None:
    context, _ = finished
    again = replace(context, out=tmp_path / "again")
    again.out.mkdir()
    evaluate(again)
    assert (context.out / "answers.jsonl").read_bytes() == (again.out / "answers.jsonl").read_bytes()
    first, second = _result(context).to_json(), _result(again).to_json()
    for result in (first, second):
        for who in ("base", "tuned"):
            assert result[who].pop("seconds") > 0
            assert result[who].pop("tokens_per_second") > 0
    assert first == second


def test_a_broken_control_withholds_the_grade(context: StepContext) -> None:
    rows = [row(i) for i in range(6)]
    for index, one in enumerate(rows):
        one["messages"][1]["content"] = f"Please read the manual of the device carefully, on page {index}."
    _rewrite(context, rows)
    summary = evaluate(context)
    result = _result(context)
    assert summary["grade"] == "withheld"
    assert result.grade.withheld is not None
    assert "shuffled" in result.grade.withheld
    assert (result.grade.letter, result.grade.percent, result.tuned.letter, result.base.letter) == (None, None, None, None)
    assert result.tuned.percent >= 0, "what was measured is still told"


def test_one_question_gives_a_grade_that_promises_nothing(context: StepContext) -> None:
    _rewrite(context, [row(2)])
    evaluate(context)
    result = _result(context)
    assert (result.tuned.interval.low, result.tuned.interval.high) == (0, 100)
    assert not result.grade.separable
    assert [control.name for control in result.controls] == ["reference", "repetition", "echo", "empty"]


def test_references_beyond_the_limits_are_told(context: StepContext) -> None:
    rows = [row(i) for i in range(6)]
    rows[0]["messages"][1]["content"] = " ".join(f"word{i}" for i in range(200))
    rows[1]["messages"][0]["content"] = "What does mean do? " * 40
    _rewrite(context, rows)
    context = replace(context, config=load_config(settings=["evaluate.max_tokens=120", "prepare.max_tokens=200"]))
    evaluate(context)
    notes = " ".join(_result(context).notes)
    assert "Reference answers longer than evaluate.max_tokens: 1." in notes
    assert "Questions that fill prepare.max_tokens alone: 1." in notes
    assert [r.base.bits_per_byte is None for r in read_answers(context.out / "answers.jsonl")].count(True) == 1


def test_a_cut_reference_is_measured_on_what_is_left(tiny_base: Path) -> None:
    """Bits per byte of the first part of a text must be near those of the whole, not a fraction of them."""
    model, tokenizer = models.load_model(tiny_base)
    conversation = [{"role": "user", "content": "Say it."}, {"role": "assistant", "content": "the mean of the list is the sum " * 8}]
    whole = models.likelihood(model, tokenizer, [conversation], max_tokens=250)[0]
    cut = models.likelihood(model, tokenizer, [conversation], max_tokens=60)[0]
    assert cut.tokens < 0.6 * whole.tokens
    assert cut.bits_per_byte == pytest.approx(whole.bits_per_byte, rel=0.15)


def test_a_rubric_of_ones_own_grades(context: StepContext, tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "config" / "rubric.yaml"
    own = tmp_path / "own.yaml"
    own.write_text(shipped.read_text(encoding="utf-8").replace("A+: 95, A: 90", "TOP: 95, A: 30"), encoding="utf-8")
    settings = [f"evaluate.rubric={own}", "evaluate.questions=4", "evaluate.max_tokens=8"]
    config = load_config(settings=settings)
    with pytest.raises(UserError, match="letter A- must be below A"):
        evaluate(replace(context, config=config))
    assert STEP.outside is not None
    assert STEP.outside(config) != STEP.outside(load_config())


def test_a_missing_adapter_file_is_told(context: StepContext, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    inputs = context.inputs | {"06_train_mlx/adapters.safetensors": tmp_path / "empty" / "adapters.safetensors"}
    with pytest.raises(UserError, match="adapter"):
        evaluate(replace(context, inputs=inputs))


def test_it_runs_as_a_step(context: StepContext, tmp_path: Path) -> None:
    """Declared inputs are enough, only the two files and the marker are published, and a second run does nothing."""
    settings = [f"paths.workspace={tmp_path / 'space'}", "run.name=r", "evaluate.questions=2", "evaluate.max_tokens=16"]
    steps = {STEP.name: STEP}
    for name in ("01_collect", "04_augment", "05_prepare", "06_train_mlx"):
        files = [path for key, path in context.inputs.items() if key.startswith(name)]

        def copy(made: StepContext, files: list[Path] = files) -> dict[str, Any]:
            return {path.name: str(shutil.copy(path, made.out)) for path in files}

        steps[name] = Step(name=name, title="copy", version=1, output="adapters/{run}" if name == "06_train_mlx" else f"{name}/{{run}}", work=copy)
    config = load_config(settings=settings)
    for name in ("01_collect", "04_augment", "05_prepare", "06_train_mlx", "07_evaluate"):
        outcome = run_step(steps[name], config, steps)
    assert outcome.status == "done"
    assert sorted(path.name for path in outcome.target.iterdir()) == ["07_evaluate.done.json", "answers.jsonl", "evaluation.json"]
    assert run_step(STEP, config, steps).status == "up to date"
    assert run_step(STEP, load_config(settings=[*settings, "evaluate.questions=3"]), steps, dry_run=True).status == "would run"
