"""Examples that hold a row of a benchmark go, with the row named; those that share a phrase with one stay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradus.config import load_config
from gradus.config.schema import Curate
from gradus.curate.benchmarks import read_benchmark
from gradus.curate.contamination import Benchmarks, files_state, find_near_rows, index, index_rows, read_rows
from gradus.curate.decide import decide, measure
from gradus.curate.describe import describe
from gradus.curate.removals import removal_of
from gradus.errors import UserError

from .conftest import Make, Score

ROW = "A train leaves the station at nine and covers sixty miles each hour until it meets another train at noon exactly"
LONG = "A widget is a small part that a program draws on the screen, and people use it to see a value or to change it."
OTHER = "Natalia sold clips to forty eight of her friends in April and then she sold half as many clips in May that year"


@pytest.fixture
def benchmarks() -> Benchmarks:
    return index([("gsm.jsonl:1", OTHER), ("gsm.jsonl:2", ROW), ("gsm.jsonl:3", "Who wrote Faust?")], 8, 0.5)


def test_a_row_inside_an_answer_is_found_and_named(benchmarks: Benchmarks) -> None:
    match = benchmarks.match("Solve this.", f"Read it: {ROW.upper()}! So they meet at noon.")
    assert match is not None
    assert (match.row, match.kind, match.share) == ("gsm.jsonl:2", "shared runs", 1.0)
    assert str(match) == "shared runs: gsm.jsonl:2, 100 % of its words"


def test_half_of_a_row_is_too_little_and_a_little_more_is_enough(benchmarks: Benchmarks) -> None:
    words = ROW.split()
    assert benchmarks.match("Solve this.", " ".join(words[: len(words) // 2])) is None
    match = benchmarks.match("Solve this.", " ".join(words[: len(words) // 2 + 2]))
    assert match is not None
    assert match.share == pytest.approx((len(words) // 2 + 2) / len(words), abs=1e-4)


def test_changed_words_break_runs(benchmarks: Benchmarks) -> None:
    every_seventh = [word if i % 7 else "changed" for i, word in enumerate(ROW.split())]
    assert benchmarks.match("Solve this.", " ".join(every_seventh)) is None


def test_of_two_rows_the_one_that_is_held_more_is_named(benchmarks: Benchmarks) -> None:
    match = benchmarks.match(ROW, " ".join(OTHER.split()[:14]))
    assert match is not None
    assert match.row == "gsm.jsonl:2"


def test_a_short_row_must_be_the_whole_question(benchmarks: Benchmarks) -> None:
    match = benchmarks.match("who wrote FAUST", "Goethe.")
    assert match is not None
    assert (match.row, match.kind) == ("gsm.jsonl:3", "same prompt")
    assert benchmarks.match("Tell me: who wrote Faust?", "Goethe.") is None


def test_near_duplicates_of_rows_are_found_in_prompts_and_in_whole_conversations(benchmarks: Benchmarks, settings: Curate) -> None:
    short = "one two three four five six seven"  # fewer words than a run, so only its likeness tells
    rows = [("b.txt:1", OTHER), ("b.txt:2", short)]
    split = short.split()
    pairs = [("Solve this.", "It is nine."), (f"{short} eight", "No."), (" ".join(split[:4]), " ".join([*split[4:], "eight"])), (OTHER, LONG)]
    found = find_near_rows(pairs, rows, settings.near_duplicates)
    assert {place: (match.row, match.share) for place, match in found.items()} == {
        1: ("b.txt:2", round(5 / 6, 4)),
        2: ("b.txt:2", round(5 / 6, 4)),
        3: ("b.txt:1", 1.0),
    }
    assert str(found[1]) == "near-duplicate: b.txt:2, similarity 0.83"
    assert index(rows, 8, 0.5).match(*pairs[1]) is None
    assert find_near_rows([], rows, settings.near_duplicates) == {} == find_near_rows(pairs, [], settings.near_duplicates)


def test_the_step_counts_them_by_kind_and_tells_row_and_similarity(tmp_path: Path, score: Score, make: Make) -> None:
    (tmp_path / "exam.txt").write_text(f"{ROW}\nOne two three four five six seven\nWho wrote Faust?\n", encoding="utf-8")
    curate = load_config(settings=[f"curate.decontaminate=[{tmp_path / 'exam.txt'}]", "curate.keep_fraction=1.0"]).curate
    asked = ["who wrote faust", f"Solve: {ROW}", "one two three four five six seven eight", "What is a widget?"]
    store = score([make(question, f"{LONG} Answer number {number}.") for number, question in enumerate(asked)], curate)
    quality = measure(store.table, curate)
    verdict = decide(store, quality, curate, read_rows(curate))
    assert {p: reason for p, reason in verdict.reason.items() if reason == "contaminated"} == dict.fromkeys(range(3), "contaminated")
    assert describe(store, quality, verdict, curate).contaminated_by == {"near-duplicate": 1, "same prompt": 1, "shared runs": 1}
    removal = removal_of(2, store.row(2), store, quality, verdict, curate)
    assert (removal.detail, removal.similarity) == ("near-duplicate: exam.txt:2, similarity 0.83", round(5 / 6, 4))


FILES = {
    "a.jsonl": '{"question": "One?", "answer": "Secret."}\n\n{"prompt": "Two?"}\n{"messages": [{"role": "user", "content": "Three?"}]}\n',
    "b.json": '{"version": 1, "data": [{"instruction": "Do it.", "input": "This."}, {"title": "Four"}]}',
    "c.csv": 'question,answer\n"Five,\nsix?",7\n',
    "d.txt": "Eight?\n\nNine?\n",
    "e.CSV": "\ufeffID;Question;Answer\n1;Ten, or more?;10,5\n",
}
READ = {
    "a.jsonl": [("a.jsonl:1", "One?"), ("a.jsonl:3", "Two?"), ("a.jsonl:4", "Three?")],
    "b.json": [("b.json:1", "Do it.\nThis."), ("b.json:2", "Four")],
    "c.csv": [("c.csv:3", "Five,\nsix?")],
    "d.txt": [("d.txt:1", "Eight?\n"), ("d.txt:3", "Nine?\n")],
    "e.CSV": [("e.CSV:2", "Ten, or more?")],
}


@pytest.mark.parametrize("name", FILES)
def test_formats(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(FILES[name], encoding="utf-8")
    assert list(read_benchmark(tmp_path / name)) == READ[name]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.jsonl", '{"question": "One?"}\n{', r"a\.jsonl:2: cannot be read as a benchmark \(not JSON"),
        ("b.jsonl", '{"messages": []}', r"b\.jsonl:1: cannot be read as a benchmark \(no user turn\)"),
        ("c.json", "[" * 100_000, r"c\.json: cannot be read as a benchmark \(not JSON"),
        ("c.json", "5", r"c\.json: cannot be read as a benchmark \(neither a list nor an object\)"),
        ("d.txt", "\udcff", r"d\.txt: cannot be read as a benchmark \(not UTF-8 text\)"),
        ("e.yaml", "x", "its ending"),
        ("f.txt", "\n", "no row asks"),
    ],
)
def test_a_file_that_is_no_benchmark_is_a_mistake_of_the_user(name: str, content: str, why: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(UserError, match=why):
        read_rows(load_config(settings=[f"curate.decontaminate=[{json.dumps(str(tmp_path / name))}]"]).curate)


def test_a_missing_file_is_told_and_a_changed_one_known(tmp_path: Path) -> None:
    path = tmp_path / "bench.txt"
    settings = load_config(settings=[f"curate.decontaminate=[{path}]"]).curate
    with pytest.raises(UserError, match="file not found"):
        read_rows(settings)
    path.write_text(ROW, encoding="utf-8")
    before = files_state(settings)
    path.write_text(OTHER, encoding="utf-8")
    assert files_state(settings) != before
    assert index_rows(read_rows(load_config().curate), load_config().curate) is None
