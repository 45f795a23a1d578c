"""Peak memory is predicted and checked before training, and a run that does not fit is cut without changing what an update is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlx_lm.models import qwen3

from gradus.backend import mx, nn, tree_flatten, tree_map
from gradus.config import load_config
from gradus.errors import GradusError
from gradus.files import read_json
from gradus.footprint import Architecture
from gradus.train.checkpointing import checkpoint_layers
from gradus.train.child import run_child
from gradus.train.method import make_trainable
from gradus.train.plan import KILLED, Plan, halve, memory_death, read_plan, system_kills, write_plan

from .conftest import JobMaker, events, losses, start_worker

LARGE = ("train.batch_size=8", "train.memory.limit_fraction=1")


def memory_of(job: Path) -> dict[str, Any]:
    memory: dict[str, Any] = read_json(job.with_name("result.json"))["memory"]
    return memory


def test_prediction_and_check_are_close_to_the_truth(make_job: JobMaker) -> None:
    job = make_job("large", *LARGE, "train.gradient_accumulation=3", "prepare.max_tokens=96", "train.row_tokens=96")
    assert events(job)[0] == 0
    memory = memory_of(job)
    assert memory["predicted_gb"] == pytest.approx(memory["peak_gb"], rel=0.25)
    assert memory["checked_gb"] == pytest.approx(memory["peak_gb"], rel=0.15)
    assert memory["limit_gb"] > memory["peak_gb"]
    assert memory["adapted"] == []


def test_the_preflight_leaves_no_trace_in_the_numbers(make_job: JobMaker) -> None:
    """With dropout, so that a draw too many would show, and with checkpointing, which draws the same masks twice."""
    settings = ("train.lora.dropout=0.2", "train.gradient_checkpointing=true")
    with_it, without = make_job("with", *settings), make_job("without", *settings, "train.memory.on_excess=ignore")
    assert events(with_it)[0] == events(without)[0] == 0
    assert memory_of(with_it)["checked_gb"] and memory_of(without)["checked_gb"] is None
    assert losses(with_it) == losses(without)


def learning_rates(job: Path) -> list[float]:
    return [json.loads(line)["learning_rate"] for line in job.with_name("metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def test_adapting_keeps_batches_updates_and_schedule(make_job: JobMaker) -> None:
    whole = make_job("whole", *LARGE, "train.memory.on_excess=ignore")
    assert events(whole)[0] == 0
    limit = 0.5 * memory_of(whole)["peak_gb"]
    cut = make_job("cut", *LARGE, f"train.memory.limit_gb={limit}")
    code, told = events(cut)
    assert code == 0, told
    memory = memory_of(cut)
    assert "gradient checkpointing" in memory["adapted"][0]
    assert memory["slices"] > 1 and f"in {memory['slices']} parts" in memory["adapted"][-1]
    assert memory["checked_gb"] <= memory["limit_gb"] == pytest.approx(limit, abs=1e-6)
    assert memory["peak_gb"] < 1.2 * limit
    assert learning_rates(cut) == learning_rates(whole)
    for (iteration, kind, loss), (other, other_kind, expected) in zip(losses(cut), losses(whole), strict=True):
        assert (iteration, kind) == (other, other_kind)
        assert loss == pytest.approx(expected, rel=1e-3)


def peak_and_gradient(model: nn.Module, tokens: mx.array) -> tuple[int, dict[str, np.ndarray]]:
    step = mx.compile(lambda x: nn.value_and_grad(model, lambda m, x: nn.losses.cross_entropy(m(x), x).sum())(model, x))
    mx.eval(model.parameters())
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    loss, gradient = step(tokens)
    total = sum((value * value).sum() for _, value in tree_flatten(gradient))  # as the clipping of gradients: it needs them all
    mx.eval(loss, total)
    return mx.get_peak_memory() - before, {name: np.array(value) for name, value in tree_flatten(gradient)}


def trainable_model(setting: str, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """Eight layers, whose class is put back after the test, since checkpointing changes it."""
    monkeypatch.setattr(qwen3.TransformerBlock, "__call__", qwen3.TransformerBlock.__call__)
    mx.random.seed(3)
    model: nn.Module = qwen3.Model(qwen3.ModelArgs.from_dict(Architecture("qwen3", 64, 8, 2, 1, 32, 192, 256, True, 32).config()))
    make_trainable(model, load_config(settings=[setting, "train.lora.rank=4"]).train)
    return model


@pytest.mark.parametrize(("setting", "share"), [("train.layers=-1", 0.4), ("train.layers=3", 0.75), ("train.method=full", 0.45)])
def test_checkpointing_gives_the_same_gradient_for_less_memory(setting: str, share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """With three trained layers of eight there is less to save."""
    model = trainable_model(setting, monkeypatch)
    tokens = mx.random.randint(0, 256, (2, 96))
    whole, gradient = peak_and_gradient(model, tokens)
    checkpoint_layers(model)
    less, again = peak_and_gradient(model, tokens)
    assert less < share * whole
    assert gradient.keys() == again.keys()
    assert max(np.abs(gradient[name] - again[name]).max() for name in gradient) < 1e-5


def test_checkpointing_computes_the_gradient_of_the_masks_that_dropout_drew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step along the gradient changes the loss, under the same masks, by what the gradient says."""
    model = trainable_model("train.lora.dropout=0.5", monkeypatch)
    model.train()
    model.update(tree_map(lambda value: 0.02 * mx.random.normal(value.shape), model.trainable_parameters()))
    checkpoint_layers(model, 0.5)
    tokens, start = mx.random.randint(0, 256, (2, 96)), model.trainable_parameters()

    def loss(model: nn.Module) -> mx.array:
        mx.random.seed(5)
        return nn.losses.cross_entropy(model(tokens), tokens).mean()

    _, gradient = nn.value_and_grad(model, loss)(model)
    length = float(mx.sqrt(sum((value * value).sum() for _, value in tree_flatten(gradient))).item())
    losses = []
    for step in (0.002, -0.002):
        model.update(tree_map(lambda value, slope, step=step: value + step / length * slope, start, gradient))
        losses.append(loss(model).item())
    assert (losses[0] - losses[1]) / 0.004 == pytest.approx(length, rel=0.01)


