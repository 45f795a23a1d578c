"""Prepared data and jobs for real training runs of a second or two."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from gradus import cli
from gradus.config import load_config
from gradus.config.load import PROJECT
from gradus.files import read_json, write_json
from gradus.records import Base
from gradus.step import Step, StepContext, Summary, run_step
from gradus.train import commands

FACTS = [("sine", "sum"), ("cosine", "product"), ("mean", "average"), ("sort", "order"), ("scan", "list"), ("fold", "value"), ("zip", "pairs")]


def rows(start: int, count: int) -> list[dict[str, Any]]:
    """Conversations of unequal length about made-up functions."""
    made = []
    for i in range(start, start + count):
        name, word = FACTS[i % len(FACTS)]
        answer = f"`{name}` returns the **{word}**." + f" It takes {i} values." * (i % 4)
        made.append(
            {"id": f"row{i}", "messages": [{"role": "user", "content": f"What does {name} {i} do?"}, {"role": "assistant", "content": answer}]}
        )
    return made


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with train.jsonl (40 rows) and valid.jsonl (9 rows)."""
    folder = tmp_path_factory.mktemp("prepared")
    for name, part in (("train", rows(0, 40)), ("valid", rows(100, 9))):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part), encoding="utf-8")
    return folder


SHORT = {"iterations": 12, "report_every": 2, "validate_every": 4, "checkpoint_every": 3, "batch_size": 2, "learning_rate": 1e-3}
SHORT |= {"schedule.warmup_updates": 2, "lora.rank": 4, "row_tokens": 64}
SETTINGS = ["prepare.max_tokens=128", *(f"train.{key}={value}" for key, value in SHORT.items())]

JobMaker = Callable[..., Path]


def write_job(folder: Path, prepared: Path, base: Path, *settings: str) -> Path:
    """A job of the short settings and those given, in a new folder."""
    folder.mkdir()
    files = {part: str(prepared / f"{part}.jsonl") for part in ("train", "valid")}
    config = load_config(settings=[*SETTINGS, *settings]).model_dump()
    write_json(folder / "job.json", {"config": config, "base": str(base), "folder": str(folder), **files})
    return folder / "job.json"


@pytest.fixture
def make_job(tmp_path: Path, prepared: Path, tiny_base: Path) -> JobMaker:
    """`make_job("name", "train.method=dora", ...)` writes a job in a folder of its own and returns the job's path."""
    return lambda name, *settings: write_job(tmp_path / name, prepared, tiny_base, *settings)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, prepared: Path, tiny_base: Path) -> Path:
    """A job of the short settings that ran to its end, its best weights also as the adapter. Do not write into its folder."""
    job = write_job(tmp_path_factory.mktemp("finished") / "job", prepared, tiny_base)
    assert events(job)[0] == 0
    shutil.copy(best_of(job), job.with_name("adapters.safetensors"))
    return job


def best_of(job: Path) -> Path:
    """The weights of the best validation of a finished job."""
    return job.with_name(f"best-{read_json(job.with_name('result.json'))['best']['iteration']:07d}.safetensors")


def start_worker(job: Path) -> subprocess.Popen[str]:
    """The real child process of a training run."""
    command = [sys.executable, "-m", "gradus.train.worker", str(job)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT / "scripts")


def events(job: Path) -> tuple[int, list[dict[str, Any]]]:
    """Run a job to its end; returns exit code and events."""
    worker = start_worker(job)
    out, err = worker.communicate(timeout=300)
    assert not err.strip() or worker.returncode == 0, err
    return worker.returncode, [json.loads(line) for line in out.splitlines()]


def losses(job: Path) -> list[tuple[int, str, float]]:
    """The loss series in metrics.jsonl."""
    lines = job.with_name("metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [(row["iteration"], row["kind"], row["loss"]) for row in map(json.loads, lines)]


def prepare(root: Path, prepared: Path, tiny_base: Path) -> Path:
    """A workspace in which 05_prepare has finished, with the prepared data and the tiny base."""
    base = Base("builtin", "tiny", str(tiny_base), "tiny", "for tests", 100_000)

    def work(context: StepContext) -> Summary:
        for name in ("train", "valid"):
            shutil.copy(prepared / f"{name}.jsonl", context.out / f"{name}.jsonl")
        write_json(context.out / "base.json", asdict(base))
        return {}

    run_step(Step("05_prepare", "Prepare", 1, "data/05_prepared", work), load_config(settings=[f"paths.workspace={root}"]), {})
    return root


@pytest.fixture
def workspace(tmp_path: Path, prepared: Path, tiny_base: Path) -> Path:
    """A workspace in which 05_prepare has finished, with the prepared data and the tiny base."""
    return prepare(tmp_path / "workspace", prepared, tiny_base)


class Command:
    """06_train_mlx.py on a workspace: `command("--find-lr", "train.iterations=4")` returns the exit code."""

    def __init__(self, workspace: Path) -> None:
        settings = [f"paths.workspace={workspace}", "run.name=test", *SETTINGS]
        self.workspace = workspace
        self.words = [word for setting in settings for word in ("--set", setting)]

    def __call__(self, *words: str) -> int:
        """Flags as they are; `key=value` is a setting."""
        given = [w for word in words for w in (("--set", word) if "=" in word else (word,))]
        parser = cli.parser("test")
        commands.add_flags(parser)
        return commands.run(parser.parse_args([*self.words, *given]))

    def log(self) -> str:
        """What was logged."""
        return (self.workspace / "reports" / "test" / "log.jsonl").read_text(encoding="utf-8")


@pytest.fixture
def command(workspace: Path) -> Command:
    """06_train_mlx.py on the workspace, in this process; training happens in its real child."""
    return Command(workspace)
