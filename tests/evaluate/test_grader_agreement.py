"""The benchmark of agreement with people: its figures, and what it does with rows that are no good."""

from __future__ import annotations

import csv
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from gradus.config.load import PROJECT

ANSWERS: dict[str, tuple[str, list[tuple[str, float]]]] = {
    "What does a stack do?": (
        "It gives back the element that was put in last, before all older ones.",
        [("It gives back the element put in last.", 5), ("The newest element comes out first, before older ones.", 4), ("It sorts.", 0), ("", 0)],
    ),
    "What is a pointer?": (
        "A variable that holds the address of a place in memory.",
        [("A variable holding a memory address.", 5), ("It holds an address.", 3.5), ("It is a loop over a file.", 0), ("a variable", 1)],
    ),
}


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("grader_agreement", PROJECT / "benchmarks" / "grader_agreement.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["grader_agreement"] = module
    spec.loader.exec_module(module)
    return module


def _rows() -> list[list[str]]:
    return [[question, reference, answer, str(mark)] for question, (reference, given) in ANSWERS.items() for answer, mark in given]


def _write(path: Path, rows: list[list[str]], encoding: str = "utf-8") -> str:
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows([["question", "reference", "answer", "human_score"], *rows])
    return str(path)


def test_the_last_line_is_json(benchmark: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main([_write(tmp_path / "marked.csv", _rows()), "--embedding", "off"]) == 0
    shown = capsys.readouterr().out
    found = json.loads(shown.splitlines()[-1])
    assert {"pearson", "spearman", "qwk", "rmse", "best_single", "best_single_name"} <= set(found)
    assert found["pearson"] > 0.8
    assert found["answers"] == 8
    assert found["embedding"] is None
    assert "8 answers to 2 questions, 1 of them blank" in shown
    assert "chrF" in shown
    assert "content score, by words" not in shown


def test_rows_that_are_no_good_are_named(benchmark: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["What?", "", "an answer", "3"], *_rows(), ["What?", "a reference", "an answer", "many"], ["What?", "a reference", "an answer", "7"]]
    assert benchmark.main([_write(tmp_path / "marked.csv", rows), "--embedding", "off"]) == 0
    shown = capsys.readouterr().out
    assert "1 rows left out, no reference: row 2" in shown
    assert "2 rows left out, no mark from 0 to 5: row 11, 12" in shown


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings(benchmark: ModuleType, tmp_path: Path, encoding: str) -> None:
    rows = [["Was ist größer?", "Die Größe ist größer.", "größer", "5"], *_rows()]
    read = benchmark.read(Path(_write(tmp_path / "marked.csv", rows, encoding)))
    assert read[0].question == "Was ist größer?"


def test_tables_of_other_people(benchmark: ModuleType, tmp_path: Path) -> None:
    """Other columns in another order, lines within quotes, characters that end a line elsewhere, marks with a comma, short rows."""
    path = tmp_path / "marked.csv"
    first = '4.5,7,"one\nanswer","What is\r\nit?",a reference'
    second = '"3,5",8,two\u2028or\x0bthree\x85,What?,a reference'
    rows = [first, second, "", "2,9,four,What?,a reference,more", "5,10"]
    path.write_bytes("\r\n".join(["\ufeffHuman_Score,id, answer ,question,reference", *rows]).encode())
    read = benchmark.read(path)
    assert [row.human for row in read] == [4.5, 3.5, 2]
    assert [row.answer for row in read] == ["one\nanswer", "two\u2028or\x0bthree\x85", "four"]
    assert read[0].question == "What is\r\nit?"


def test_what_is_no_table_is_told(benchmark: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "marked.csv"
    path.write_text(f"question,reference,answer,human_score\nWhat?,it,{'a' * 200_000},5\n", encoding="utf-8")
    before = csv.field_size_limit(131_072)  # Python's own; the reader of rows, which runs in a child process, lifts it
    try:
        assert benchmark.main([str(path), "--embedding", "off"]) == 2
    finally:
        csv.field_size_limit(before)
    assert "marked.csv:2: not a table" in capsys.readouterr().err


def test_a_file_without_the_columns_is_told(benchmark: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "marked.csv"
    path.write_text("question,answer\na,b\n", encoding="utf-8")
    assert benchmark.main([str(path), "--embedding", "off"]) == 2
    assert "no column reference, human_score" in capsys.readouterr().err
    assert benchmark.main([str(tmp_path / "nowhere.csv"), "--embedding", "off"]) == 2


def test_fit_gives_weights_that_rank_better_than_chance(benchmark: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [_write(tmp_path / f"{name}.csv", _rows()[part]) for name, part in (("one", slice(0, 4)), ("two", slice(4, 8)))]
    assert benchmark.main(["--fit", *paths, "--embedding", "off"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])["by_words"]
    assert sum(found[name] for name in benchmark.OVERLAPS) == pytest.approx(1, abs=0.03)
    assert found["transfer"][paths[0]] > 0.5


def test_measures_of_agreement(benchmark: ModuleType) -> None:
    human = np.array([0.0, 1, 2, 3, 4, 5])
    perfect = benchmark.agreement(human / 5, human)
    assert perfect == {"pearson": pytest.approx(1), "spearman": pytest.approx(1), "qwk": pytest.approx(1), "rmse": 0}
    assert benchmark.agreement((5 - human) / 5, human)["qwk"] == pytest.approx(-1)
    assert benchmark.agreement(np.full(6, 0.5), human)["pearson"] == 0
    assert benchmark.agreement((human / 5) ** 3, human)["spearman"] == pytest.approx(1)


def test_chrf(benchmark: ModuleType) -> None:
    assert benchmark.chrf("the stack", "the stack") == pytest.approx(1)
    assert benchmark.chrf("the stack", "") == 0
    assert 0.1 < benchmark.chrf("the stack", "the stacks are") < 1
