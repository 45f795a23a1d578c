"""The settings of a teacher, and what a dry run shows of its cost."""

from __future__ import annotations

import pytest

from gradus.config import load_config
from gradus.errors import UserError


def teacher(*settings: str) -> list[str]:
    return [f"extract.teacher.{setting}" for setting in settings]


def test_no_teacher_by_default() -> None:
    assert load_config().extract.teacher.kind == "off"
    assert load_config(settings=teacher("kind=off")).extract.teacher.kind == "off"  # YAML reads a bare off as false


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["kind=openai"], "kind openai needs a model"),
        (["kind=mlx"], "kind mlx needs a model"),
        (["kind=openai", "model=a", "base_url=127.0.0.1:11434"], "kind openai needs base_url, say http"),
        (["kind=openai", "model=a", "base_url=https://me:secret@a.org/v1"], "must hold no key or password"),
        (["kind=openai", "model=a", "base_url=https://a.org/v1?key=secret"], "must hold no key or password"),
        (["kind=vllm"], "should be 'off', 'openai' or 'mlx', got 'vllm'"),
        (["api_key_env=sk-1234"], "is no valid name"),
    ],
)
def test_settings_that_cannot_work(settings: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        load_config(settings=teacher(*settings))
