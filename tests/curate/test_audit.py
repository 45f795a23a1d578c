"""The audit of a folder of training data, ours or somebody else's: every fault with its place, exit code 1 on leakage."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gradus.config import load_config
from gradus.config.load import PROJECT
from gradus.config.schema import Curate
from gradus.curate.audit import Audit, as_table, audit
from gradus.errors import UserError

LONG = " ".join(f"word{i}" for i in range(80))


def chat(question: str, answer: str) -> str:
    return json.dumps({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]})


TRAIN = [
    chat("One?", "1"), chat("one", "1"), chat("Two?", LONG), chat("Another two?", f"{LONG}."), "", chat("One?", "Eins."), chat("Three?", ""),
    '{"messages": [{"role": "assistant", "content": "x"}]}', "{broken", '{"prompt": "Four?", "completion": "4"}', '{"text": "Five is a number."}',
]  # fmt: skip
VALID = [chat("four", "IV"), chat("Six?", "6")]
TEST = [chat("Seven?", "7"), chat("Say two.", LONG), chat("six?", "VI"), '{"text": "Five is a number."}']


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, lines in (("train", TRAIN), ("valid", VALID), ("test", TEST)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def cases(found: Audit) -> dict[str, list[str]]:
    return {finding.name: finding.cases for finding in found.findings}


def test_every_fault_is_found_at_its_place(folder: Path, settings: Curate) -> None:
    found = audit(folder, settings)
    assert found.rows == {"train.jsonl": 10, "valid.jsonl": 2, "test.jsonl": 4}
    told = cases(found)
    near = told.pop("near-duplicates in a file"), told.pop("leaked near-duplicates")
    assert told == {
        "rows that cannot be read": ["train.jsonl:9 not JSON"],
        "rows without a user turn": ["train.jsonl:8"],
        "empty answers": ["train.jsonl:7"],
        "exact duplicates in a file": ["train.jsonl:2 repeats train.jsonl:1"],
        "conflicting answers": ["train.jsonl:1 and train.jsonl:6", "train.jsonl:10 and valid.jsonl:1", "valid.jsonl:2 and test.jsonl:3"],
        "leaked prompts": ["valid.jsonl:1 repeats train.jsonl:10", "test.jsonl:3 repeats valid.jsonl:2"],
    }
    assert [case.partition(" (")[0] for case in near[0]] == ["train.jsonl:4 repeats train.jsonl:3"]
    assert [case.partition(" (")[0] for case in near[1]] == ["test.jsonl:2 repeats train.jsonl:3", "test.jsonl:4 repeats train.jsonl:11"]
    assert found.leaks


def test_rows_of_a_benchmark_are_leaks(folder: Path, settings: Curate) -> None:
    exam = folder / "exam.txt"
    exam.write_text("four\n" + LONG.replace("word3 ", "other ") + "\nNever asked\n", encoding="utf-8")
    named = load_config(settings=[f"curate.decontaminate=[{exam}]"]).curate
    assert cases(audit(folder, named))["benchmark rows"] == [
        "train.jsonl:3 shared runs: exam.txt:2, 95 % of its words",
        "train.jsonl:4 shared runs: exam.txt:2, 95 % of its words",
        "train.jsonl:10 same prompt: exam.txt:1",
        "valid.jsonl:1 same prompt: exam.txt:1",
        "test.jsonl:2 shared runs: exam.txt:2, 95 % of its words",
    ]
    assert "benchmark rows" not in cases(audit(folder, settings))


def test_the_table_counts_and_shows_the_first(folder: Path, settings: Curate) -> None:
    table = as_table(audit(folder, settings), 1)
    assert "train.jsonl 10 rows, valid.jsonl 2 rows, test.jsonl 4 rows" in table
    assert "leaked prompts                    2  valid.jsonl:1 repeats train.jsonl:10; 1 more" in table
    assert "scores on them are too high" in table


def test_one_clean_file_is_clean(tmp_path: Path, settings: Curate) -> None:
    (tmp_path / "train.jsonl").write_text(chat("One?", "1") + "\n", encoding="utf-8")
    found = audit(tmp_path, settings)
    assert not found.leaks
    assert not any(cases(found).values())
    assert "No leakage found." in as_table(found, 3)


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, r"no train\.jsonl"), ("\n", "no row that can be read"), ("x", r"no row that can be read \(train\.jsonl:1 not JSON\)")],
)
def test_nothing_to_audit_is_a_mistake_of_the_user(content: str | None, why: str, tmp_path: Path, settings: Curate) -> None:
    if content is not None:
        (tmp_path / "train.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=why):
        audit(tmp_path, settings)


def script(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROJECT / "scripts" / "03_curate.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_writes_only_what_is_asked_for(folder: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    done = script("--audit", folder, "--set", f"paths.workspace={tmp_path}")
    assert (done.returncode, done.stderr) == (1, "")
    assert sorted(tmp_path.rglob("*")) == before
    (folder / "valid.jsonl").unlink()
    (folder / "test.jsonl").unlink()
    done = script("--audit", folder, "--output", tmp_path / "audit.json")
    assert done.returncode == 0
    assert json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))["rows"] == {"train.jsonl": 10}


@pytest.mark.parametrize("flags", [["--output", "x.json"], ["--audit", ".", "--force"], ["--audit", ".", "--output", "."]])
def test_flags_that_do_not_go_together(flags: list[str]) -> None:
    assert script(*flags).returncode == 2
