"""What the documents tell people to type works: every command, every setting, every link."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gradus.config import load_config
from gradus.config.load import PROJECT

PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
NAMED = sorted({command.strip() for command in re.findall(r"python (scripts/\w+\.py[^`\n]*)", TEXT)})
NEEDS_A_RUN = ["scripts/06_train_mlx.py --replay adapters/default", "scripts/03_curate.py --audit data/05_prepared", "scripts/09_promote.py list"]
"""Commands that need a finished run; tests/train/test_replay.py, tests/curate/test_audit.py, tests/delivery/test_promote.py run them."""
SCRIPTS = [command for command in NAMED if command not in NEEDS_A_RUN]
MAKE = sorted(
    {command.strip() for command in re.findall(r"^(make [^#\n]*)", TEXT, re.MULTILINE)} | set(re.findall(r"`(?:\w+=\d+ )?(make [^`]*)`", TEXT))
)
SETTINGS = sorted(set(re.findall(r"`(?:--set )?'?([a-z_]+(?:\.[a-z_]+)+=[^\s`']+)'?`", TEXT)))
LOG = Path(__file__).parent / "train" / "logs" / "mlx_lm_0.32_piped.log"


def test_the_documents_have_something_to_check() -> None:
    assert len(SCRIPTS) >= 4
    assert set(NEEDS_A_RUN) <= set(NAMED)
    assert len(MAKE) >= 4
    assert len(SETTINGS) >= 7


@pytest.mark.parametrize("command", SCRIPTS)
def test_script_command_is_understood(command: str, tmp_path: Path) -> None:
    script, *flags = shlex.split(command, comments=True)
    shutil.copy(LOG, tmp_path / "lora.log")
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    shutil.copy(PROJECT / "config" / "submissions.csv", tmp_path / "exam.csv")
    arguments = [sys.executable, str(PROJECT / script), *flags, "--dry-run", "--set", f"paths.workspace={tmp_path / 'w'}"]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert not (tmp_path / "w").exists()


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("command", MAKE)
def test_make_command_has_a_target(command: str) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run([*shlex.split(command), "-n"], cwd=PROJECT, capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    for given in re.findall(r'ARGS="([^"]*)"', command):
        assert given in done.stdout


@pytest.mark.parametrize("setting", SETTINGS)
def test_setting_is_accepted(setting: str) -> None:
    assert load_config(settings=[setting]) is not None


def test_example_configuration_loads(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert blocks
    for block in blocks:
        (tmp_path / "mine.yaml").write_text(block)
        assert load_config([tmp_path / "mine.yaml"]) != load_config()


def test_links_lead_somewhere() -> None:
    missing = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                missing.append(f"{page.name}: {target}")
    assert missing == []
