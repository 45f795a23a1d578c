"""Real training runs in the child process: every method learns, a killed run goes on bit for bit."""

from __future__ import annotations

import json
import logging
import math
import os
import random
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from gradus.backend import mx
from gradus.files import read_json
from gradus.models import load_model

from .conftest import JobMaker, events, losses, start_worker


def adapter_of(job: Path) -> dict[str, mx.array]:
    best = read_json(job.with_name("result.json"))["best"]["iteration"]
    weights: dict[str, mx.array] = mx.load(str(job.with_name(f"best-{best:07d}.safetensors")))
    return weights


@pytest.mark.parametrize("method", ["lora", "dora", "full"])
def test_every_method_lowers_the_validation_loss_and_loads_in_mlx_lm(make_job: JobMaker, method: str, tiny_base: Path) -> None:
    job = make_job(method, f"train.method={method}", "train.iterations=16")
    code, told = events(job)
    assert code == 0, told
    series = [loss for _, kind, loss in losses(job) if kind == "valid"]
    assert min(series) < series[0] - 0.05
    best = read_json(job.with_name("result.json"))["best"]
    assert best["loss"] == min(series)
    job.with_name(f"best-{best['iteration']:07d}.safetensors").rename(job.with_name("adapters.safetensors"))
    model, _ = load_model(tiny_base, job.parent)
    plain, _ = load_model(tiny_base)
    probe = mx.array([[5, 6, 7, 8]])
    assert mx.abs(model(probe) - plain(probe)).max().item() > 1e-3


def test_killed_at_any_moment_it_ends_as_an_uninterrupted_run_bit_for_bit(make_job: JobMaker) -> None:
    settings = ("train.lora.dropout=0.1", "train.gradient_accumulation=3")
    whole, killed = make_job("whole", *settings), make_job("killed", *settings)
    assert events(whole)[0] == 0
    for kill_at in (2, 7, 8, 11):  # before the first checkpoint, between two, just behind one, near the end
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
    assert losses(killed) == losses(whole)
    expected, got = adapter_of(whole), adapter_of(killed)
    assert expected.keys() == got.keys()
    assert all(mx.array_equal(expected[name], got[name]).item() for name in expected)


def test_killed_at_random_moments_it_ends_as_an_uninterrupted_run_bit_for_bit(make_job: JobMaker) -> None:
    """While it loads, trains, validates or writes a checkpoint. A failure is repeated by KILL_SEED=<the number it logs>."""
    seed = int(os.environ.get("KILL_SEED") or random.randrange(1 << 32))
    logging.getLogger(__name__).warning("KILL_SEED=%d", seed)
    moments, settings = random.Random(seed), ("train.lora.dropout=0.1", "train.gradient_accumulation=3")
    whole, killed = make_job("whole", *settings), make_job("killed", *settings)
    begun = time.monotonic()
    assert events(whole)[0] == 0
    seconds = time.monotonic() - begun
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
    assert losses(killed) == losses(whole)
    expected, got = adapter_of(whole), adapter_of(killed)
    assert expected.keys() == got.keys()
    assert all(mx.array_equal(expected[name], got[name]).item() for name in expected)


def test_asked_to_stop_it_writes_a_checkpoint_and_goes_on_from_there(make_job: JobMaker) -> None:
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
    whole = make_job("whole")
    events(whole)
    assert losses(job) == losses(whole)


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


def test_early_stopping(make_job: JobMaker) -> None:
    job = make_job("early", "train.early_stopping.patience=2", "train.early_stopping.minimum_delta=5.0", "train.validate_every=2")
    events(job)
    result = read_json(job.with_name("result.json"))
    # The first validation of all is a gain; the two that follow are not 5 nats better.
    assert (result["stopped"], result["iterations"]) == ("early stopping", 4)


def test_loss_that_is_no_number_is_told_with_its_rows(make_job: JobMaker) -> None:
    code, told = events(make_job("nan", "train.optimizer=sgd", "train.learning_rate=1e30", "train.max_grad_norm=0"))
    assert code == 1
    assert "the loss is" in told[-1]["what"] or "validation loss is" in told[-1]["what"]
    assert "train.learning_rate" in told[-1]["cure"]


def test_a_loss_that_explodes_ends_the_run_and_keeps_the_last_good_checkpoint(make_job: JobMaker) -> None:
    settings = ["train.learning_rate=30.0", "train.max_grad_norm=0", "train.max_loss_rise=0.05", "train.schedule.warmup_updates=4"]
    job = make_job("explode", *settings, "train.checkpoint_every=1", "train.report_every=1", "train.batch_size=1")
    code, told = events(job)
    assert code == 1
    assert "training diverged: the loss rose to" in told[-1]["what"]
    assert "rows row" in told[-1]["where"]
    assert "train.learning_rate (say to 8)" in told[-1]["cure"]
    last = max(int(path.name) for path in job.with_name("checkpoints").iterdir())
    diverged = max(event["iteration"] for event in told if event["event"] == "iteration")
    assert last == diverged - 1


@pytest.mark.parametrize(("rise", "code"), [(2.0, 1), (0, 0)])
def test_a_loss_that_levels_off_where_all_tokens_are_equally_likely_ends_the_run(make_job: JobMaker, rise: float, code: int) -> None:
    """There it cannot rise by `max_loss_rise` any more. The base knows less than that, so a trained adapter is ruined."""
    learned = make_job("learned")
    events(learned)
    best = read_json(learned.with_name("result.json"))["best"]["iteration"]
    learned.with_name(f"best-{best:07d}.safetensors").rename(learned.with_name("adapters.safetensors"))
    job = make_job("ruined", "train.learning_rate=50.0", "train.schedule.warmup_updates=0", f"train.max_loss_rise={rise}")
    job.write_text(json.dumps({**read_json(job), "start": str(learned.parent)}))
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


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ("train.layers=9", "the model has 2 layers"),
        ("train.schedule.warmup_updates=50", "warm-up takes 50 updates"),
        ("train.batch_size=41", "there are 40 training examples"),
        ("train.optimizer=adam", ""),
    ],
)
def test_impossible_settings_are_told_before_training(make_job: JobMaker, setting: str, what: str) -> None:
    extra = ["train.weight_decay=0.1"] if setting == "train.optimizer=adam" else []
    code, told = events(make_job("bad", setting, *extra))
    assert code == 2
    assert told[-1]["event"] == "error"
    assert what in told[-1]["what"]


def test_quantized_weights_train_with_lora_and_refuse_full(make_job: JobMaker, tiny_base: Path, tmp_path: Path) -> None:
    from mlx_lm.utils import load, quantize_model, save

    model, tokenizer, config = load(str(tiny_base), return_config=True)
    model, config = quantize_model(model, config, group_size=32, bits=4)
    save(tmp_path / "q4", str(tiny_base), model, tokenizer, config)
    for method, expected in (("lora", 0), ("full", 2)):
        job = make_job(f"q-{method}", f"train.method={method}")
        text = json.loads(job.read_text(encoding="utf-8"))
        job.write_text(json.dumps({**text, "base": str(tmp_path / "q4")}), encoding="utf-8")
        code, told = events(job)
        assert code == expected, told[-1]


def test_packing_does_not_change_what_an_update_is(make_job: JobMaker) -> None:
    """Without packing the same data trains just as well; both report every supervised token."""
    packed, plain = make_job("packed"), make_job("plain", "train.packing=false")
    events(packed)
    events(plain)
    first = [next(loss for _, kind, loss in losses(job) if kind == "valid") for job in (packed, plain)]
    assert first[0] == pytest.approx(first[1], rel=1e-5)
