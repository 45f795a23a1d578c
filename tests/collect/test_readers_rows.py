"""Data sets: every usual shape comes out as one JSON object a line."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
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
    assert rows(_without(reading, 3)) == [PAIR, CHAT]
    assert reading.faults[0].startswith("line 3: not valid JSON")


def _without(reading: FileReading, line: int) -> FileReading:
    assert reading.found is not None
    lines = reading.found.text.split("\n")
    del lines[line - 1]
    return replace(reading, found=replace(reading.found, text="\n".join(lines)))


@pytest.mark.parametrize(
    ("text", "reason"),
    [('{"a": 1,\nb}', "line 2: not valid JSON"), ("[1, 2]", "no JSON object"), ('"text"', "no JSON object"), ("[" * 100_000, "nested too deeply")],
)
def test_json_without_rows_says_why(tmp_path: Path, text: str, reason: str) -> None:
    reading = read(tmp_path / "a.json", text)
    assert (reading.status, reading.found) == ("broken", None)
    assert reason in reading.reason


def test_rows_that_are_no_objects_are_named(tmp_path: Path) -> None:
    reading = read(tmp_path / "a.json", json.dumps([PAIR, 3, PAIR]))
    assert rows(reading) == [PAIR, PAIR]
    assert reading.faults == ("row 2: not a JSON object",)


def test_empty_lines_above_the_header_of_a_table_are_passed_over(tmp_path: Path) -> None:
    reading = read(tmp_path / "a.csv", "\n\nquestion,answer\nWhy?,So.\n")
    assert (rows(reading), reading.faults) == ([PAIR], ())
    assert reading.found is not None
    assert reading.found.text.split("\n").index(json.dumps(PAIR)) == 3, "a row stands on its own line"
    assert read(tmp_path / "b.csv", "\n\na,a\n1,2\n").reason == "line 3: two columns have the same name (a, a)"


def test_tab_separated_values(tmp_path: Path) -> None:
    reading = read(tmp_path / "a.tsv", "Question\tAnswer\nWhy, then?\tSo.\n")
    assert rows(reading) == [{"question": "Why, then?", "answer": "So."}]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_the_delimiter_is_the_one_that_fits_header_and_rows(tmp_path: Path, name: str, delimiter: str) -> None:
    records = [["id", "Question", "Answer"], ["1", "Why, then; or | not?", "So:\r\n\ta, b; c | d"], ["2", 'A "b"?', "1,5"]]
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter).writerows(records)
    reading = read(tmp_path / name, stream.getvalue())
    assert [(row["question"], row["answer"]) for row in rows(reading)] == [(asked, answer) for _, asked, answer in records[1:]]
    assert reading.faults == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("question,a;b;c\nWhy?,So.\n", [{"question": "Why?", "a;b;c": "So."}]),
        ("question;answer, short\nWhy, then?;So, yes, it is.\n", [{"question": "Why, then?", "answer, short": "So, yes, it is."}]),
        ("text\nOne; two\nOne, two\n", [{"text": "One; two"}]),
    ],
)
def test_a_delimiter_that_the_header_or_the_rows_do_not_follow_is_not_taken(tmp_path: Path, text: str, expected: list[object]) -> None:
    assert rows(read(tmp_path / "a.csv", text)) == expected


def test_a_ragged_file_names_the_delimiter_and_quoted_lines_are_told(tmp_path: Path) -> None:
    ragged = read(tmp_path / "a.csv", "question;answer\nWhy?;So.\nHow?;Well; so.\n")
    assert rows(ragged) == [PAIR]
    assert ragged.faults == ("line 3: 3 fields, the header has 2 when split at ';'",)
    assert read(tmp_path / "b.csv", "question;answer\nWhy?,So.\n").reason == "line 2: 1 fields, the header has 2 when split at ';'"
    quoted = read(tmp_path / "c.csv", '"question;answer"\n"Why?;So."\n')
    assert "a single column, whose name holds ';'" in quoted.faults[0]


def test_parquet(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.Table.from_pylist([PAIR, {"question": "Ü?", "answer": None}]), tmp_path / "a.parquet")
    reading = read_file(tmp_path / "a.parquet", OPTIONS)
    assert rows(reading) == [PAIR, {"question": "Ü?", "answer": None}]
    assert reading.reason == "2 rows"
    parquet.write_table(pyarrow.Table.from_pylist([CHAT]), tmp_path / "b.parquet")
    assert rows(read_file(tmp_path / "b.parquet", OPTIONS)) == [CHAT]
    (tmp_path / "c.parquet").write_bytes(b"PAR1 nothing PAR1")
    assert read_file(tmp_path / "c.parquet", OPTIONS).status == "broken"