def test_a_run_that_goes_on_keeps_to_its_plan(make_job: JobMaker) -> None:
    job = make_job("kept", *LARGE, "train.memory.limit_gb=0.006")
    worker = start_worker(job)
    assert worker.stdout is not None
    for line in worker.stdout:
        if line.strip() and json.loads(line).get("iteration") == 4:
            worker.kill()
            break
    worker.communicate(timeout=60)
    plan = read_plan(job.parent)
    assert events(job)[0] == 0
    assert read_plan(job.parent) == plan
    assert plan.adapted and plan.checked_gb is not None


@pytest.mark.parametrize(
    ("settings", "what", "cure"),
    [
        (("on_excess=refuse", "limit_gb=0.001"), "GB needed, limit 0.0009 GB", "train.gradient_checkpointing=true"),
        (("on_excess=adapt", "limit_gb=0.001"), "GB needed, limit 0.0009 GB", "train.batch_size (2)"),
        (("on_excess=adapt", "limit_gb=100"), "weights, adapter and optimizer alone take", "train.lora.rank (100000000)"),
        (("on_excess=adapt", "limit_gb=0.0001"), "weights, adapter and optimizer alone take", "Take train.method=lora, train fewer train.layers"),
    ],
)
def test_what_cannot_fit_is_refused_with_numbers_and_keys(make_job: JobMaker, settings: tuple[str, ...], what: str, cure: str) -> None:
    rank = ["train.lora.rank=100000000"] if "rank" in cure else ["train.method=full"] if "method" in cure else []
    code, told = events(make_job("refused", *(f"train.memory.{setting}" for setting in settings), *rank))
    assert code == 2
    assert told[-1]["where"] == "train.memory"
    assert what in told[-1]["what"]
    assert cure in told[-1]["cure"]


