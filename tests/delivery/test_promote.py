"""09_promote: the gate decides, says why, and a person can overrule it on the record."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradus.config import Config, load_config
from gradus.config.schema import Promote
from gradus.errors import GradusError
from gradus.files import read_json, sha256_file, write_json, write_jsonl
from gradus.prepare.split import split_examples
from gradus.prepare.work import row_of
from gradus.promote import REGISTER, STEP
from gradus.promote.diff import diff_versions
from gradus.promote.gate import objections
from gradus.promote.pairing import Paired
from gradus.promote.work import promote
from gradus.records import Example
from gradus.registry import Registry
from gradus.registry_entries import Graded
from gradus.results import AnswerRow, Comparison, CurrentModel, Evaluation, Interval, ScoredAnswer
from gradus.step import Outcome, Step, StepContext, Summary, run_step, work_of, workspace_of

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "09_promote.py"
DEFAULTS = load_config().promote
GRADED = Graded("B", 75.5, 50.0, 30, None, "e" * 64)
WITHHELD = replace(GRADED, letter=None, percent=None, withheld="the empty answer scored higher than the reference")


@pytest.mark.parametrize(
    ("graded", "minimum", "must_beat", "reason"),
    [
        (GRADED, 0, True, None),
        (GRADED, 75.5, True, None),
        (GRADED, 75.6, True, "75.5 % is below promote.minimum_percent (75.6 %)"),
        (replace(GRADED, base_percent=75.5), 0, True, "not above the base model's 75.5 %"),
        (replace(GRADED, base_percent=80.0), 0, False, None),
        (WITHHELD, 0, False, "withheld (the empty answer scored higher"),
    ],
)
def test_the_gate_says_why(graded: Graded, minimum: float, must_beat: bool, reason: str | None) -> None:
    found = objections(graded, None, replaced(DEFAULTS, minimum_percent=minimum, must_beat_base=must_beat))
    assert len(found) == (reason is not None)
    assert reason is None or reason in found[0]


def replaced(settings: Promote, **values: object) -> Promote:
    return settings.model_copy(update=values)


@pytest.mark.parametrize(
    ("difference", "p_value", "reason"),
    [
        (4.0, 0.01, None),
        (0.0, 1.0, None),
        (-1.5, 0.6, None),
        (-1.5, 0.05, "worse than the current model v3 by -1.5 points on the same 40 questions (95 %: -5.0 to +2.0, p = 0.05)"),
        (-2.5, 0.6, "beyond promote.tolerance_points (2)"),
    ],
)
def test_the_gate_refuses_what_is_worse_than_the_current_model(difference: float, p_value: float, reason: str | None) -> None:
    paired = Paired("v3", 40, 10, 20, difference, Interval(-5, 2), p_value)
    found = objections(GRADED, paired, DEFAULTS)
    assert len(found) == (reason is not None)
    assert reason is None or reason in found[0]


def test_the_gate_refuses_what_could_not_be_compared() -> None:
    assert objections(GRADED, "no common questions", DEFAULTS) == ["no common questions"]


ROW = AnswerRow("q", "faq", "group", "doc", "What?", "That.", ANSWER := ScoredAnswer("x", True, 1, 50, 0.5, 0.5, {}, None), ANSWER)


def answers(folder: Path, percents: list[float], asked: str | None = "a" * 64) -> Path:
    """An `answers.jsonl` in which the tuned model scored these percentages, each question about another document."""
    rows = [
        replace(ROW, id=f"q{i}", question=f"What is {i}?", document_id=f"d{i}", tuned=replace(ANSWER, percent=percent), asked=asked)
        for i, percent in enumerate(percents)
    ]  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "answers.jsonl").write_text("".join(json.dumps(row.to_json()) + "\n" for row in rows))
    return folder / "answers.jsonl"


@pytest.fixture
def inputs(
    tmp_path: Path, tiny_base: Path, adapter: Path, metadata: Path, prepared: Callable[[Path], Path], evaluated: Callable[..., Path]
) -> dict[str, Path]:
    folder = prepared(tiny_base)
    rows = [{"id": f"e{i}", "origin_id": f"e{i}", "document_id": f"d{i}", "group": f"g{i // 2}", "messages": []} for i in range(4)]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    dataset = {"train": sha256_file(folder / "train.jsonl"), "valid": "b" * 64}
    write_json(metadata, {**read_json(metadata), "base": read_json(folder / "base.json"), "dataset": dataset})
    return {
        "07_evaluate/evaluation.json": evaluated(75.5, 50.0),
        "07_evaluate/answers.jsonl": answers(tmp_path / "answers", [70.0, 80.0, 75.0, 77.0, 75.5, 73.0, 76.0, 74.0]),
        "05_prepare/train.jsonl": folder / "train.jsonl",
        "06_train_mlx/adapters.safetensors": adapter / "adapters.safetensors",
        "06_train_mlx/adapter_config.json": adapter / "adapter_config.json",
        "06_train_mlx/run_metadata.json": metadata,
        "05_prepare/base.json": folder / "base.json",
    }


def decision(context: StepContext) -> dict[str, Any]:
    return dict(json.loads((context.out / "decision.json").read_text()))


def test_a_good_adapter_becomes_current_and_loads_with_its_base(
    context_of: Callable[..., StepContext], tiny_config: Config, inputs: dict[str, Path], tiny_base: Path
) -> None:
    from gradus.models import generate_answers, load_model

    context = context_of(STEP, tiny_config, inputs)
    summary = promote(context)
    registry = Registry(context.workspace)
    version = registry.get_latest()
    assert (summary["version"], summary["decision"], summary["grade"]) == ("v1", "promoted", "B (75.5 %, base 50.0 %)")
    assert decision(context)["reasons"] == []
    assert version.data == {"train": sha256_file(inputs["05_prepare/train.jsonl"]), "valid": "b" * 64}
    assert registry.sources_of("v1") == {"group": ["g0", "g1"], "document_id": ["d0", "d1", "d2", "d3"], "origin_id": ["e0", "e1", "e2", "e3"]}
    model, tokenizer = load_model(registry.base_folder_of(version), registry.folder_of(version))
    question = [{"role": "user", "content": "What does sine return?"}]
    assert generate_answers(model, tokenizer, [question], max_tokens=8, batch_size=1)[0].tokens > 0


def test_what_repeats_a_training_example_counts_as_trained_on(
    context_of: Callable[..., StepContext], tiny_config: Config, inputs: dict[str, Path]
) -> None:
    """From 05's row through the registry to the next split: a document that says the same is not held out."""
    examples = [Example(f"e{i}", f"What is {i}?", f"Answer {i}.", f"d{i}", f"g{i}", (0, 5), f"e{i}", "faq") for i in range(40)]
    trained = replace(examples[0], id="old", origin_id="old", group="old", document_id="old", meta={"repeated_in": {"group": ["g3", "g5"]}})
    write_jsonl(inputs["05_prepare/train.jsonl"], [row_of(trained, "")])
    metadata = inputs["06_train_mlx/run_metadata.json"]
    write_json(metadata, {**read_json(metadata), "dataset": {"train": sha256_file(inputs["05_prepare/train.jsonl"])}})
    context = context_of(STEP, tiny_config, inputs)
    promote(context)
    sources = Registry(context.workspace).sources_of("v1")
    assert sources == {"group": ["g3", "g5", "old"], "document_id": ["old"], "origin_id": ["old"]}
    shares, likeness = tiny_config.prepare.split, tiny_config.curate.near_duplicates
    for seed in range(20):
        assert {"e3", "e5"} <= {e.id for e in split_examples(examples, shares, likeness, seed, sources).train}


