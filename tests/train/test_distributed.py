"""Several processes train what one would: the same losses and the same adapter, on rows of unequal length."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradus.backend import mx, nn, tree_flatten
from gradus.config import load_config
from gradus.config.load import PROJECT
from gradus.config.schema import Launch
from gradus.errors import UserError
from gradus.train.child import run_child
from gradus.train.data import Batch
from gradus.train.group import ALONE, Group
from gradus.train.launch import death, launched

from .conftest import JobMaker, losses

TWO = "train.launch.processes=2"
SMALL: tuple[str, ...] = ("train.iterations=6", "train.validate_every=3", "train.packing=false", "train.schedule.warmup_updates=0")
SMALL += ("train.memory.on_excess=ignore", "train.max_loss_rise=0")


def adapter(job: Path) -> dict[str, mx.array]:
    """The weights that the last checkpoint of a finished job holds."""
    return dict(mx.load(str(sorted(job.parent.glob("checkpoints/0*"))[-1] / "trained.safetensors")))


def difference(one: Path, other: Path) -> tuple[float, float]:
    """The largest difference of losses and of adapter weights."""
    first, second = losses(one), losses(other)
    assert [row[:2] for row in first] == [row[:2] for row in second]
    weights, others = adapter(one), adapter(other)
    assert weights.keys() == others.keys()
    gap = max(float(mx.abs(weights[name] - others[name]).max().item()) for name in weights)
    return max(abs(a[2] - b[2]) for a, b in zip(first, second, strict=True)), gap


@pytest.fixture
def alone(make_job: JobMaker) -> Path:
    job = make_job("alone", *SMALL, "train.gradient_accumulation=3")
    run_child(job, 6)
    return job


def test_two_processes_train_what_one_does(make_job: JobMaker, alone: Path) -> None:
    pair = make_job("pair", *SMALL, "train.gradient_accumulation=3", TWO)
    run_child(pair, 6)
    loss, weight = difference(alone, pair)
    assert loss < 1e-5 and weight < 1e-5
    moved = max(float(mx.abs(v).max().item()) for k, v in adapter(pair).items() if k.endswith("lora_b"))
    assert moved > 1e-3, "training moved the adapter, so equal adapters mean something"
    assert json.loads(pair.with_name("result.json").read_text())["tokens"] == json.loads(alone.with_name("result.json").read_text())["tokens"]


def test_a_mean_of_means_would_differ(make_job: JobMaker, tiny_base: Path) -> None:
    """The control: on a batch of unequal lengths the average of each process's own mean is another loss and gradient."""
    from gradus.models import load_model
    from gradus.train.loss import Forward, parts

    model, _ = load_model(str(tiny_base))
    random = np.random.default_rng(0)
    mask = np.zeros((2, 33), np.int32)
    mask[0, 1:5], mask[1, 1:] = 1, 1
    batch = Batch(random.integers(1, 200, mask.shape).astype(np.int32), np.ones_like(mask), mask, ("short", "long"))
    gradient_of = nn.value_and_grad(model, Forward(packed=False, split_head=True).loss)

    def whole(part: Batch) -> tuple[float, float, mx.array]:
        results = [gradient_of(model, piece) for piece in parts(part)]
        mx.eval(results)
        flat = sum(mx.concatenate([v.reshape(-1) for _, v in tree_flatten(g)]) for _, g in results)
        return sum(r[0][0].item() for r in results), sum(r[0][1].item() for r in results), flat

    one = whole(batch)
    pair = [whole(Group(rank, 2).share(batch)) for rank in range(2)]
    truth, tokens = one[2] / one[1], pair[0][1] + pair[1][1]
    ours = (pair[0][2] + pair[1][2]) / tokens
    naive = (pair[0][2] / pair[0][1] + pair[1][2] / pair[1][1]) / 2
    scale = float(mx.abs(truth).max().item())
    assert float(mx.abs(ours - truth).max().item()) < 1e-5 * scale
    assert float(mx.abs(naive - truth).max().item()) > 0.05 * scale


