"""Estimates before anything is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradus.teacher import Estimate, as_summary, estimate, open_teacher

from ..teacher_server import TeacherServer
from .conftest import Settings, ask


def test_an_estimate_asks_nothing(teacher_server: TeacherServer, settings: Settings, tmp_path: Path) -> None:
    requests = [ask("a" * 40, max_tokens=10), ask("b" * 43, max_tokens=20), ask("a" * 40, max_tokens=10)]
    assert estimate(requests, settings(), tmp_path) == Estimate(3, 1, 10 + 11, 30, None, "characters / 4, an estimate")
    assert teacher_server.requests == []
    assert list(tmp_path.iterdir()) == []
    with open_teacher(settings(), tmp_path) as teacher:
        list(teacher.answers(requests[:1]))
    priced = settings(**{"price_per_million.input": 3, "price_per_million.output": 10})
    found = estimate(requests, priced, tmp_path)
    assert (found.cached, found.prompt_tokens, found.completion_tokens) == (2, 11, 20)
    assert found.cost == pytest.approx((11 * 3 + 20 * 10) / 1e6)


def test_one_price_alone_is_no_cost(settings: Settings, tmp_path: Path) -> None:
    assert estimate([ask("a")], settings(**{"price_per_million.input": 3}), tmp_path).cost is None


def test_in_words() -> None:
    lines = as_summary(Estimate(1200, 200, 45000, 9000, 1.5, "the model's tokenizer"))
    assert lines["prompt tokens"] == "45,000 (by the model's tokenizer)"
    assert lines["cost"] == "1.5000 at most"
    assert "unknown" in str(as_summary(Estimate(1, 0, 1, 1, None, ""))["cost"])
