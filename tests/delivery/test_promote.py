"""09_promote: an adapter is registered, the gate decides and says why, and what a person did is not undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gradus.errors import GradusError
from gradus.files import read_json, sha256_file, write_json, write_jsonl
from gradus.prepare.split import split_examples
from gradus.prepare.work import row_of
from gradus.promote import REGISTER, STEP
from gradus.records import Example
from gradus.registry import Registry
from gradus.step import work_of, workspace_of

from .promoting import Promoting, named, run_through_steps


def test_a_good_adapter_becomes_current_and_loads_with_its_base(promoting: Promoting) -> None:
    from gradus.models import generate_answers, load_model

    summary, registry = promoting.first(), promoting.registry
    version = registry.get_latest()
    assert (summary["version"], summary["decision"], summary["grade"]) == ("v1", "promoted", "B (75.5 %, base 50.0 %)")
    assert promoting.decision()["reasons"] == []
    assert version.data == {"train": sha256_file(promoting.inputs["05_prepare/train.jsonl"]), "valid": "b" * 64}
    assert registry.sources_of("v1") == {"group": ["g0", "g1"], "document_id": ["d0", "d1", "d2", "d3"], "origin_id": ["e0", "e1", "e2", "e3"]}
    model, tokenizer = load_model(registry.base_folder_of(version), registry.folder_of(version))
    question = [{"role": "user", "content": "What does sine return?"}]
    assert generate_answers(model, tokenizer, [question], max_tokens=8, batch_size=1)[0].tokens > 0


def test_what_repeats_a_training_example_counts_as_trained_on(promoting: Promoting) -> None:
    """From 05's row through the registry to the next split: a document that says the same is not held out."""
    examples = [Example(f"e{i}", f"What is {i}?", f"Answer {i}.", f"d{i}", f"g{i}", (0, 5), f"e{i}", "faq") for i in range(40)]
    trained = replace(examples[0], id="old", origin_id="old", group="old", document_id="old", meta={"repeated_in": {"group": ["g3", "g5"]}})
    train, metadata = promoting.inputs["05_prepare/train.jsonl"], promoting.inputs["06_train_mlx/run_metadata.json"]
    write_jsonl(train, [row_of(trained, "")])
    write_json(metadata, {**read_json(metadata), "dataset": {"train": sha256_file(train)}})
    promoting.first()
    sources = promoting.registry.sources_of("v1")
    assert sources == {"group": ["g3", "g5", "old"], "document_id": ["old"], "origin_id": ["old"]}
    shares, likeness = promoting.config.prepare.split, promoting.config.curate.near_duplicates
    for seed in range(20):
        assert {"e3", "e5"} <= {e.id for e in split_examples(examples, shares, likeness, seed, sources).train}


def test_running_again_registers_nothing_and_keeps_the_current_model(promoting: Promoting) -> None:
    promoting.first()
    assert promoting.first()["decision"] == "stays the current model"
    assert len(promoting.registry.book().history) == 2


@pytest.mark.parametrize(("percent", "withheld", "reason"), [(40.0, None, "not above the base"), (75.5, "the order broke", "the order broke")])
def test_a_refused_adapter_stays_a_candidate_with_the_reason(
    promoting: Promoting, evaluated: Callable[..., Path], percent: float, withheld: str | None, reason: str
) -> None:
    promoting.inputs["07_evaluate/evaluation.json"] = evaluated(percent, 50.0, withheld)
    summary, book = promoting.first(), promoting.registry.book()
    assert summary["decision"] == "stays a candidate"
    assert reason in summary["because"]
    assert reason in promoting.decision()["reasons"][0]
    assert reason in book.history[-1].reason
    assert (book.current, book.history[-1].action) == (None, "refused")


def test_a_version_that_was_rolled_back_is_not_promoted_by_a_rerun(promoting: Promoting) -> None:
    promoting.first()
    summary = promoting.second()
    assert summary["current"] == "v2"
    assert "v1 by +0.0 points on the same 8 questions" in summary["against"]
    promoting.registry.rollback_model(reason="worse in use")
    summary = promoting.second()
    assert (summary["decision"], summary["current"]) == ("stays archived", "v1")
    assert "promote v2" in summary["because"]


def test_a_rollback_by_hand_is_told_by_the_next_run_and_not_undone(promoting: Promoting) -> None:
    registry, inputs, later = promoting.registry, promoting.inputs, promoting.later
    first, second = (named(promoting.config, name) for name in ("one", "two"))
    assert [run_through_steps(*run).summary["decision"] for run in ((first, inputs), (second, later))] == ["promoted"] * 2
    assert run_through_steps(second, later).status == "up to date", "its own promotion changes nothing"
    registry.rollback_model(reason="worse in use")
    again = run_through_steps(second, later)
    assert (again.status, again.reason) == ("done", "the registry changed")
    assert (again.summary["decision"], again.summary["current"]) == ("stays archived", "v1")
    assert "current until it was rolled back to v1 (worse in use)" in again.summary["because"]
    assert read_json(again.target / "decision.json")["current"] == "v1"
    assert run_through_steps(second, later).status == "up to date"
    registry.promote("v2", reason="by hand after all")
    assert run_through_steps(second, later).summary["decision"] == "stays the current model"
    assert "replaced by v2" in run_through_steps(first, inputs).summary["because"]
    assert [event.action for event in registry.book().history[-3:]] == ["promoted", "rolled back", "promoted"]


@pytest.mark.parametrize(("name", "message"), [("train.jsonl", "these data are not those"), ("base.json", "is not the one that the adapter")])
def test_an_adapter_is_not_registered_with_other_data_or_another_base(promoting: Promoting, name: str, message: str) -> None:
    path = promoting.inputs[f"05_prepare/{name}"]
    path.write_text(path.read_text().replace("abc123", "def456").replace("e0", "e9"))
    with pytest.raises(GradusError, match=message):
        promoting.first()


@pytest.mark.parametrize("name", ["versions", "registry.json", "runs", "register-one"])
def test_no_name_of_a_run_meets_the_registry_or_another_runs_work(name: str, promoting: Promoting) -> None:
    config = named(promoting.config, name)
    assert work_of(STEP, config) != work_of(REGISTER, named(promoting.config, "one"))
    outcome = run_through_steps(config, promoting.inputs)
    registry = Registry(workspace_of(config))
    assert (outcome.summary["decision"], registry.get_latest().id) == ("promoted", "v1")
    assert not outcome.target.is_relative_to(registry.folder / "versions")
    assert sorted(path.name for path in (registry.folder / "versions").iterdir()) == ["v1"]