def test_a_stopped_pair_goes_on_exactly(make_job: JobMaker) -> None:
    settings = (*SMALL, "train.iterations=12", "train.checkpoint_every=2", "train.lora.dropout=0.1", TWO)
    straight, stopped = make_job("straight", *settings), make_job("stopped", *settings)
    run_child(straight, 12)
    code = f"from pathlib import Path; from gradus.train.child import run_child; run_child(Path({str(stopped)!r}), 12)"
    child = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(PROJECT / "scripts")}, stderr=subprocess.DEVNULL)
    wait_for(lambda: bool(list(stopped.parent.glob("checkpoints/0*"))))
    child.send_signal(signal.SIGKILL)
    wait_for(lambda: not workers_of(stopped))
    child.wait()
    assert not stopped.with_name("result.json").exists()
    run_child(stopped, 12)
    assert difference(straight, stopped) == (0.0, 0.0)


def test_a_dead_process_ends_the_run_with_one_line(make_job: JobMaker) -> None:
    job = make_job("dead", *SMALL, "train.iterations=3000", "train.validate_every=3000", "train.memory.retries=0", TWO)
    code = f"from pathlib import Path; from gradus.train.child import run_child; run_child(Path({str(job)!r}), 3000)"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts")}
    child = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: bool(list(job.parent.glob("checkpoints/0*"))))
    os.kill(workers_of(job)[-1], signal.SIGKILL)
    told = child.communicate(timeout=60)[1].strip().splitlines()[-1]
    assert "died with code" in told and "the launcher ended the others" in told
    assert not workers_of(job)


def workers_of(job: Path) -> list[int]:
    """Process numbers of the running workers of a job (this machine, by `ps`)."""
    listed = subprocess.run(["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    found = [line.split(None, 1) for line in listed.splitlines() if str(job) in line]
    return sorted(int(number) for number, line in found if " -m gradus.train.worker " in line and "launch import" not in line)


def wait_for(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_rows_are_shared_out_whole_and_once() -> None:
    tokens = np.arange(15, dtype=np.int32).reshape(5, 3)
    batch = Batch(tokens, tokens + 1, np.ones_like(tokens), ("a",))
    shares = [Group(rank, 2).share(batch) for rank in range(2)]
    assert [len(s.tokens) for s in shares] == [3, 2]
    assert sorted(np.concatenate([s.tokens for s in shares])[:, 0].tolist()) == tokens[:, 0].tolist()
    empty = Group(7, 8).share(batch)
    assert empty.tokens.shape == (1, 3) and not empty.mask.any()
    assert ALONE.share(batch) is batch


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["train.launch.processes=3", "train.batch_size=4"], "multiple of the number of processes"),
        (["train.launch.backend=jaccl"], "jaccl needs a host file"),
        (["train.launch.hosts=[mac-one, mac-two]"], "ring needs IP addresses"),
        (["train.launch.hosts=[macs.json]", "train.launch.processes=2"], "a host file goes with"),
        (["train.launch.backend=tcp"], "backend"),
    ],
)
def test_impossible_settings_are_errors(settings: list[str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        load_config(settings=settings)


def test_command_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert launched(Launch(hosts=[], backend="ring", processes=1), ["worker"], {}) == ["worker"]
    ring = launched(Launch(hosts=["10.0.0.1", "10.0.0.2"], backend="ring", processes=1), ["worker"], {"A": "b"})
    assert ring[ring.index("--hosts") + 1] == "10.0.0.1,10.0.0.2" and "A=b" in ring and ring[-2:] == ["--", "worker"]
    with pytest.raises(UserError, match="host file"):
        launched(Launch(hosts=[str(tmp_path / "no.json")], backend="jaccl", processes=1), ["worker"], {})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="mpirun"):
        launched(Launch(hosts=[], backend="mpi", processes=2), ["worker"], {})


def test_what_launchers_tell_of_a_death() -> None:
    ring = death("noise\n\x1b[33m[WARN] Node with rank 1 exited with code -9 \x1b[0m\n[WARN] Node with rank 0 was killed")
    assert ring is not None and ring[0] == -9 and ring[1].startswith("process 1")
    mpi = death("mpirun noticed that process rank 1 with PID 0 on node a exited on signal 9 (Killed).")
    assert mpi is not None and mpi[0] == -9
    assert death("all went well") is None