def test_running_again_registers_nothing_and_keeps_the_current_model(
    context_of: Callable[..., StepContext], tiny_config: Config, inputs: dict[str, Path]
) -> None:
    promote(context_of(STEP, tiny_config, inputs))
    context = context_of(STEP, tiny_config, inputs)
    assert promote(context)["decision"] == "stays the current model"
    assert len(Registry(context.workspace).book().history) == 2


@pytest.mark.parametrize(("percent", "withheld", "reason"), [(40.0, None, "not above the base"), (75.5, "the order broke", "the order broke")])
def test_a_refused_adapter_stays_a_candidate_with_the_reason(
    context_of: Callable[..., StepContext],
    tiny_config: Config,
    inputs: dict[str, Path],
    evaluated: Callable[..., Path],
    percent: float,
    withheld: str | None,
    reason: str,
) -> None:
    inputs["07_evaluate/evaluation.json"] = evaluated(percent, 50.0, withheld)
    context = context_of(STEP, tiny_config, inputs)
    summary = promote(context)
    book = Registry(context.workspace).book()
    assert summary["decision"] == "stays a candidate"
    assert reason in summary["because"]
    assert reason in decision(context)["reasons"][0]
    assert reason in book.history[-1].reason
    assert (book.current, book.history[-1].action) == (None, "refused")


