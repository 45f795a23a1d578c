"""Replay: a real run trained again gives the same numbers, and whatever is different is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gradus.files import read_json, sha256_file, write_json
from gradus.train.replay import first_difference, largest_relative, other_surroundings

from .conftest import Command, prepare


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, prepared: Path, tiny_base: Path) -> Path:
    """A workspace with a finished run. Do not write into it."""
    workspace = prepare(tmp_path_factory.mktemp("trained") / "workspace", prepared, tiny_base)
    assert Command(workspace)("train.iterations=6", "train.lora.dropout=0.1") == 0
    return workspace


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A finished run in a workspace of the test's own."""
    shutil.copytree(trained, tmp_path / "workspace")
    return tmp_path / "workspace" / "adapters" / "test"


@pytest.fixture
def workspace(run: Path) -> Path:
    return run.parents[1]


def hashes(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in folder.rglob("*") if path.is_file()}


def test_replay_is_identical_and_changes_nothing(command: Command, run: Path, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = hashes(workspace / "adapters") | hashes(workspace / "data")
    capsys.readouterr()
    assert command("--replay", str(run), "--dry-run") == 0
    assert "would train 6 iterations again" in capsys.readouterr().out
    assert command("--replay", str(run)) == 0
    points = len((run / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    assert capsys.readouterr().out == f"identical, {points} points; the adapter has the same bytes\n"
    assert hashes(workspace / "adapters") | hashes(workspace / "data") == before
    assert list(workspace.glob(".replay-*")) == []


def test_first_difference_is_told_with_both_numbers(command: Command, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    place = next(number for number, row in enumerate(rows) if row["kind"] == "train" and row["iteration"] == 4)
    true = rows[place]["loss"]
    rows[place]["loss"] = true * 1.001
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    metadata = read_json(run / "run_metadata.json")
    metadata["packages"]["mlx"] = "0.1.0"
    write_json(run / "run_metadata.json", metadata)
    capsys.readouterr()
    assert command("--replay", str(run)) == 1
    told = capsys.readouterr().out
    assert f"different from iteration 4, train loss: recorded {true * 1.001!r}, now {true!r}, relative difference 0.001" in told
    assert "  mlx: 0.1.0 then, " in told


@pytest.mark.parametrize("what", ["data", "base", "gone", "version", "metadata", "metrics"])
def test_what_cannot_be_replayed_is_told_before_training(command: Command, run: Path, workspace: Path, what: str) -> None:
    prepared = workspace / "data" / "05_prepared"
    code = 1 if what in ("data", "base") else 2
    if what == "data":
        with (prepared / "valid.jsonl").open("a", encoding="utf-8") as stream:
            stream.write("\n")
    elif what == "base":
        write_json(prepared / "base.json", {**read_json(prepared / "base.json"), "revision": "other"})
    elif what == "gone":
        (prepared / "train.jsonl").unlink()
    elif what == "metadata":
        write_json(run / "run_metadata.json", {"stopped": "finished"})
    elif what == "metrics":
        (run / "metrics.jsonl").write_text('{"iteration": 0, "kind": "valid", "loss": 3.5}\n{"iterat', encoding="utf-8")
    else:
        metadata = read_json(run / "run_metadata.json")
        del metadata["config"]["train"]["learning_rate"]
        write_json(run / "run_metadata.json", metadata)
    assert command("--replay", str(run)) == code
    expected = {
        "data": "the data is not what the run was trained on", "base": "the base model's revision is not what the run was trained on",
        "gone": "the data of the run is gone", "version": "recorded by another version of Gradus: key 'train.learning_rate'",
        "metadata": "run_metadata.json: not what 06_train_mlx writes", "metrics": "metrics.jsonl:2: bad row",
    }  # fmt: skip
    assert expected[what] in command.log()
    assert list(workspace.glob(".replay-*")) == []


def test_a_folder_that_is_no_run(command: Command, tmp_path: Path) -> None:
    assert command("--replay", str(tmp_path)) == 2
    assert "no finished run of 06_train_mlx" in command.log()


def test_comparing_points() -> None:
    then = {(0, "valid"): 3.0, (2, "train"): 2.5, (4, "train"): 2.0}
    assert first_difference(then, dict(then)) is None
    missing = first_difference(then, {key: loss for key, loss in then.items() if key != (4, "train")})
    assert str(missing) == "iteration 4, train: the replay has no loss there"
    other = {**then, (4, "train"): 2.2, (2, "train"): 2.5000001}
    first = first_difference(then, other)
    assert first is not None
    assert (first.iteration, first.kind) == (2, "train")
    assert largest_relative(then, other) == pytest.approx(0.1)


def test_surroundings_that_are_another() -> None:
    then = {"git": {"commit": "a", "dirty": False}, "machine": {"device": "metal", "cores": 8}, "packages": {"mlx": "1", "numpy": "2"}}
    now = {"git": None, "machine": {"device": "cpu", "cores": 8}, "packages": {"mlx": "1"}}
    assert other_surroundings(then, now) == [
        "git commit: a then, none now", "uncommitted changes: False then, unknown now", "device: metal then, cpu now", "numpy: 2 then, none now",
    ]  # fmt: skip
