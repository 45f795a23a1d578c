"""Data sets: every usual shape comes out as one JSON object a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from gradus.collect.readers import FileReading, options_of, read_file
from gradus.config import load_config

OPTIONS = options_of(load_config().collect)
PAIR = {"question": "Why?", "answer": "So."}
CHAT = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes"}]}
SQUAD = {"title": "T", "paragraphs": [{"context": "c", "qas": [{"question": "Who?", "answers": [{"text": "Ann"}]}]}]}
SEED = {"instruction": "Add.", "instances": [{"input": "1", "output": "2"}]}


def rows(reading: FileReading) -> list[Any]:
    assert reading.found is not None, reading
    assert reading.found.format == "rows"
    return [json.loads(line) for line in reading.found.text.split("\n") if line]


def read(path: Path, text: str) -> FileReading:
    path.write_text(text, encoding="utf-8")
    return read_file(path, OPTIONS)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([PAIR, PAIR], [PAIR, PAIR]),
        ({"version": "1", "data": [PAIR, CHAT]}, [PAIR, CHAT]),
        ({"version": "1.1", "data": [SQUAD]}, [SQUAD]),
        (CHAT, [CHAT]),
        (SEED, [SEED]),
        (SQUAD, [SQUAD]),
        (PAIR, [PAIR]),
        ({"question": ["a", "b"], "answer": ["1", "2"]}, [{"question": "a", "answer": "1"}, {"question": "b", "answer": "2"}]),
    ],
)
def test_a_json_file_gives_its_rows(tmp_path: Path, value: object, expected: list[object]) -> None:
    assert rows(read(tmp_path / "a.json", json.dumps(value, indent=2))) == expected


def test_json_lines_under_the_wrong_name_are_read_as_such(tmp_path: Path) -> None:
    reading = read(tmp_path / "a.json", f"{json.dumps(PAIR)}\n{json.dumps(CHAT)}\n{{broken\n")
    assert rows(FileReading("text", "", reading.found) if reading.found is None else _without(reading, 3)) == [PAIR, CHAT]
    assert reading.faults[0].startswith("line 3: not valid JSON")


def _without(reading: FileReading, line: int) -> FileReading:
    from dataclasses import replace

    assert reading.found is not None
    lines = reading.found.text.split("\n")
    del lines[line - 1]
    return replace(reading, found=replace(reading.found, text="\n".join(lines)))


@pytest.mark.parametrize(
    ("text", "reason"),
    [('{"a": 1,\n}', "line 2: not valid JSON"), ("[1, 2]", "no JSON object"), ('"text"', "no JSON object"), ("[" * 100_000, "nested too deeply")],
)
def test_json_without_rows_says_why(tmp_path: Path, text: str, reason: str) -> None:
    reading = read(tmp_path / "a.json", text)
    assert (reading.status, reading.found) == ("broken", None)
    assert reason in reading.reason


def test_rows_that_are_no_objects_are_named(tmp_path: Path) -> None:
    reading = read(tmp_path / "a.json", json.dumps([PAIR, 3, PAIR]))
    assert rows(reading) == [PAIR, PAIR]
    assert reading.faults == ("row 2: not a JSON object",)


def test_tab_separated_values(tmp_path: Path) -> None:
    reading = read(tmp_path / "a.tsv", "Question\tAnswer\nWhy, then?\tSo.\n")
    assert rows(reading) == [{"question": "Why, then?", "answer": "So."}]


def test_parquet(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.Table.from_pylist([PAIR, {"question": "Ü?", "answer": None}]), tmp_path / "a.parquet")
    reading = read_file(tmp_path / "a.parquet", OPTIONS)
    assert rows(reading) == [PAIR, {"question": "Ü?", "answer": None}]
    assert reading.reason == "2 rows"
    parquet.write_table(pyarrow.Table.from_pylist([CHAT]), tmp_path / "b.parquet")
    assert rows(read_file(tmp_path / "b.parquet", OPTIONS)) == [CHAT]
    (tmp_path / "c.parquet").write_bytes(b"PAR1 nothing PAR1")
    assert read_file(tmp_path / "c.parquet", OPTIONS).status == "broken"