def test_a_version_that_was_rolled_back_is_not_promoted_by_a_rerun(
    context_of: Callable[..., StepContext],
    tiny_config: Config,
    inputs: dict[str, Path],
    tiny_base: Path,
    adapter_maker: Callable[..., Path],
    tmp_path: Path,
) -> None:
    promote(context_of(STEP, tiny_config, inputs))
    second = inputs | {"06_train_mlx/adapters.safetensors": adapter_maker(tiny_base, tmp_path / "second", seed=9) / "adapters.safetensors"}
    context = context_of(STEP, tiny_config, second)
    summary = promote(context)
    assert summary["current"] == "v2"
    assert "v1 by +0.0 points on the same 8 questions" in summary["against"]
    Registry(context.workspace).rollback_model(reason="worse in use")
    summary = promote(context_of(STEP, tiny_config, second))
    assert (summary["decision"], summary["current"]) == ("stays archived", "v1")
    assert "promote v2" in summary["because"]


def ran(config: Config, inputs: dict[str, Path]) -> Outcome:
    """09 through the step mechanism, after steps that hand out the given files."""

    def handing_out(name: str) -> Step:
        def work(context: StepContext) -> Summary:
            for path in (path for key, path in inputs.items() if key.startswith(f"{name}/")):
                shutil.copy(path, context.out)
            return {}

        return Step(name, "", 1, f"{'adapters' if name == '06_train_mlx' else name}/{{run}}", work)

    steps = {name: handing_out(name) for name in ("05_prepare", "06_train_mlx", "07_evaluate")} | {STEP.name: STEP}
    return [run_step(step, config, steps) for step in steps.values()][-1]


def test_a_rollback_by_hand_is_told_by_the_next_run_and_not_undone(
    tiny_config: Config, inputs: dict[str, Path], tiny_base: Path, adapter_maker: Callable[..., Path], tmp_path: Path
) -> None:
    registry = Registry(workspace_of(tiny_config))
    first, second = (tiny_config.model_copy(update={"run": tiny_config.run.model_copy(update={"name": name})}) for name in ("one", "two"))
    later = inputs | {"06_train_mlx/adapters.safetensors": adapter_maker(tiny_base, tmp_path / "second", seed=9) / "adapters.safetensors"}
    assert [ran(first, inputs).summary["decision"], ran(second, later).summary["decision"]] == ["promoted"] * 2
    assert ran(second, later).status == "up to date", "its own promotion changes nothing"
    registry.rollback_model(reason="worse in use")
    again = ran(second, later)
    assert (again.status, again.reason) == ("done", "the registry changed")
    assert (again.summary["decision"], again.summary["current"]) == ("stays archived", "v1")
    assert "current until it was rolled back to v1 (worse in use)" in again.summary["because"]
    assert read_json(again.target / "decision.json")["current"] == "v1"
    assert ran(second, later).status == "up to date"
    registry.promote("v2", reason="by hand after all")
    assert ran(second, later).summary["decision"] == "stays the current model"
    assert "replaced by v2" in ran(first, inputs).summary["because"]
    assert [event.action for event in registry.book().history[-3:]] == ["promoted", "rolled back", "promoted"]


