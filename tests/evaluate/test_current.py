"""The model that the tuned one would replace answers the same questions."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gradus.config import load_config
from gradus.evaluate import STEP
from gradus.evaluate.work import evaluate
from gradus.files import read_json
from gradus.registry import Registry
from gradus.registry_entries import Version
from gradus.results import Evaluation, read_answers
from gradus.step import StepContext

from ..candidates import BASE, candidate

SMALL = ["evaluate.questions=4", "evaluate.max_tokens=30", "evaluate.bootstrap_samples=100"]


def promoted(context: StepContext, weights: Path, *, base: str = "", run: str = "older") -> Version:
    """Register these weights in the context's workspace, with the context's base or another folder, and make them current."""
    registry = Registry(context.workspace)
    made = candidate(context.workspace / "runs" / run, weights.read_bytes())
    config = context.input("06_train_mlx/adapter_config.json")
    shutil.copy(config, next(path for path in made.files if path.name == config.name))
    folder = base or read_json(context.input("05_prepare/base.json"))["path"]
    version = registry.register_model(replace(made, base=replace(BASE, path=folder)))
    return registry.promote(version.id, reason="test")


def result(context: StepContext, folder: Path, *more: str) -> Evaluation:
    """Evaluate into a folder of its own."""
    context = replace(context, out=folder, config=load_config(settings=[*SMALL, *more]))
    folder.mkdir()
    evaluate(context)
    return Evaluation.from_json(folder / "evaluation.json")


@pytest.fixture
def base_weights(tiny_base: Path) -> Path:
    """An adapter of all weights that changes none: such a model answers as the base does."""
    return tiny_base / "model.safetensors"


def test_the_current_model_is_a_third_contestant(context: StepContext, base_weights: Path, tmp_path: Path) -> None:
    version = promoted(context, base_weights)
    found = result(context, tmp_path / "out")
    assert found.current is not None
    assert found.current.version == version.id
    assert found.current.scores.percent == found.base.percent
    assert found.current.comparison == found.comparison
    rows = read_answers(tmp_path / "out" / "answers.jsonl")
    assert [row.current.text if row.current else None for row in rows] == [row.base.text for row in rows]


def test_without_one_and_switched_off_there_is_none(context: StepContext, base_weights: Path, tmp_path: Path) -> None:
    assert result(context, tmp_path / "first").current is None
    promoted(context, base_weights)
    found = result(context, tmp_path / "second", "evaluate.current=false")
    assert found.current is None
    assert all(row.current is None for row in read_answers(tmp_path / "second" / "answers.jsonl"))


def test_a_candidate_that_is_current_itself_meets_the_one_it_replaced(context: StepContext, base_weights: Path, tmp_path: Path) -> None:
    """So its own promotion does not make the evaluation out of date."""
    older = promoted(context, base_weights)
    space = [f"paths.workspace={context.workspace}", "run.name=r"]
    place = context.workspace / "adapters" / "r"
    shutil.copytree(context.input("06_train_mlx/adapters.safetensors").parent, place)
    assert STEP.outside is not None
    before = STEP.outside(load_config(settings=space))
    promoted(context, context.input("06_train_mlx/adapters.safetensors"), run="newer")
    assert STEP.outside(load_config(settings=space)) == before
    found = result(context, tmp_path / "out")
    assert found.current is not None
    assert found.current.version == older.id


def test_a_base_that_is_gone_or_a_damaged_file_is_told_not_compared(context: StepContext, base_weights: Path, tmp_path: Path) -> None:
    version = promoted(context, base_weights, base="models/base/gone")
    found = result(context, tmp_path / "first")
    assert found.current is None
    assert f"{version.id} was not compared: its base model" in " ".join(found.notes)
    promoted(context, context.input("06_train_mlx/adapter_config.json"), run="broken")
    broken = Registry(context.workspace).get_latest()
    (Registry(context.workspace).folder_of(broken) / "adapters.safetensors").unlink()
    found = result(context, tmp_path / "second")
    assert found.current is None
    assert "adapters.safetensors is missing" in " ".join(found.notes)


def test_other_weights_of_encoder_or_judge_make_the_evaluation_out_of_date(context: StepContext, tiny_base: Path, tmp_path: Path) -> None:
    encoder, judge = tmp_path / "encoder", tmp_path / "judge"
    shutil.copytree(tiny_base, judge)
    encoder.mkdir()
    models = [f"evaluate.embedding.model={encoder}", "evaluate.judge.kind=mlx", f"evaluate.judge.model={judge}"]
    config = load_config(settings=[f"paths.workspace={context.workspace}", "run.name=r", *models])
    assert STEP.outside is not None
    seen = [STEP.outside(config)]
    for changed in (encoder, judge):
        (changed / "model.safetensors").write_bytes(b"others")
        seen.append(STEP.outside(config))
    assert seen[0] != seen[1] != seen[2]


def test_another_current_model_makes_the_evaluation_out_of_date(context: StepContext, base_weights: Path) -> None:
    config = load_config(settings=[f"paths.workspace={context.workspace}", "run.name=r"])
    assert STEP.outside is not None
    before = STEP.outside(config)
    promoted(context, base_weights)
    assert STEP.outside(config) != before
