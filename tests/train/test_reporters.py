"""Rows reach TensorBoard, Weights & Biases and SwanLab through their own packages, and are read back from their files."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gradus.config import Config, load_config
from gradus.config.load import PROJECT
from gradus.errors import UserError
from gradus.train import reporters
from gradus.train.reporters import open_reporters, reporting, values_of

ROWS: list[dict[str, Any]] = [
    {"iteration": 0, "kind": "valid", "loss": 3.5, "learning_rate": 0.0, "tokens": 0},
    {"iteration": 10, "kind": "train", "loss": 3.0, "learning_rate": 1e-3, "tokens": 40},
    {"iteration": 10, "kind": "valid", "loss": 3.25, "learning_rate": 1e-3, "tokens": 40},
]
DRIVER = """
import sys, json
from pathlib import Path
from gradus.config import load_config
from gradus.train.reporters import reporting
workspace, name, rows = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
metrics = workspace / "metrics.jsonl"
with reporting(load_config(settings=[f"paths.workspace={workspace}", "run.name=test", f"monitor.report_to=[{name}]"]), metrics):
    for row in rows:
        with metrics.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\\n")
"""


def installed(package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=f"{package} is an optional package and not installed here")


def configured(workspace: Path, *names: str) -> Config:
    return load_config(settings=[f"paths.workspace={workspace}", "run.name=test", f"monitor.report_to=[{','.join(names)}]"])


def drive(workspace: Path, name: str, **environment: str) -> None:
    """Report in a process of its own, since these packages leave threads and services behind."""
    told = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT / "scripts"), os.environ.get("PYTHONPATH", "")]), **environment}
    command = [sys.executable, "-c", DRIVER, str(workspace), name, json.dumps(ROWS)]
    done = subprocess.run(command, env=told, capture_output=True, text=True, timeout=120, cwd=workspace, check=False)
    assert done.returncode == 0, done.stderr


def test_values_are_named_by_kind_and_only_numbers() -> None:
    assert values_of(ROWS[1]) == {"train/loss": 3.0, "train/learning_rate": 1e-3, "train/tokens": 40.0}
    assert values_of({"iteration": 1, "kind": "valid", "loss": None, "seconds": 2.0}) == {}


def test_none_is_asked_for_by_default(tmp_path: Path) -> None:
    assert open_reporters(load_config(settings=[f"paths.workspace={tmp_path}"])) == []
    with reporting(configured(tmp_path), tmp_path / "metrics.jsonl"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_missing_package_names_its_command_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(reporters.PACKAGES, "wandb", ("no_such_package_here", "wandb", reporters.PACKAGES["wandb"][2]))
    with pytest.raises(UserError, match=r"monitor\.report_to: wandb needs a package that is not installed. pip install wandb"):
        open_reporters(configured(tmp_path, "wandb"))
    assert not list(tmp_path.iterdir())


def test_a_key_in_an_error_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0123456789abcdef")
    assert reporters._words(ValueError("bad key 0123456789abcdef\nand more")) == "ValueError: bad key ***"


def test_a_reporter_that_fails_is_left_out_and_the_others_go_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    got: list[tuple[dict[str, float], int]] = []

    def fail(values: dict[str, float], iteration: int) -> None:
        raise ConnectionError("gone")

    metrics = tmp_path / "metrics.jsonl"
    metrics.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    stop = threading.Event()
    stop.set()
    good = reporters.Reporter("good", lambda values, iteration: got.append((values, iteration)), lambda: None)
    with caplog.at_level("WARNING", logger="gradus"):
        reporters._forward([reporters.Reporter("bad", fail, lambda: None), good], metrics, stop)
    assert [iteration for _, iteration in got] == [0, 10, 10]


@installed("tensorboardX")
def test_tensorboard_reads_back_what_was_sent(tmp_path: Path) -> None:
    event_of = importlib.import_module("tensorboardX.proto.event_pb2").Event.FromString
    drive(tmp_path, "tensorboard")
    found = []
    for file in (tmp_path / "reports" / "test" / "tensorboard").iterdir():
        data, place = file.read_bytes(), 0
        while place < len(data):  # length (8 bytes), its checksum (4), the event, its checksum (4)
            size = int.from_bytes(data[place : place + 8], "little")
            event = event_of(data[place + 12 : place + 12 + size])
            found += [(event.step, value.tag, round(value.simple_value, 6)) for value in event.summary.value]
            place += 16 + size
    expected = [(row["iteration"], name, round(value, 6)) for row in ROWS for name, value in values_of(row).items()]
    assert sorted(found) == sorted(expected)


def leveldb_records(content: bytes, start: int) -> Iterator[bytes]:
    """The records of a LevelDB log: blocks of 32 KiB of parts, each with checksum (4 bytes), length (2) and type (1: whole, 4: last)."""
    place, record = start, b""
    while place + 7 <= len(content):
        if 32768 - place % 32768 < 7:
            place += 32768 - place % 32768
            continue
        size, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        record += content[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):
            yield record
            record = b""


@installed("wandb")
def test_wandb_offline_reads_back_what_was_sent(tmp_path: Path) -> None:
    record_of = importlib.import_module("wandb.proto.wandb_internal_pb2").Record.FromString
    drive(tmp_path, "wandb", WANDB_MODE="offline")
    (file,) = (tmp_path / "reports" / "test" / "wandb").glob("offline-run-*/*.wandb")
    found = {}
    for data in leveldb_records(file.read_bytes(), start=7):
        record = record_of(data)
        values = {(item.key or "/".join(item.nested_key)): json.loads(item.value_json) for item in record.history.item}
        found.update({(values["_step"], key): value for key, value in values.items() if not key.startswith("_")})
    assert found == {(row["iteration"], name): value for row in ROWS for name, value in values_of(row).items()}


@installed("swanlab")
def test_swanlab_offline_writes_into_the_run(tmp_path: Path) -> None:
    drive(tmp_path, "swanlab", SWANLAB_MODE="offline")
    written = b"".join(path.read_bytes() for path in (tmp_path / "reports" / "test" / "swanlab").rglob("*") if path.is_file())
    assert b"train/loss" in written and b"valid/loss" in written
