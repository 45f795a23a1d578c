"""gradus.train.objectives and curriculum: terms, teacher, order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gradus.backend import mx, nn
from gradus.config import load_config
from gradus.errors import UserError
from gradus.layout import Layout
from gradus.models import load_model
from gradus.train.curriculum import curriculum_stages
from gradus.train.data import Tokenized, read_sequences, training_batches
from gradus.train.loss import Forward
from gradus.train.objectives import Objectives, divergence, make_objectives, structure_tokens, vocabulary_of

from .conftest import JobMaker, events, losses


def test_forward_and_reverse_divergence_are_the_textbook_sums() -> None:
    student, teacher = mx.random.normal((5, 30)), mx.random.normal((5, 30))
    q, p = (np.exp(np.array(nn.log_softmax(x))) for x in (student, teacher))
    assert np.allclose(divergence(student, teacher, "forward", 1.0), (p * np.log(p / q)).sum(-1), atol=1e-5)
    assert np.allclose(divergence(student, teacher, "reverse", 1.0), (q * np.log(q / p)).sum(-1), atol=1e-5)
    assert np.allclose(divergence(student, student, "forward", 2.0), 0, atol=1e-5)


def test_temperature_softens_both_and_keeps_the_scale_of_the_gradient() -> None:
    student, teacher = mx.random.normal((5, 30)), mx.random.normal((5, 30))
    q, p = (np.exp(np.array(nn.log_softmax(x / 3.0))) for x in (student, teacher))
    assert np.allclose(divergence(student, teacher, "forward", 3.0), 9 * (p * np.log(p / q)).sum(-1), atol=1e-4)


def test_structure_tokens_are_markup_and_nothing_else(tiny_base: Path) -> None:
    _, tokenizer = load_model(tiny_base)
    flags = structure_tokens(tokenizer, 512)
    found = {tokenizer.decode([i]) for i in range(512) if flags[i].item()}
    assert "`" in found
    assert {"#", "*", "-"} <= found
    assert not any(any(c.isalpha() for c in text.replace("```python", "")) for text in found)
    assert flags.shape == (512,)


def test_structure_term_counts_structure_once_more() -> None:
    logits, targets, weights = mx.random.normal((3, 10)), mx.array([1, 2, 3]), mx.array([1.0, 1.0, 0.0])
    structure = mx.array([i == 2 for i in range(10)])
    terms = Objectives(structure=0.5, structure_tokens=structure).terms(logits, None, targets, weights)
    each = nn.losses.cross_entropy(logits, targets)
    assert terms["cross_entropy"].item() == pytest.approx((each[0] + each[1]).item(), rel=1e-5)
    assert terms["structure"].item() == pytest.approx(each[1].item(), rel=1e-5)


def test_distillation_brings_the_student_to_its_teacher_and_logs_each_term(make_job: JobMaker, tiny_base: Path) -> None:
    """A teacher that was trained on the data; the student has only its distribution (cross-entropy weighs nothing)."""
    lesson = make_job("teacher", "train.method=full", "train.iterations=24")
    events(lesson)
    best = max(lesson.parent.glob("best-*"))
    best.rename(lesson.with_name("adapters.safetensors"))
    teacher, tokenizer = load_model(tiny_base, lesson.parent)
    from mlx_lm.utils import load_config as load_model_config
    from mlx_lm.utils import save

    folder = lesson.parent / "model"
    save(folder, str(tiny_base), teacher, tokenizer, load_model_config(tiny_base))
    weights = ["cross_entropy=0", "distillation=1", f"teacher={folder}", "structure=0.1"]
    job = make_job("student", *(f"train.objectives.{w}" for w in weights), "train.iterations=16", "train.method=full")
    code, told = events(job)
    assert code == 0, told
    rows = [json.loads(line) for line in job.with_name("metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    valid = [row for row in rows if row["kind"] == "valid"]
    assert valid[-1]["distillation"] < 0.7 * valid[0]["distillation"]
    assert valid[-1]["cross_entropy"] < valid[0]["cross_entropy"]
    assert valid[-1]["loss"] == pytest.approx(valid[-1]["distillation"] + 0.1 * valid[-1]["structure"])


def test_teacher_of_another_tokenizer_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    from gradus.prepare.builtin import build_builtin

    sizes = ["layers=1", "hidden=32", "heads=1", "kv_heads=1", "intermediate=32", "steps=1", "sequence_length=32"]
    settings = [f"model.builtin.{s}" for s in sizes]
    build_builtin(["other words entirely, in another language of letters"] * 30, load_config(settings=settings).model.builtin, 1, tmp_path / "other")
    config = load_config(settings=["train.objectives.distillation=1", f"train.objectives.teacher={tmp_path / 'other'}"])
    with pytest.raises(UserError, match="another tokenizer"):
        make_objectives(config.train.objectives, load_model(tiny_base)[1], 512)


def test_teacher_that_is_no_model_or_of_another_width_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    model, tokenizer = load_model(tiny_base)
    for folder, width, message in (
        (tmp_path, 0, f"the teacher {tmp_path}: no model in this folder"),
        (tiny_base, 1, r"the teacher tells \d+ tokens"),
    ):
        config = load_config(settings=["train.objectives.distillation=1", f"train.objectives.teacher={folder}"])
        with pytest.raises(UserError, match=f"train.objectives.teacher: {message}"):
            make_objectives(config.train.objectives, tokenizer, vocabulary_of(model) + width)


@pytest.mark.parametrize("setting", ["distillation=1", "cross_entropy=0", "direction=sideways"])
def test_impossible_objectives_are_errors_of_the_configuration(setting: str) -> None:
    with pytest.raises(UserError, match=r"train\.objectives"):
        load_config(settings=[f"train.objectives.{setting}"])


@pytest.mark.parametrize("measure", ["length", "quality", "loss"])
def test_the_first_epoch_goes_from_easy_to_hard_and_the_second_does_not(measure: str, prepared: Path, tiny_base: Path, tmp_path: Path) -> None:
    model, tokenizer = load_model(tiny_base)
    sequences = [Tokenized(s.id, s.tokens, s.mask, i / 40) for i, s in enumerate(read_sequences(prepared / "train.jsonl", tokenizer, 128))]
    stages = curriculum_stages(measure, 4, sequences, model, Forward(packed=True, split_head=True), tmp_path)
    assert sorted(i for stage in stages for i in stage) == list(range(40))
    of = {sequences[i].id: number for number, stage in enumerate(stages) for i in stage}
    layout = Layout(1, True, 64, 128)
    seen: dict[int, list[int]] = {0: [], 1: []}
    for epoch, _, batch in training_batches(sequences, layout, 1, 0, 0, stages):
        if epoch > 1:
            break
        seen[epoch] += [of[name] for name in batch.ids]
    assert seen[0] == sorted(seen[0])
    assert seen[1] != sorted(seen[1])
    if measure == "length":
        means = [np.mean([len(sequences[i]) for i in stage]) for stage in stages]
        assert means == sorted(means)
    if measure == "quality":
        assert max(stages[0]) == 39


def test_curriculum_by_quality_needs_scores(prepared: Path, tiny_base: Path, tmp_path: Path) -> None:
    model, tokenizer = load_model(tiny_base)
    sequences = read_sequences(prepared / "train.jsonl", tokenizer, 128)
    with pytest.raises(UserError, match="no quality score"):
        curriculum_stages("quality", 4, sequences, model, Forward(packed=True, split_head=True), tmp_path)


def test_a_run_with_a_curriculum_learns(make_job: JobMaker) -> None:
    job = make_job("curriculum", "train.curriculum=loss")
    assert events(job)[0] == 0
    series = [loss for _, kind, loss in losses(job) if kind == "valid"]
    assert min(series) < series[0]
