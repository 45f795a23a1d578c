"""The commands of 09_promote.py; where nothing is loaded, on registries of adapters that need not be real ones."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gradus.config import load_config
from gradus.config.load import PROJECT
from gradus.errors import GradusError, UserError
from gradus.promote.commands import list_versions, promote_version, roll_back, show_version
from gradus.promote.diff import diff_versions
from gradus.registry import Registry

from ..candidates import candidate
from .promoting import PERCENTS, Promoting, write_answers

SCRIPT = PROJECT / "scripts" / "09_promote.py"


def run_script(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "workspace")


def register(registry: Registry, folder: Path, best: int = 10) -> str:
    """An adapter whose training was best at that iteration."""
    made = candidate(folder, folder.name.encode())
    metadata = folder / "run_metadata.json"
    metadata.write_text(json.dumps({"best": {"iteration": best, "loss": 2.0}}))
    return registry.register_model(replace(made, files=(*made.files, metadata))).id


def test_an_untrained_adapter_is_not_promoted_unless_forced(registry: Registry, tmp_path: Path) -> None:
    config = load_config()
    register(registry, tmp_path / "untrained", best=0)
    with pytest.raises(GradusError, match="v1 is not promoted: its training improved on nothing: the best iteration is 0") as caught:
        promote_version(registry, "v1", config, force=False)
    assert "\n" not in str(caught.value)
    assert registry.book().current is None
    assert "v1 is the current model now" in promote_version(registry, "v1", config, force=True)
    assert registry.book().history[-1].forced
    other = Registry(tmp_path / "other")
    register(other, tmp_path / "trained", best=1)
    assert "v1 is the current model now" in promote_version(other, "v1", config, force=False)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["list"], 0, "no version registered"),
        (["show"], 2, "no model is current yet. None is registered either: python scripts/run_all.py trains one"),
        (["diff", "v1"], 2, "no version 'v1'. Registered: none yet."),
        (["promote", "v1"], 2, "no version 'v1'. Registered: none yet."),
        (["rollback"], 2, "there is no earlier model to go back to"),
        (["rollback", "--dry-run"], 2, "there is no earlier model to go back to"),
        (["rollback", "--force"], 2, "--force does nothing with rollback"),
    ],
)
def test_an_empty_workspace_stays_empty(words: list[str], code: int, message: str, tmp_path: Path) -> None:
    done = run_script("--set", f"paths.workspace={tmp_path / 'w'}", *words)
    assert (done.returncode, message in done.stdout + done.stderr) == (code, True)
    assert list(tmp_path.iterdir()) == []


def test_the_options_of_every_script_stand_before_or_after_the_command(registry: Registry, tmp_path: Path) -> None:
    register(registry, tmp_path / "one")
    workspace = f"paths.workspace={registry.workspace}"
    before, after = (run_script(*words) for words in (("--set", workspace, "list"), ("list", "--set", workspace)))
    assert before.stdout == after.stdout
    assert before.stdout.splitlines()[1].startswith("v1")
    both = run_script("--set", workspace, "promote", "v1", "--dry-run", "--set", "promote.minimum_percent=80")
    assert "its grade of 75.5 % is below promote.minimum_percent (80 %)" in both.stderr, "neither --set makes the other forgotten"
    wrong = run_script("list", "--log-level", "loud")
    assert (wrong.returncode, "invalid choice: 'loud'" in wrong.stderr) == (2, True)


def test_the_commands_of_the_script(promoting: Promoting, evaluated: Callable[..., Path], tmp_path: Path) -> None:
    """Where the exit code counts by a process, else by what the script calls; each command is also run in an empty workspace below."""
    registry = promoting.registry

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return run_script("--set", f"paths.workspace={registry.workspace}", *words)

    promoting.inputs["07_evaluate/evaluation.json"] = evaluated(40.0, 50.0)
    promoting.first()
    refused = run("promote", "v1")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "not above the base model's" in refused.stderr
    assert "--force" in refused.stderr
    assert promote_version(registry, "v1", promoting.config, force=True, dry_run=True) == "would promote v1"
    assert registry.book().current is None
    assert "v1 is the current model now" in run("promote", "v1", "--force").stdout
    shown = show_version(registry)
    assert "forced past the gate" in shown
    assert "v1 (current)" in shown
    assert "v1       current  B 40.0 %" in list_versions(registry)
    promoting.second(answers=write_answers(tmp_path / "second", [PERCENTS[0], 90.0, *PERCENTS[2:7], 60.0]))
    difference = diff_versions(registry, "v2", None, 100)
    assert "v2 -> v1" in difference
    assert "8 common questions: 1 better, 6 the same, 1 worse" in difference
    assert "  +14.0  What is 7?\n   -10.0  What is 1?" in difference
    assert "settings\n  the same" in difference
    assert not (registry.workspace / "reports").exists(), "what is done to the registry stands in its history, not in a run's log"


def test_a_damaged_version_is_shown_and_neither_compared_nor_promoted(registry: Registry, tmp_path: Path) -> None:
    for name in ("one", "two"):
        register(registry, tmp_path / name)
        registry.promote(registry.book().versions[-1].id, reason="test")
    for version in registry.book().versions:
        (registry.folder_of(version) / "run_metadata.json").unlink()
    assert "run_metadata.json is missing" in show_version(registry)
    message = r"the file of v1 is missing\. Put it back with python scripts/09_promote\.py --run one --force"
    for force in (False, True):
        with pytest.raises(GradusError, match=message):
            promote_version(registry, "v1", load_config(), force=force)
    with pytest.raises(GradusError, match=message):
        diff_versions(registry, "v1", "v2", 10)
    with pytest.raises(GradusError, match=message):
        roll_back(registry, dry_run=True)


def test_what_to_name_when_there_is_nothing_to_compare_or_serve(registry: Registry, tmp_path: Path) -> None:
    register(registry, tmp_path / "one")
    with pytest.raises(UserError, match=r"no model is current yet\. Promote one of v1: python scripts/09_promote\.py promote VERSION"):
        registry.get_latest()
    registry.promote("v1", reason="test")
    with pytest.raises(UserError, match=r"v1 is the current version, with which it is compared.*There is no other version yet"):
        diff_versions(registry, "v1", None, 10)
    register(registry, tmp_path / "two")
    with pytest.raises(UserError, match=r"v1 is the current version.*Name another one: python scripts/09_promote\.py diff v1 v2"):
        diff_versions(registry, "v1", None, 10)
    with pytest.raises(UserError, match=r"v2 is compared with itself\. Name another one: python scripts/09_promote\.py diff v2 v1"):
        diff_versions(registry, "v2", "v2", 10)
