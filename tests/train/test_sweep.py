"""Sweeps: a real grid of tiny runs, one that diverges and one that is killed, and every mistake in a sweep file."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gradus.config import load_config
from gradus.config.load import PROJECT
from gradus.errors import UserError
from gradus.files import read_json
from gradus.train.comparison import as_text
from gradus.train.sweep import read_sweep

from .conftest import Command

SHIPPED = sorted((PROJECT / "config" / "sweeps").glob("*.yaml"))


def sweep_file(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "grid.yaml"
    path.write_text(content, encoding="utf-8")
    return path


def test_shipped_sweeps_are_good() -> None:
    assert [path.name for path in SHIPPED] == ["learning_rate.yaml", "rank.yaml"]
    for path in SHIPPED:
        combinations = read_sweep(path, load_config())
        assert len(combinations) > 2
        assert len({one.config.train.model_dump_json() for one in combinations}) == len(combinations)


def test_grid_in_the_order_of_its_keys(tmp_path: Path) -> None:
    path = sweep_file(tmp_path, "keys:\n  train.lora.rank: [2, 4]\n  train.learning_rate: [1.23456789e-3, 1e-4]\n")
    combinations = read_sweep(path, load_config(settings=["run.name=x"]))
    assert [(c.name, c.config.train.lora.rank, c.config.train.learning_rate) for c in combinations] == [
        ("x-s01", 2, 1.23456789e-3), ("x-s02", 2, 1e-4), ("x-s03", 4, 1.23456789e-3), ("x-s04", 4, 1e-4),
    ]  # fmt: skip
    assert [one.label for one in combinations[:2]] == ["rank=2, learning_rate=0.00123456789", "rank=2, learning_rate=0.0001"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("keys:\n  train.lerning_rate: [1e-3]\n", ":2: unknown key 'train.lerning_rate'. Did you mean 'train.learning_rate'?"),
        ("keys:\n  train.method.deep: [1]\n", ":2: unknown key 'train.method.deep'."),
        ("keys:\n  train.learning_rate: 1e-3\n", ":2: key 'keys.train.learning_rate': should be a list, got 0.001."),
        ("keys:\n  train.learning_rate: []\n", ":2: key 'keys.train.learning_rate': list should have at least 1 item"),
        ("keys: {}\n", ":1: key 'keys': "),
        ("key:\n  train.learning_rate: [1]\n", ":1: unknown key 'key'. Did you mean 'keys'?"),
        ("keys:\n  train.lora.rank: [4, x]\n", ":2: key 'train.lora.rank': should be a valid integer, got 'x'."),
        ("keys:\n  train.lora.rank: [4, 0]\n", ":2: key 'train.lora.rank': should be greater than or equal to 1, got 0."),
        ("keys:\n  train.lora.rank: [4, 4]\n", ":2: a value of 'train.lora.rank' stands twice."),
        ("keys:\n\n  prepare.max_tokens: [64]\n", ":3: 'prepare.max_tokens' cannot be swept."),
        ("keys:\n  run.name: [a]\n", ":2: 'run.name' cannot be swept."),
        ("keys:\n  run.seed: [1, 2, 3, 4, 5]\n  train.lora.rank: [1, 2, 3, 4]\n", ":1: 20 combinations, train.sweep.maximum_runs is 16."),
        ("keys: [\n", ":2: broken YAML"),
    ],
)
def test_mistake_in_a_sweep_file_is_told_with_its_line(content: str, expected: str, tmp_path: Path) -> None:
    path = sweep_file(tmp_path, content)
    with pytest.raises(UserError) as caught:
        read_sweep(path, load_config())
    assert str(caught.value).removeprefix(str(path)).startswith(expected)


def test_missing_sweep_file_names_the_shipped_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no such sweep file\. Take one of config/sweeps/learning_rate\.yaml"):
        read_sweep(tmp_path / "none.yaml", load_config())


def test_one_run_diverges_the_others_are_compared_and_are_skipped_next_time(
    command: Command, workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = sweep_file(tmp_path, "keys:\n  train.learning_rate: [1e-3, 1e+30, 3e-2]\n")
    settings = ("train.optimizer=sgd", "train.max_grad_norm=0", "train.iterations=6")
    assert command("--sweep", str(grid), *settings) == 0
    told = capsys.readouterr().out
    runs = read_json(workspace / "reports" / "test" / "sweep" / "sweep.json")["runs"]
    assert [run["run"] for run in runs][2] == "test-s02"
    assert "loss is" in runs[2]["failed"]
    assert "best" not in runs[2]
    assert runs[0]["best"]["loss"] < runs[1]["best"]["loss"]
    for run in runs[:2]:
        metadata = read_json(workspace / "adapters" / run["run"] / "run_metadata.json")
        assert run["best"] == metadata["best"]
        assert metadata["config"]["train"]["learning_rate"] == run["settings"]["train.learning_rate"]
    assert "07_evaluate.py" in told and f"--run {runs[0]['run']}" in told
    markdown = (workspace / "reports" / "test" / "sweep" / "sweep.md").read_text(encoding="utf-8")
    assert f"| {runs[0]['run']} | " in markdown and f"{runs[0]['best']['loss']:.4f}" in markdown
    assert (workspace / "reports" / "test" / "sweep" / "sweep.png").read_bytes().startswith(b"\x89PNG")
    adapter = workspace / "adapters" / "test-s01" / "adapters.safetensors"
    before = adapter.stat().st_mtime_ns
    assert command("--sweep", str(grid), *settings, "--dry-run") == 0
    assert "test-s01  learning_rate=0.001: up to date\n" in capsys.readouterr().out
    assert command("--sweep", str(grid), *settings) == 0
    assert adapter.stat().st_mtime_ns == before
    assert math.isfinite(runs[0]["best"]["loss"])


def test_killed_sweep_goes_on(command: Command, workspace: Path, tmp_path: Path) -> None:
    grid = sweep_file(tmp_path, "keys:\n  run.seed: [1, 2]\n")
    words = [sys.executable, str(PROJECT / "scripts" / "06_train_mlx.py"), "--sweep", str(grid), *command.words]
    first = workspace / "adapters" / "test-s01" / "06_train_mlx.done.json"
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not first.exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait(30)
    before = first.stat().st_mtime_ns
    assert not (workspace / "reports" / "test" / "sweep" / "sweep.json").exists()
    assert command("--sweep", str(grid)) == 0
    assert first.stat().st_mtime_ns == before
    assert len(read_json(workspace / "reports" / "test" / "sweep" / "sweep.json")["runs"]) == 2


def test_message_of_a_failed_run_does_not_widen_the_table() -> None:
    rows = [["run", "rank", "loss", "s"], ["a-s02", "16", "1.5", "10"], ["a-s01", "4", "failed: " + "x" * 50, ""]]
    assert as_text(rows).splitlines()[:2] == ["run    rank  loss   s", "a-s02    16   1.5  10"]
