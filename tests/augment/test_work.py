"""The step: what it writes adds up and says what is off."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gradus.augment.work import augment
from gradus.config import load_config
from gradus.errors import GradusError
from gradus.files import read_examples, write_jsonl
from gradus.records import Example
from gradus.step import StepContext

from .conftest import Make


def run(originals: Sequence[Example], folder: Path, *settings: str) -> tuple[list[Example], dict[str, Any], dict[str, Any]]:
    out = folder / "out"
    out.mkdir(parents=True)
    write_jsonl(folder / "kept.jsonl", originals)
    inputs = {"03_curate/kept.jsonl": folder / "kept.jsonl", "01_collect/documents.jsonl": folder / "documents.jsonl"}
    context = StepContext(load_config(settings=list(settings)), out, out, folder, inputs)
    summary = augment(context)
    return read_examples(out / "examples.jsonl"), json.loads((out / "augmentation.json").read_text(encoding="utf-8")), summary


def questions(make: Make) -> list[Example]:
    return [*(make(f"What does `f{i}` return?", kind="returns") for i in range(8)), make("Why?", kind="faq"), make("Why not?", kind="faq")]


def test_originals_and_variants_add_up(make: Make, tmp_path: Path) -> None:
    originals = questions(make)
    examples, found, summary = run(originals, tmp_path)
    assert [e for e in examples if e.id == e.origin_id] == originals
    variants = [e for e in examples if e.id != e.origin_id]
    assert len(variants) == found["variants"] == 8
    assert {e.origin_id for e in variants} <= {e.id for e in originals}
    assert found["factor"] == len(examples) / len(originals)
    assert summary["factor"] == "1.80 (goal 3)"
    assert found["variants_by_method"] == {"question template": 8}
    assert found["variants_by_kind"] == {"returns": 8}
    assert found["without_template"] == {"faq": 2}


def test_what_is_off_is_said(make: Make, tmp_path: Path) -> None:
    _, found, summary = run(questions(make), tmp_path)
    states = {method["name"]: method["state"] for method in found["methods"]}
    assert states == {"question template": "on", "paraphrase": "off", "answer of another length": "off", "back-translation": "off"}
    assert summary["off"] == "paraphrase, answer of another length, back-translation"
    assert found["methods"][1]["reason"] == "needs a teacher model, and augment.use_teacher is off"
    assert found["teacher"] is None
    _, found, _ = run(questions(make), tmp_path / "none", "augment.question_variants=0")
    assert (found["methods"][0]["state"], found["methods"][0]["reason"]) == ("off", "augment.question_variants is 0")
    assert found["factor"] == 1


def test_same_input_same_bytes(make: Make, tmp_path: Path) -> None:
    for name in ("a", "b"):
        run(questions(make), tmp_path / name)
    assert (tmp_path / "a/out/examples.jsonl").read_bytes() == (tmp_path / "b/out/examples.jsonl").read_bytes()


def test_two_examples_with_one_id_are_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(GradusError, match="2 examples share the id"):
        run([make("Why?"), make("Why?")], tmp_path)
