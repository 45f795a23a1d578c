"""However a continuation ends there is its line, and the commands of 09_promote know what it left."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gradus.config.load import PROJECT
from gradus.continuing import Told, _one_line
from gradus.errors import GradusError, UserError
from gradus.registry import Registry

from .conftest import Place


@pytest.mark.parametrize(
    ("error", "raised", "decision"),
    [
        (UserError("no such folder", where="x", cure="Name another"), GradusError, "failed"),
        (ZeroDivisionError("division by zero"), ZeroDivisionError, "failed"),
        (KeyboardInterrupt(), KeyboardInterrupt, "interrupted"),
    ],
)
@pytest.mark.parametrize("promoted", [False, True])
def test_every_end_leaves_a_line(tmp_path: Path, error: BaseException, raised: type[BaseException], decision: str, promoted: bool) -> None:
    told = Told("weekly-continued-1", decision="promoted", reason="passed the gate") if promoted else Told("weekly-continued-1")
    with pytest.raises(raised) as caught, _one_line(tmp_path / "history.jsonl", told, Registry(tmp_path)):
        raise error
    assert getattr(caught.value, "exit_code", 1) == 1
    (row,) = (json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines())
    if promoted:
        assert row["decision"] == "promoted"
        assert row["reason"].startswith(f"passed the gate; {decision} after that: ")
    else:
        assert row["decision"] == decision
        assert row["reason"] == (str(error) or "KeyboardInterrupt")


def continued(workspace: Path, setting: str, *flags: str) -> subprocess.CompletedProcess[str]:
    words = ["--continue", "--run", "weekly", "--set", f"paths.workspace={workspace}", "--set", setting, *flags]
    command = [sys.executable, str(PROJECT / "scripts" / "run_all.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_mistaken_configuration_leaves_a_line(tmp_path: Path) -> None:
    for _ in range(2):
        assert continued(tmp_path, "train.lora.rank=0").returncode == 2
    rows = [json.loads(line) for line in (tmp_path / "reports" / "history.jsonl").read_text().splitlines()]
    assert [(row["run"], row["decision"], row["current"]) for row in rows] == [("weekly", "failed", None)] * 2
    assert rows[0]["reason"].startswith("--set train.lora.rank=0: key 'train.lora.rank': should be greater than or equal to 1")


@pytest.mark.parametrize(("setting", "flags"), [("train.lora.rank=0", ["--dry-run"]), ("collect.folders=[a", []), ("paths=3", [])])
def test_without_a_workspace_or_with_dry_run_there_is_only_the_message(tmp_path: Path, setting: str, flags: list[str]) -> None:
    done = continued(tmp_path / "w", setting, *flags)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert list(tmp_path.iterdir()) == []


def run_script(place: Place, *words: str) -> subprocess.CompletedProcess[str]:
    flags = [word for setting in place.settings for word in ("--set", setting)]
    command = [sys.executable, str(PROJECT / "scripts" / "09_promote.py"), *flags, "--run", "weekly-continued-1", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=place.root)


def test_register_enters_the_adapter_and_asks_no_gate(place: Place) -> None:
    (place.workspace / "models/registry/registry.json").unlink()
    assert run_script(place, "--dry-run", "register").stdout == "would register the adapter of run weekly-continued-1\n"
    done = run_script(place, "register")
    assert done.stdout.startswith("v1 is registered (candidate)   next: python scripts/09_promote.py promote v1"), done.stderr
    registry = Registry(place.workspace)
    assert (registry.get("v1").state, registry.book().current) == ("candidate", None)
    assert run_script(place, "register").stdout.startswith("v1 was registered before (candidate)")
    assert "v1 is the current model now" in run_script(place, "promote", "v1").stdout
