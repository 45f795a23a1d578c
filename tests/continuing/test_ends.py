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
