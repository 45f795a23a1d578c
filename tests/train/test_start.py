"""Training goes on from the adapter of the current model, when the settings say so and it fits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gradus.config import load_config
from gradus.errors import UserError
from gradus.files import read_json, sha256_file, write_json
from gradus.records import Base
from gradus.registry import Registry
from gradus.registry_entries import Candidate, Graded, Version
from gradus.train import STEP
from gradus.train.start import find_start

from .conftest import JobMaker, events, losses

GRADED = Graded("B", 75.0, 50.0, 30, None, "e" * 64)
BASE = {"revision": "r1"}


@pytest.fixture
def trained(finished: Path) -> Path:
    """The folder of a finished training, its best weights as the adapter."""
    return finished.parent


def with_start(job: Path, start: Path) -> Path:
    job.write_text(json.dumps({**read_json(job), "start": str(start)}))
    return job


def register(workspace: Path, trained: Path, run: str = "first") -> Version:
    registry = Registry(workspace)
    files = (trained / "adapters.safetensors", trained / "adapter_config.json")
    base = Base("builtin", "tiny", "models/base/tiny", "r1", "test", 1)
    version = registry.register_model(Candidate(run, "lora", base, {}, GRADED, files, ()))
    return registry.promote(version.id, reason="test")


def test_it_begins_where_the_adapter_ended(make_job: JobMaker, trained: Path) -> None:
    job = with_start(make_job("second", "train.learning_rate=1e-12", "train.lora.dropout=0.05"), trained)
    assert events(job)[0] == 0
    best = min(loss for _, kind, loss in losses(trained / "job.json") if kind == "valid")
    assert next(loss for _, kind, loss in losses(job) if kind == "valid") == pytest.approx(best, abs=1e-6)


def test_it_is_the_same_run_again_and_learns_on(make_job: JobMaker, trained: Path) -> None:
    jobs = [with_start(make_job(name), trained) for name in ("second", "third")]
    for job in jobs:
        assert events(job)[0] == 0
    assert losses(jobs[0]) == losses(jobs[1])
    before = min(loss for _, kind, loss in losses(trained / "job.json") if kind == "valid")
    assert min(loss for _, kind, loss in losses(jobs[0]) if kind == "valid") < before


@pytest.mark.parametrize(
    ("setting", "message"),
    [("train.lora.rank=2", "rank 4 instead of 2"), ("train.lora.scale=5.0", "scale 20.0 instead of 5.0"), ("train.layers=1", "num_layers 2 instead")],
)
def test_an_adapter_of_another_form_is_refused(make_job: JobMaker, trained: Path, setting: str, message: str) -> None:
    code, told = events(with_start(make_job("second", setting), trained))
    assert code == 2
    assert message in told[-1]["what"]
    assert "train.start_from=base" in told[-1]["cure"]


def test_which_adapter_it_is(tmp_path: Path, trained: Path) -> None:
    assert find_start(tmp_path, "second", BASE) is None
    first = register(tmp_path, trained)
    start = find_start(tmp_path, "second", BASE)
    assert start is not None
    assert (start.version, sha256_file(start.folder / "adapters.safetensors")) == (first, first.weights)
    with pytest.raises(UserError, match=r"train.start_from: the current model v1 has another base \(tiny r1\) than this run \(r2\)"):
        find_start(tmp_path, "second", {"revision": "r2"})


def test_its_own_promotion_does_not_make_a_run_out_of_date(tmp_path: Path, trained: Path) -> None:
    config = load_config(settings=[f"paths.workspace={tmp_path}", "run.name=second", "train.start_from=current"])
    assert STEP.outside is not None
    register(tmp_path, trained)
    before = STEP.outside(config)
    own = tmp_path / "adapters" / "second"
    shutil.copytree(trained, own)
    (own / "adapters.safetensors").write_bytes(b"other weights")
    write_json(own / "run_metadata.json", {"base": {"name": "tiny", "revision": "r1"}})
    after_training = STEP.outside(config)
    register(tmp_path, own, "second")
    assert before == after_training == STEP.outside(config) == Registry(tmp_path).get("v1").weights
    assert STEP.outside(config.model_copy(update={"train": config.train.model_copy(update={"start_from": "base"})})) is None


def test_other_weights_of_the_teacher_make_training_out_of_date(tmp_path: Path) -> None:
    teacher = tmp_path / "teacher"
    teacher.mkdir()
    settings = [f"paths.workspace={tmp_path}", f"train.objectives.teacher={teacher}"]
    plain, distilled = (load_config(settings=[*settings, f"train.objectives.distillation={weight}"]) for weight in (0, 1))
    assert STEP.outside is not None
    before = STEP.outside(plain), STEP.outside(distilled)
    (teacher / "model.safetensors").write_bytes(b"others")
    assert STEP.outside(plain) == before[0]
    assert STEP.outside(distilled) != before[1]