@pytest.mark.parametrize(
    ("percents", "reason"),
    [
        ([60.0, 71.0, 66.0, 67.0, 66.5, 64.0, 66.0, 65.0], "worse than the current model v1 by -9.4 points on the same 8 questions"),
        ([70.0, 80.0, 75.0], None),
        ([70.0, 80.0, 75.0, *[76.0] * 20], "only 8 of its 23 questions were put to both, promote.common_share asks for 0.5"),
    ],
)
def test_a_candidate_meets_the_current_model_in_the_answers_that_were_kept(
    context_of: Callable[..., StepContext],
    tiny_config: Config,
    inputs: dict[str, Path],
    tiny_base: Path,
    adapter_maker: Callable[..., Path],
    tmp_path: Path,
    percents: list[float],
    reason: str | None,
) -> None:
    promote(context_of(STEP, tiny_config, inputs))
    second = {
        "06_train_mlx/adapters.safetensors": adapter_maker(tiny_base, tmp_path / "second", seed=9) / "adapters.safetensors",
        "07_evaluate/answers.jsonl": answers(tmp_path / "second_answers", percents),
    }
    context = context_of(STEP, tiny_config, inputs | second)
    summary = promote(context)
    assert (summary["current"], decision(context)["reasons"] == []) == (("v1", False) if reason else ("v2", True))
    assert reason is None or reason in summary["because"]


@pytest.mark.parametrize(
    ("change", "asked", "reason"),
    [
        ({}, "b" * 64, "8 of their 8 common questions were not asked in the same way (the system prompt, the earlier turns"),
        ({}, None, "or are not recorded"),
        ({"max_tokens": 512}, "a" * 64, "not graded in the same way (evaluate.max_tokens 512 and 64)"),
        ({"embedding": "MiniLM", "encoder_sha256": "c" * 64}, "a" * 64, f"(sentence encoder {'c' * 12} and none)"),
        ({"version": 99}, "a" * 64, "(version of 07_evaluate 99 and unknown)"),
    ],
    ids=["system prompt", "unknown prompt", "length", "encoder", "grader"],
)
def test_the_gate_and_diff_refuse_two_that_were_asked_or_graded_in_other_ways(
    context_of: Callable[..., StepContext],
    tiny_config: Config,
    inputs: dict[str, Path],
    tiny_base: Path,
    adapter_maker: Callable[..., Path],
    tmp_path: Path,
    change: dict[str, Any],
    asked: str | None,
    reason: str,
) -> None:
    promote(context_of(STEP, tiny_config, inputs))
    written = tmp_path / "second" / "evaluation.json"
    write_json(written, replace(Evaluation.from_json(inputs["07_evaluate/evaluation.json"]), **change).to_json())
    second = {
        "06_train_mlx/adapters.safetensors": adapter_maker(tiny_base, tmp_path / "adapter", seed=9) / "adapters.safetensors",
        "07_evaluate/evaluation.json": written,
        "07_evaluate/answers.jsonl": answers(tmp_path / "second_answers", [90.0] * 8, asked),
    }
    context = context_of(STEP, tiny_config, inputs | second)
    summary = promote(context)
    assert (summary["current"], reason in summary["because"]) == ("v1", True)
    assert reason in diff_versions(Registry(context.workspace), "v1", "v2", 100)


def test_what_07_compared_counts_before_kept_answers(
    context_of: Callable[..., StepContext],
    tiny_config: Config,
    inputs: dict[str, Path],
    tiny_base: Path,
    adapter_maker: Callable[..., Path],
    tmp_path: Path,
) -> None:
    promote(context_of(STEP, tiny_config, inputs))
    evaluation = Evaluation.from_json(inputs["07_evaluate/evaluation.json"])
    worse = Comparison(3, 5, 22, -8.0, Interval(-12, -4), 0.001, 20)
    written = tmp_path / "second" / "evaluation.json"
    write_json(written, replace(evaluation, current=CurrentModel("v1", evaluation.base, worse)).to_json())
    second = {
        "06_train_mlx/adapters.safetensors": adapter_maker(tiny_base, tmp_path / "adapter", seed=9) / "adapters.safetensors",
        "07_evaluate/evaluation.json": written,
    }
    context = context_of(STEP, tiny_config, inputs | second)
    because = promote(context)["because"]
    assert "worse than the current model v1 by -8.0 points on the same 30 questions (95 %: -12.0 to -4.0, p = 0.001)" in because
    assert decision(context)["against"]["losses"] == 22


