"""Replies on disk: none lost, none mixed up, damaged lines passed over."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from gradus.config.load import PROJECT
from gradus.teacher import Reply
from gradus.teacher.cache import ReplyCache

from .conftest import Settings, ask

REPLY = Reply("naïve \U0001f40d\nand more", 3, 4, False, "stop")


def test_kept_and_found_again(settings: Settings, tmp_path: Path) -> None:
    cache = ReplyCache(settings(), tmp_path / "deep" / "er")
    key = cache.key(ask("a"))
    assert cache.get(key) is None
    cache.put(key, REPLY)
    again = ReplyCache(settings(), tmp_path / "deep" / "er")
    assert again.get(key) == cache.get(key) == replace(REPLY, cached=True)
    assert again.path.stat().st_mode & 0o077 == 0  # replies may quote private documents


def test_every_part_of_a_request_counts(settings: Settings, tmp_path: Path) -> None:
    requests = [ask("a"), ask("b"), ask("a", {"type": "object"}), ask("a", seed=1), ask("a", max_tokens=51), ask("a", temperature=0.1)]
    cache = ReplyCache(settings(), tmp_path)
    other = [ReplyCache(settings(**change), tmp_path) for change in ({"model": "x"}, {"base_url": "http://127.0.0.1:1/v1"})]
    keys = [cache.key(request) for request in requests] + [c.key(requests[0]) for c in other]
    assert len(set(keys)) == 8
    assert ReplyCache(settings(timeout_seconds=1, retries=0, concurrency=9), tmp_path).key(requests[0]) == keys[0]


def test_a_model_folder_that_changed_is_another_teacher(settings: Settings, tmp_path: Path) -> None:
    weights = tmp_path / "model" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"1")
    os.utime(weights, ns=(1, 1))
    local = settings(kind="mlx", model=str(weights.parent))
    first = ReplyCache(local, tmp_path).key(ask("a"))
    assert ReplyCache(local, tmp_path).key(ask("a")) == first
    os.utime(weights, ns=(2, 2))
    assert ReplyCache(local, tmp_path).key(ask("a")) != first


def test_a_torn_line_costs_itself_alone(settings: Settings, tmp_path: Path) -> None:
    cache = ReplyCache(settings(), tmp_path)
    for key in "abc":
        cache.put(key, REPLY)
    content = cache.path.read_bytes()
    cache.path.write_bytes(content[:-20])
    again = ReplyCache(settings(), tmp_path)
    assert (again.get("a") is None, again.get("b") is None, again.get("c")) == (False, False, None)
    again.put("d", REPLY)
    last = ReplyCache(settings(), tmp_path)
    assert [last.get(key) is not None for key in "abcd"] == [True, True, False, True]


APPEND = """
import sys
from pathlib import Path
sys.path.insert(0, "scripts")
from gradus.teacher.cache import _append
for i in range(300):
    _append(Path(sys.argv[1]), (sys.argv[2] * 200 + "\\n").encode())
"""


def test_two_processes_at_once(tmp_path: Path) -> None:
    file = tmp_path / "cache.jsonl"
    processes = [subprocess.Popen([sys.executable, "-c", APPEND, str(file), letter], cwd=PROJECT) for letter in "xy"]
    assert [process.wait(30) for process in processes] == [0, 0]
    lines = file.read_text(encoding="utf-8").splitlines()
    assert sorted(lines) == ["x" * 200] * 300 + ["y" * 200] * 300
