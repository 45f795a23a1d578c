"""`run_all.py --continue`: new documents are trained on, the gate decides, and one line tells what came of it."""

from __future__ import annotations

import json
import os
import plistlib
import re
import shutil
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from gradus.config.load import PROJECT
from gradus.continuing import _alone, config_of_continuation, continue_run, next_name
from gradus.errors import GradusError
from gradus.files import read_json
from gradus.history import HistoryLine, append_line
from gradus.pipeline import STEPS
from gradus.registry import Registry
from gradus.registry_entries import Book
from gradus.step import run_step

from .conftest import Place, write_document

SCHEDULE = PROJECT / "config" / "schedule"


def history(place: Place) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (place.workspace / "reports" / "history.jsonl").read_text().splitlines()]


def state(place: Place) -> dict[str, bytes]:
    """The models and reports of finished runs, byte by byte."""
    folders = [place.workspace / name / "weekly-continued-1" for name in ("adapters", "reports", "models/fused", "models/export")]
    return {str(path.relative_to(place.root)): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def test_the_first_continuation_trains_and_promotes(finished: Place) -> None:
    (line,) = history(finished)
    version = Registry(finished.workspace).get_latest()
    assert (line["decision"], line["run"], line["version"], line["current_before"], line["current"]) == (
        "promoted", "weekly-continued-1", "v1", None, "v1",
    )  # fmt: skip
    assert line["documents"] == line["documents_new"] == 8
    assert line["examples"] == read_json(finished.workspace / "data/05_prepared/statistics.json")["splits"]["train"]["examples"]
    assert line["valid_loss"] == read_json(finished.workspace / "adapters/weekly-continued-1/run_metadata.json")["best"]["loss"]
    assert line["percent"] == version.graded.percent
    assert line["seconds"] > 0


def test_nothing_new_is_one_line_and_no_training(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    before = state(place)
    continue_run(place.config(), STEPS)
    assert capsys.readouterr().out == "nothing new: v1 was trained on the same data (8 documents, 0 new)\n"
    line = history(place)[-1]
    assert (line["decision"], line["documents_new"], line["current"], line["valid_loss"]) == ("nothing new", 0, "v1", None)
    assert not (place.workspace / "adapters" / "weekly-continued-2").exists()
    assert state(place) == before


def test_new_documents_train_on_from_the_current_adapter_and_the_gate_may_refuse(place: Place) -> None:
    before = state(place)
    write_document(place.documents, "tea")
    continue_run(place.config("train.start_from=current", "promote.minimum_percent=100"), STEPS)
    line, registry = history(place)[-1], Registry(place.workspace)
    assert (line["decision"], line["documents"], line["documents_new"]) == ("refused", 9, 1)
    assert "below promote.minimum_percent (100 %)" in line["reason"]
    assert (line["version"], line["current"], registry.get_latest().id) == ("v2", "v1", "v1")
    metadata = read_json(place.workspace / "adapters/weekly-continued-2/run_metadata.json")
    assert metadata["started_from"] == {"version": "v1", "weights": registry.get("v1").weights}
    assert metadata["base"]["revision"] == registry.get("v1").base.revision
    evaluation = read_json(place.workspace / "reports/weekly-continued-2/evaluation.json")
    assert evaluation["current"]["version"] == "v1"
    assert set(_tested(place)).isdisjoint(registry.sources_of("v1")["group"])
    assert state(place) == before
    continue_run(place.config("train.start_from=current"), STEPS)
    assert history(place)[-1]["decision"] == "nothing new"


def _tested(place: Place) -> list[str]:
    rows = (place.workspace / "data/05_prepared/test.jsonl").read_text().splitlines()
    return [json.loads(row)["group"] for row in rows]


def test_a_failure_leaves_the_current_model_and_exits_with_1(place: Place) -> None:
    before = state(place)
    place.documents.rename(place.root / "gone")
    command = [sys.executable, str(PROJECT / "scripts" / "run_all.py"), "--continue"]
    done = subprocess.run(
        [*command, *(word for setting in place.settings for word in ("--set", setting))], capture_output=True, text=True, timeout=120, check=False
    )
    line = history(place)[-1]
    assert (done.returncode, line["decision"], line["current"]) == (1, "failed", "v1")
    assert "documents" in line["reason"]
    assert "Traceback" not in done.stderr
    assert Registry(place.workspace).get_latest().id == "v1"
    assert state(place) == before


def test_what_was_not_delivered_after_a_promotion_is_delivered_next_time(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    exported = place.workspace / "models" / "export" / "weekly-continued-1"
    before = state(place)
    shutil.rmtree(exported)
    continue_run(place.config(), STEPS)
    assert history(place)[-1]["decision"] == "nothing new"
    assert "[ 1/3] 10_fuse: up to date" in capsys.readouterr().out
    assert state(place).keys() == before.keys()


def test_a_damaged_registry_is_a_failure_with_a_line(place: Place) -> None:
    (place.workspace / "models/registry/registry.json").write_text("{")
    with pytest.raises(GradusError, match="the registry is damaged"):
        continue_run(place.config(), STEPS)
    assert (history(place)[-1]["decision"], history(place)[-1]["current"]) == ("failed", None)


def test_only_one_at_a_time(place: Place) -> None:
    lines = len(history(place))
    errors: list[Exception] = []

    def second() -> None:
        try:
            continue_run(place.config(), STEPS)
        except GradusError as error:
            errors.append(error)

    with _alone(place.workspace / "reports"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(60)
    assert "another --continue is at work" in str(errors[0])
    assert len(history(place)) == lines


def test_a_dry_run_says_what_would_happen_and_writes_nothing(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    write_document(place.documents, "tea")
    before = {path: path.stat().st_mtime_ns for path in place.workspace.rglob("*")}
    continue_run(place.config(), STEPS, dry_run=True)
    out = capsys.readouterr().out
    assert "run weekly-continued-2" in out
    assert "01_collect: would run (its sources changed)" in out
    assert {path: path.stat().st_mtime_ns for path in place.workspace.rglob("*")} == before


@pytest.mark.parametrize(
    ("runs", "name"),
    [
        ([], "weekly-continued-1"),
        (["weekly", "weekly-continued-2", "other-continued-7"], "weekly-continued-3"),
        (["weekly-continued-9", "weekly-continued-10"], "weekly-continued-11"),
    ],
)
def test_names_count_on_from_what_is_registered(finished: Place, runs: list[str], name: str) -> None:
    version = Registry(finished.workspace).get_latest()
    assert next_name("weekly", Book(1, tuple(replace(version, run=run) for run in runs), ())) == name


def test_a_line_that_was_cut_off_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "history.jsonl"
    line = HistoryLine("2026-01-01T00:00:00+00:00", "weekly", "nothing new", "because", 1.5)
    append_line(path, line)
    with path.open("a") as stream:
        stream.write('{"time": "20')
    append_line(path, line)
    rows = path.read_text().splitlines()
    assert len(rows) == 3
    assert json.loads(rows[0]) == json.loads(rows[2]) == asdict(line)


def test_flags_that_do_not_go_together() -> None:
    command = [sys.executable, str(PROJECT / "scripts" / "run_all.py"), "--continue", "--from", "05_prepare"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "leave out --from and --to" in done.stderr) == (2, True)


def test_the_launchd_job_is_whole_and_runs_weekly() -> None:
    with (SCHEDULE / "org.gradus.continue.plist").open("rb") as stream:
        job = plistlib.load(stream)
    assert job["Label"] == "org.gradus.continue"
    assert set(job["StartCalendarInterval"]) == {"Weekday", "Hour", "Minute"}
    assert "RunAtLoad" not in job
    _command_works(job["ProgramArguments"][-1])


def test_the_cron_line_is_whole_and_runs_weekly() -> None:
    lines = [line for line in (SCHEDULE / "crontab").read_text().splitlines() if line and not line.startswith("#")]
    assert len(lines) == 1
    found = re.fullmatch(r"(\d+) (\d+) \* \* (\d) (.+)", lines[0])
    assert found
    assert int(found[1]) < 60 and int(found[2]) < 24 and int(found[3]) < 7
    _command_works(found[4])


def _command_works(command: str) -> None:
    """The shell takes it, and what it starts is our script with our flag: the real one, by its own help."""
    assert "scripts/run_all.py --continue" in command
    assert subprocess.run(["/bin/sh", "-n", "-c", command], check=False).returncode == 0
    command = command.partition(" >> ")[0].replace('"$HOME/gradus"', str(PROJECT)).replace(" && mkdir -p reports", "")
    command = command.replace(".venv/bin/python", sys.executable) + " --help"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60, check=False, env=os.environ)
    assert (done.returncode, "--continue" in done.stdout) == (0, True), done.stderr


def test_a_project_that_was_moved_is_up_to_date_and_its_registry_whole(finished: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(finished.root, tmp_path / "before")
    (tmp_path / "before").rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path / "moved")
    moved = replace(finished, root=tmp_path / "moved")
    name = "run.name=weekly-continued-1"
    outcomes = {step.name: run_step(step, moved.config(name), STEPS, dry_run=True) for step in STEPS.values()}
    assert {name: outcome.reason for name, outcome in outcomes.items() if outcome.status != "up to date"} == {}
    registry = Registry(moved.workspace)
    assert str(finished.root) not in registry.path.read_text()
    assert registry.base_folder_of(registry.get_latest()).is_relative_to(moved.workspace)
    onward = config_of_continuation(moved.config("train.start_from=current"), registry)
    assert onward.model.base.startswith("workspace/models/base/builtin-")
