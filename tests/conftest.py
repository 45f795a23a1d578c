"""Fixtures shared by all rooms: a throwaway home, and a real tiny model trained for a few steps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradus.config import Config, load_config

from .teacher_server import TeacherServer, serve

os.environ.setdefault("HF_HUB_OFFLINE", "1")

TEXTS = [
    f"# Function {name}\n\nThe function `{name}` returns the **{word}** of its input.\n\n- `x`: the {word} value\n- `n`: how many\n\n"
    f"```python\n>>> {name}(3)\n{number}\n```\n"
    for name, word, number in [("sine", "sum", 3), ("cosine", "product", 9), ("mean", "average", 1), ("sort", "order", 4), ("scan", "list", 7)]
] * 4


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the real home or its caches."""
    home = tmp_path_factory.mktemp("home")
    old = {key: os.environ.get(key) for key in ("HOME", "HF_HOME", "XDG_CACHE_HOME")}
    os.environ.update(HOME=str(home), HF_HOME=str(home / "hf"), XDG_CACHE_HOME=str(home / "cache"))
    yield
    for key, value in old.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value


@pytest.fixture(scope="session")
def tiny_settings() -> list[str]:
    """Settings (`key=value`) of a base model that is built in about a second."""
    values = {"layers": 2, "hidden": 64, "heads": 2, "kv_heads": 1, "intermediate": 128, "vocabulary": 512, "context": 256}
    values |= {"steps": 8, "batch_size": 4, "sequence_length": 64}
    return ["model.base=builtin", *(f"model.builtin.{key}={value}" for key, value in values.items())]


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory, tiny_settings: list[str]) -> Path:
    """Folder of a real Qwen3 model (about 0.1 M parameters) with tokenizer and chat template. Do not write into it."""
    from gradus.prepare.builtin import build_builtin

    folder = tmp_path_factory.mktemp("models") / "tiny_base"
    build_builtin(TEXTS, load_config(settings=tiny_settings).model.builtin, 3, folder)
    return folder


@pytest.fixture
def teacher_server() -> Iterator[TeacherServer]:
    """A real server on loopback that answers as its `script` says; `settings` make it the teacher."""
    with serve() as server:
        yield server


@pytest.fixture
def tiny_config(tmp_path: Path, tiny_settings: list[str]) -> Config:
    """The default configuration with the tiny base and a workspace of its own."""
    return load_config(settings=[*tiny_settings, f"paths.workspace={tmp_path / 'workspace'}", "run.name=test"])
