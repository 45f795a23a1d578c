"""gradus.prepare.leakage: the finished files are checked, and the step stops with the places of what leaked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradus.config import load_config
from gradus.errors import GradusError
from gradus.files import write_jsonl
from gradus.prepare.leakage import LeakageCheck, check_leakage

LIKENESS = load_config().curate.near_duplicates
TEXT = " ".join(f"word{i}" for i in range(60))
Turns = tuple[str, str]


def write(folder: Path, **parts: list[Turns]) -> Path:
    system = {"role": "system", "content": "Be brief."}
    for name in ("train", "valid", "test"):
        pairs = parts.get(name, [(f"What is in {name}?", f"What {name} holds.")])
        turns = [[system, {"role": "user", "content": q}, {"role": "assistant", "content": a}] for q, a in pairs]
        write_jsonl(folder / f"{name}.jsonl", [{"messages": one, "id": f"{name}{i}"} for i, one in enumerate(turns, 1)])
    return folder


def test_a_clean_split_is_counted(tmp_path: Path) -> None:
    assert check_leakage(write(tmp_path), LIKENESS) == LeakageCheck(held_out=2, trained=1, threshold=0.8, found=0)


LEAKS = [
    ({"train": [("One?", "1"), ("Two, please?", "2")], "test": [("Two please", "Zwei.")]}, ("test", 1), ("train", 2), "same prompt"),
    ({"train": [("How?", TEXT)], "valid": [("What then?", f"{TEXT}.")]}, ("valid", 1), ("train", 1), "near-duplicate 0.9"),
    ({"valid": [("How?", TEXT)], "test": [("What then?", TEXT)]}, ("test", 1), ("valid", 1), "near-duplicate 0.9"),
]


@pytest.mark.parametrize(("parts", "held_out", "seen", "kind"), LEAKS)
def test_a_leak_stops_the_step_and_is_named(
    parts: dict[str, list[Turns]], held_out: tuple[str, int], seen: tuple[str, int], kind: str, tmp_path: Path
) -> None:
    places = (f"{file}.jsonl:{line} ({file}{line})" for file, line in (held_out, seen))
    told = f"1 held-out examples repeat what was seen in training: {' and '.join(places)}, {kind}"
    with pytest.raises(GradusError, match=re.escape(told)):
        check_leakage(write(tmp_path, **parts), LIKENESS)


def test_a_shared_system_prompt_and_a_short_answer_are_no_leak(tmp_path: Path) -> None:
    check_leakage(write(tmp_path, train=[("Is five prime?", "Yes."), ("Is four prime?", "No.")], test=[("Is seven odd?", "Yes.")]), LIKENESS)


def test_many_leaks_are_counted_and_the_first_named(tmp_path: Path) -> None:
    same = [(f"Question {i}?", f"Answer {i}.") for i in range(5)]
    with pytest.raises(GradusError, match=r"5 held-out examples.* and 2 more"):
        check_leakage(write(tmp_path, train=same, test=same), LIKENESS)
