"""Real training runs in the child process: every method learns, a killed run goes on bit for bit."""

from __future__ import annotations

import json
import logging
import math
import os
import random
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from gradus.backend import mx, nn, optimizers
from gradus.config import load_config
from gradus.config.schema import Train
from gradus.errors import GradusError, UserError
from gradus.files import read_json, write_json
from gradus.models import load_model
from gradus.train.checkpoint import restore_checkpoint
from gradus.train.checks import check_values
from gradus.train.loop import lower_rate
from gradus.train.method import make_optimizer, make_trainable

from .conftest import SETTINGS, Command, JobMaker, best_of, events, losses, start_worker, write_job

DRAWING = ("train.lora.dropout=0.1", "train.gradient_accumulation=3")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, prepared: Path, tiny_base: Path) -> tuple[Path, float]:
    """A finished job that draws dropout and accumulates gradients, and the seconds that it took."""
    job, begun = write_job(tmp_path_factory.mktemp("whole") / "job", prepared, tiny_base, *DRAWING), time.monotonic()
    assert events(job)[0] == 0
    return job, time.monotonic() - begun


def assert_same(one: Path, other: Path) -> None:
    """Two finished jobs have the same losses and the same best adapter, bit for bit."""
    assert losses(one) == losses(other)
    assert best_of(one).name == best_of(other).name
    expected, got = mx.load(str(best_of(one))), mx.load(str(best_of(other)))
    assert expected.keys() == got.keys()
    assert all(mx.array_equal(expected[name], got[name]).item() for name in expected)


@pytest.mark.parametrize("method", ["lora", "dora", "full"])
def test_every_method_lowers_the_validation_loss_and_loads_in_mlx_lm(make_job: JobMaker, method: str, tiny_base: Path) -> None:
    job = make_job(method, f"train.method={method}", "train.iterations=16")
    code, told = events(job)
    assert code == 0, told
    series = [loss for _, kind, loss in losses(job) if kind == "valid"]
    assert min(series) < series[0] - 0.05
    best = read_json(job.with_name("result.json"))["best"]
    assert best["loss"] == min(series)
    best_of(job).rename(job.with_name("adapters.safetensors"))
    model, _ = load_model(tiny_base, job.parent)
    plain, _ = load_model(tiny_base)
    probe = mx.array([[5, 6, 7, 8]])
    assert mx.abs(model(probe) - plain(probe)).max().item() > 1e-3


def test_killed_at_any_moment_it_ends_as_an_uninterrupted_run_bit_for_bit(make_job: JobMaker, uninterrupted: tuple[Path, float]) -> None:
    killed = make_job("killed", *DRAWING)
    for kill_at in (2, 8, 11):  # before the first checkpoint, between two, near the end
        worker = start_worker(killed)
        assert worker.stdout is not None
        for line in worker.stdout:
            event = json.loads(line)
            if event["event"] == "iteration" and event["iteration"] >= kill_at:
                worker.send_signal(signal.SIGKILL)
                break
        worker.communicate(timeout=60)
        assert worker.returncode == -signal.SIGKILL
    code, told = events(killed)
    assert code == 0
    assert (told[1]["event"], told[1]["iteration"]) == ("resumed", 9)
    assert_same(killed, uninterrupted[0])


def test_killed_at_random_moments_it_ends_as_an_uninterrupted_run_bit_for_bit(make_job: JobMaker, uninterrupted: tuple[Path, float]) -> None:
    """While it loads, trains, validates or writes a checkpoint. A failure is repeated by KILL_SEED=<the number it logs>."""
    seed = int(os.environ.get("KILL_SEED") or random.randrange(1 << 32))
    logging.getLogger(__name__).warning("KILL_SEED=%d", seed)
    moments, killed, (whole, seconds) = random.Random(seed), make_job("killed", *DRAWING), uninterrupted
    for _ in range(3):
        worker = start_worker(killed)
        with suppress(subprocess.TimeoutExpired):
            worker.communicate(timeout=moments.uniform(0, seconds))
        worker.kill()
        worker.communicate()
        if worker.returncode == 0:
            break
        assert worker.returncode == -signal.SIGKILL
    else:
        assert events(killed)[0] == 0
    assert_same(killed, whole)


def test_asked_to_stop_it_writes_a_checkpoint_and_goes_on_from_there(make_job: JobMaker, finished: Path) -> None:
    job = make_job("asked", "train.checkpoint_every=12")
    worker = start_worker(job)
    assert worker.stdout is not None
    for line in worker.stdout:
        if json.loads(line).get("iteration") == 5:
            worker.terminate()
            break
    worker.communicate(timeout=60)
    assert worker.returncode == 130
    _, told = events(job)
    assert told[1]["event"] == "resumed"
    assert told[1]["iteration"] >= 5
    assert_same(job, finished)


