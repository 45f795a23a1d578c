"""What the teacher tests share: a way to make requests and the settings of a teacher."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gradus.config import load_config
from gradus.teacher import Request, TeacherSettings

from ..teacher_server import TeacherServer

Settings = Callable[..., TeacherSettings]


def ask(text: str, schema: dict[str, Any] | None = None, seed: int | None = None, max_tokens: int = 50, temperature: float = 0.0) -> Request:
    """A request of one user turn."""
    return Request(({"role": "user", "content": text},), max_tokens, temperature, schema, seed)


@pytest.fixture
def settings(teacher_server: TeacherServer) -> Settings:
    """Settings that make the scripted server the teacher, with `key=value` changes to `extract.teacher`."""

    def make(**changes: object) -> TeacherSettings:
        changed = [f"extract.teacher.{key}={value}" for key, value in changes.items()]
        return load_config(settings=[*teacher_server.settings, "extract.teacher.retries=1", *changed]).extract.teacher

    return make