@pytest.mark.parametrize(("name", "message"), [("train.jsonl", "these data are not those"), ("base.json", "is not the one that the adapter")])
def test_an_adapter_is_not_registered_with_other_data_or_another_base(
    context_of: Callable[..., StepContext], tiny_config: Config, inputs: dict[str, Path], name: str, message: str
) -> None:
    path = inputs[f"05_prepare/{name}"]
    path.write_text(path.read_text().replace("abc123", "def456").replace("e0", "e9"))
    with pytest.raises(GradusError, match=message):
        promote(context_of(STEP, tiny_config, inputs))


@pytest.mark.parametrize("name", ["versions", "registry.json", "runs", "register-one"])
def test_no_name_of_a_run_meets_the_registry_or_another_runs_work(name: str, tiny_config: Config, inputs: dict[str, Path]) -> None:
    config = tiny_config.model_copy(update={"run": tiny_config.run.model_copy(update={"name": name})})
    other = tiny_config.model_copy(update={"run": tiny_config.run.model_copy(update={"name": "one"})})
    assert work_of(STEP, config) != work_of(REGISTER, other)
    outcome = ran(config, inputs)
    registry = Registry(workspace_of(config))
    assert (outcome.summary["decision"], registry.get_latest().id) == ("promoted", "v1")
    assert not outcome.target.is_relative_to(registry.folder / "versions")
    assert sorted(path.name for path in (registry.folder / "versions").iterdir()) == ["v1"]


def run_script(workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--set", f"paths.workspace={workspace}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_commands_of_the_script(
    context_of: Callable[..., StepContext],
    tiny_config: Config,
    inputs: dict[str, Path],
    evaluated: Callable[..., Path],
    tiny_base: Path,
    adapter_maker: Callable[..., Path],
    tmp_path: Path,
) -> None:
    inputs["07_evaluate/evaluation.json"] = evaluated(40.0, 50.0)
    context = context_of(STEP, tiny_config, inputs)
    workspace = context.workspace
    assert "no version registered" in run_script(workspace, "list").stdout
    promote(context)
    refused = run_script(workspace, "promote", "v1")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "not above the base model's" in refused.stderr
    assert "--force" in refused.stderr
    assert run_script(workspace, "--dry-run", "promote", "v1", "--force").stdout == "would promote v1\n"
    assert Registry(workspace).book().current is None
    assert "v1 is the current model now" in run_script(workspace, "promote", "v1", "--force").stdout
    shown = run_script(workspace, "show").stdout
    assert "forced past the gate" in shown
    assert "v1 (current)" in shown
    assert "v1       current  B 40.0 %" in run_script(workspace, "list").stdout
    second = {
        "06_train_mlx/adapters.safetensors": adapter_maker(tiny_base, tmp_path / "second", seed=9) / "adapters.safetensors",
        "07_evaluate/answers.jsonl": answers(tmp_path / "second_answers", [70.0, 90.0, 75.0, 77.0, 75.5, 73.0, 76.0, 60.0]),
    }
    promote(context_of(STEP, tiny_config, inputs | second))
    difference = run_script(workspace, "diff", "v2").stdout
    assert "v2 -> v1" in difference
    assert "8 common questions: 1 better, 6 the same, 1 worse" in difference
    assert "  +14.0  What is 7?\n   -10.0  What is 1?" in difference
    assert "settings\n  the same" in difference
    assert run_script(workspace, "diff", "v1").returncode == 2
    back = run_script(workspace, "rollback")
    assert (back.returncode, "no earlier model" in back.stderr) == (2, True)
    assert run_script(workspace, "promote", "v9").returncode == 2