def test_a_run_killed_behind_its_training_is_not_trained_again(command: Command, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed once the best adapter has its name, and once all that is scratch is gone."""

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    work = workspace / "adapters" / ".work" / "06_train_mlx-test"
    for place in ("git_state", "_summary"):
        with monkeypatch.context() as patch:
            patch.setattr(f"gradus.train.work.{place}", kill)
            assert command() == 130
        assert (work / "adapters.safetensors").exists()
        written = (work / "metrics.jsonl").stat().st_mtime_ns
    assert not (work / "checkpoints").exists()
    assert command() == 0
    assert (workspace / "adapters" / "test" / "metrics.jsonl").stat().st_mtime_ns == written
    assert {path.name for path in (workspace / "adapters" / "test").iterdir()} == {
        "06_train_mlx.done.json", "adapter_config.json", "adapters.safetensors", "loss_curve.json", "loss_curve.png", "metrics.jsonl",
        "run_metadata.json",
    }  # fmt: skip


def test_a_damaged_checkpoint_is_told_with_its_folder(tmp_path: Path) -> None:
    for part in ("trained.safetensors", "optimizer.safetensors"):
        (tmp_path / part).write_bytes(b"cut off")
    with pytest.raises(GradusError, match=rf"{tmp_path}: the checkpoint is damaged .* Delete that folder"):
        restore_checkpoint(tmp_path, nn.Linear(2, 2), optimizers.SGD(1.0))


def test_the_best_adapter_stays_not_the_last(make_job: JobMaker) -> None:
    """A learning rate that ruins the model, stopped before it has learnt anew."""
    job = make_job(
        "ruin", "train.learning_rate=1.0", "train.iterations=4", "train.max_grad_norm=0", "train.validate_every=1", "train.schedule.name=constant"
    )
    code, _ = events(job)
    assert code == 0
    series = [(iteration, loss) for iteration, kind, loss in losses(job) if kind == "valid"]
    best = min(series, key=lambda point: point[1])
    assert series[-1][1] > best[1]
    assert read_json(job.with_name("result.json"))["best"] == {"iteration": best[0], "loss": best[1]}
    assert [path.name for path in job.parent.glob("best-*")] == [f"best-{best[0]:07d}.safetensors"]


def test_early_stopping_before_the_first_report(command: Command, workspace: Path) -> None:
    assert command("train.early_stopping.patience=2", "train.early_stopping.minimum_delta=5.0", "train.validate_every=2", "train.report_every=9") == 0
    metadata = read_json(workspace / "adapters" / "test" / "run_metadata.json")
    # The first validation of all is a gain; the two that follow are not 5 nats better.
    assert (metadata["stopped"], metadata["iterations"]) == ("early stopping", 4)
    assert metadata["final"]["train_loss"] is None


def test_loss_that_is_no_number_is_told_with_its_rows(make_job: JobMaker) -> None:
    code, told = events(make_job("nan", "train.optimizer=sgd", "train.learning_rate=1e30", "train.max_grad_norm=0"))
    assert code == 1
    assert "the loss is" in told[-1]["what"] or "validation loss is" in told[-1]["what"]
    assert "train.learning_rate" in told[-1]["cure"]


def test_a_base_that_gives_no_numbers_is_not_called_diverged(make_job: JobMaker, tiny_base: Path, tmp_path: Path) -> None:
    base = tmp_path / "broken"
    shutil.copytree(tiny_base, base)
    weights = mx.load(str(base / "model.safetensors"))
    weights["model.norm.weight"] = mx.full(weights["model.norm.weight"].shape, math.nan)
    mx.save_safetensors(str(base / "model.safetensors"), weights)
    job = make_job("nan")
    write_json(job, {**read_json(job), "base": str(base)})
    code, told = events(job)
    assert (code, told[-1]["where"]) == (1, "model.base")
    assert told[-1]["what"] == "the validation loss is nan at iteration 0, before anything was learnt"


@pytest.mark.parametrize(("rate", "lower"), [(50.0, "0.0004"), (4e-4, "0.0001"), (3e-4, "0.000075"), (1e-5, "0.0000025")])
def test_the_advised_rate_is_lower_and_written_plainly(rate: float, lower: str) -> None:
    assert lower_rate(rate) == lower
    assert load_config(settings=[f"train.learning_rate={lower}"]).train.learning_rate < rate


def test_a_loss_that_explodes_ends_the_run_and_keeps_the_last_good_checkpoint(make_job: JobMaker) -> None:
    settings = ["train.learning_rate=30.0", "train.max_grad_norm=0", "train.max_loss_rise=0.05", "train.schedule.warmup_updates=4"]
    job = make_job("explode", *settings, "train.checkpoint_every=1", "train.report_every=1", "train.batch_size=1")
    code, told = events(job)
    assert code == 1
    assert "training diverged: the loss rose to" in told[-1]["what"]
    assert "rows row" in told[-1]["where"]
    assert "train.learning_rate (say to 0.0004)" in told[-1]["cure"]
    last = max(int(path.name) for path in job.with_name("checkpoints").iterdir())
    diverged = max(event["iteration"] for event in told if event["event"] == "iteration")
    assert last == diverged - 1


@pytest.mark.parametrize(("rise", "code"), [(2.0, 1), (0, 0)])
def test_a_loss_that_levels_off_where_all_tokens_are_equally_likely_ends_the_run(make_job: JobMaker, finished: Path, rise: float, code: int) -> None:
    """There it cannot rise by `max_loss_rise` any more. The base knows less than that, so a trained adapter is ruined."""
    job = make_job("ruined", "train.learning_rate=50.0", "train.schedule.warmup_updates=0", f"train.max_loss_rise={rise}")
    write_json(job, {**read_json(job), "start": str(finished.parent)})
    found, told = events(job)
    before, *later = [loss for _, kind, loss in losses(job) if kind == "valid"]
    uniform = math.log(load_model(read_json(job)["base"])[0].args.vocab_size)
    assert found == code
    assert before < uniform
    assert later[0] == pytest.approx(uniform, rel=1e-5)
    assert bool(code) == (f"went from {before:.2f} to {uniform:.2f}, as if all tokens were equally likely" in told[-1].get("what", ""))


def test_the_loss_before_training_counts_as_the_lowest(make_job: JobMaker) -> None:
    """The loss shoots up within the first report, which so has nothing else to be compared with."""
    settings = ["train.learning_rate=1.0", "train.schedule.warmup_updates=0", "train.max_loss_rise=0.1", "train.report_every=4"]
    code, told = events(make_job("late", *settings))
    assert code == 1
    assert re.search(r"the loss rose to 6\.\d\d from 6\.\d\d at iteration 4", told[-1]["what"])


def short(*settings: str) -> Train:
    """The short settings and those given."""
    return load_config(settings=[*SETTINGS, *settings]).train


def test_impossible_settings_are_told_before_training(make_job: JobMaker) -> None:
    code, (told,) = events(make_job("bad", "train.layers=9"))
    assert code == 2
    assert (told["event"], told["what"]) == ("error", "train.layers is 9, but the model has 2 layers")


@pytest.mark.parametrize(
    ("setting", "what"), [("schedule.warmup_updates=50", "warm-up takes 50 updates"), ("batch_size=41", "there are 40 training examples")]
)
def test_settings_that_cannot_work_with_the_data(prepared: Path, tiny_base: Path, setting: str, what: str) -> None:
    with pytest.raises(UserError, match=what):
        check_values(short(f"train.{setting}"), tiny_base, prepared / "train.jsonl")


def test_settings_that_cannot_work_with_the_method(tiny_base: Path) -> None:
    with pytest.raises(UserError, match="adam has no weight decay"):
        make_optimizer(short("train.optimizer=adam", "train.weight_decay=0.1"))
    with pytest.raises(UserError, match="no lora adapters of rank 1000000000000 can be made"):
        make_trainable(load_model(tiny_base)[0], short("train.lora.rank=1000000000000"))


def test_quantized_weights_train_with_lora_and_refuse_full(make_job: JobMaker, tiny_base: Path, tmp_path: Path) -> None:
    from mlx_lm.utils import load, quantize_model, save

    model, tokenizer, config = load(str(tiny_base), return_config=True)
    model, config = quantize_model(model, config, group_size=32, bits=4)
    save(tmp_path / "q4", str(tiny_base), model, tokenizer, config)
    job = make_job("q-lora")
    write_json(job, {**read_json(job), "base": str(tmp_path / "q4")})
    code, told = events(job)
    assert code == 0, told[-1]
    with pytest.raises(UserError, match="quantized weights cannot be trained in full"):
        make_trainable(load_model(tmp_path / "q4")[0], short("train.method=full"))


def test_packing_does_not_change_what_is_measured(make_job: JobMaker, finished: Path) -> None:
    plain = make_job("plain", "train.packing=false")
    events(plain)
    first = [next(loss for _, kind, loss in losses(job) if kind == "valid") for job in (finished, plain)]
    assert first[0] == pytest.approx(first[1], rel=1e-5)
