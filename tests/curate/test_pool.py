"""Several processes score what one scores, in the same order."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradus.config import load_config
from gradus.curate import pool
from gradus.curate.contamination import index
from gradus.curate.rows import read_lines
from gradus.files import write_jsonl

from .conftest import Make


def test_the_number_of_processes_changes_nothing(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "POOL_FROM_BYTES", 0)
    monkeypatch.setattr(pool, "CHUNK_LINES", 7)
    path = tmp_path / "examples.jsonl"
    write_jsonl(path, [make(f"What is {i}?", f"It is {i}, as anna.berg@firma.de wrote.") for i in range(100)])
    benchmarks = index([("bench.txt:1", "What is 42?")], 8, 0.5)
    found = []
    for processes in (1, 2):
        settings = load_config(settings=[f"curate.processes={processes}"]).curate
        found.append(list(pool.score_all(read_lines(path, 10**6, 100), path.stat().st_size, settings, benchmarks)))
    assert found[0] == found[1]
    assert [line.number for line in found[0]] == list(range(1, 101))
    assert [line.number for line in found[0] if line.reason == "contaminated"] == [43]