SCRIPT = """
import json, runpy, sys
from pathlib import Path
if json.loads((Path(sys.argv[1]).parent / "memory.json").read_text())["slices"] < {needed}:
    from gradus.backend import mx
    mx.eval(mx.random.uniform(shape=(1 << 20, 1 << 30)))
runpy.run_module("gradus.train.worker", run_name="__main__")
"""


def stopped_job(make_job: JobMaker, *settings: str) -> Path:
    """A job that was asked to stop after some iterations and has a checkpoint."""
    job = make_job("stopped", "train.batch_size=4", *settings)
    worker = start_worker(job)
    assert worker.stdout is not None
    for line in worker.stdout:
        if line.strip() and json.loads(line).get("iteration") == 5:
            worker.terminate()
            break
    worker.communicate(timeout=60)
    return job


def test_out_of_memory_goes_on_from_the_last_checkpoint_in_smaller_parts(make_job: JobMaker) -> None:
    """The child really asks for more memory than there is until its batches are cut in four."""
    job = stopped_job(make_job)
    script = job.with_name("child.py")
    script.write_text(SCRIPT.format(needed=4), encoding="utf-8")
    run_child(job, 12, (sys.executable, str(script)))
    assert read_plan(job.parent).slices == 4
    assert read_json(job.with_name("result.json"))["iterations"] == 12
    assert ["parts" in note and "memory" in note for note in memory_of(job)["adapted"]] == [True, True]
    whole = make_job("whole", "train.batch_size=4")
    assert events(whole)[0] == 0
    assert [point[:2] for point in losses(job)] == [point[:2] for point in losses(whole)]
    assert [point[2] for point in losses(job)] == pytest.approx([point[2] for point in losses(whole)], rel=1e-3)


def test_out_of_memory_too_often_ends_with_what_the_child_said(make_job: JobMaker) -> None:
    job = stopped_job(make_job, "train.memory.retries=1")
    script = job.with_name("child.py")
    script.write_text(SCRIPT.format(needed=9), encoding="utf-8")
    with pytest.raises(GradusError, match="the training process died with code"):
        run_child(job, 12, (sys.executable, str(script)))
    assert read_plan(job.parent).slices == 2


def test_one_row_at_a_time_cannot_be_halved(tmp_path: Path) -> None:
    write_plan(tmp_path, Plan(slices=3, rows=3))
    with pytest.raises(GradusError, match=r"one row at a time \(out of memory\).*4-bit base"):
        halve(tmp_path, "out of memory")
    assert Plan(slices=2, rows=3).halved("").slices == 3  # type: ignore[union-attr]


def test_without_a_plan_there_is_nothing_to_halve(tmp_path: Path) -> None:
    with pytest.raises(GradusError, match=r"died while it loaded the model \(out of memory\)"):
        halve(tmp_path, "out of memory")


def test_deaths_for_want_of_memory_are_told_from_others() -> None:
    metal = "[METAL] Command buffer execution failed: Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)"
    assert memory_death(-6, metal, None) == "Metal ran out of memory"
    assert memory_death(-6, "Caused GPU Timeout Error (00000002:kIOGPUCommandBufferCallbackErrorTimeout)", None) == "Metal timed out"
    watchdog = "Impacting Interactivity (0000000e:kIOGPUCommandBufferCallbackErrorImpactingInteractivity)"
    assert memory_death(-6, watchdog, None) == "Metal timed out"
    assert memory_death(1, "KeyError: 'x'", None) == ""
    assert memory_death(-15, "", 0) == ""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts its kills")
def test_a_kill_counts_only_when_the_system_has_killed_for_want_of_memory() -> None:
    kills = system_kills()
    assert memory_death(KILLED, "", kills) == ""
    if kills:
        assert "for want of memory" in memory_death(KILLED, "", kills - 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_in_the_child_is_told_as_such(make_job: JobMaker) -> None:
    job = make_job("full")
    job.with_name(".best-0000000.work.safetensors").symlink_to("/dev/full")
    code, told = events(job)
    assert (code, told[-1]["what"]) == (2, "the disk is full")
    assert not list(job.parent.glob(".best-*"))
