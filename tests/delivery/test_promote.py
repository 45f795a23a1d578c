"""09_promote: the gate decides, says why, and a person can overrule it on the record."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradus.config import Config
from gradus.config.schema import Promote
from gradus.promote import STEP
from gradus.promote.entries import Graded
from gradus.promote.gate import objections
from gradus.promote.registry import REGISTRY, Registry
from gradus.promote.work import promote
from gradus.step import StepContext

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "09_promote.py"
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
    found = objections(graded, Promote(minimum_percent=minimum, must_beat_base=must_beat))
    assert len(found) == (reason is not None)
    assert reason is None or reason in found[0]


@pytest.fixture
def inputs(tiny_base: Path, adapter: Path, metadata: Path, prepared: Callable[[Path], Path], evaluated: Callable[..., Path]) -> dict[str, Path]:
    return {
        "07_evaluate/evaluation.json": evaluated(75.5, 50.0),
        "06_train_mlx/adapters.safetensors": adapter / "adapters.safetensors",
        "06_train_mlx/adapter_config.json": adapter / "adapter_config.json",
        "06_train_mlx/run_metadata.json": metadata,
        "05_prepare/base.json": prepared(tiny_base) / "base.json",
    }


def decision(context: StepContext) -> dict[str, Any]:
    return dict(json.loads((context.out / "decision.json").read_text()))


def test_a_good_adapter_becomes_current_and_loads_with_its_base(
    context_of: Callable[..., StepContext], tiny_config: Config, inputs: dict[str, Path], tiny_base: Path
) -> None:
    from gradus.models import generate_answers, load_model

    context = context_of(STEP, tiny_config, inputs)
    summary = promote(context)
    registry = Registry(context.workspace / REGISTRY)
    version = registry.get_latest()
    assert (summary["version"], summary["decision"], summary["grade"]) == ("v1", "promoted", "B (75.5 %, base 50.0 %)")
    assert decision(context)["reasons"] == []
    assert version.data == {"train": "a" * 64, "valid": "b" * 64}
    model, tokenizer = load_model(version.base.path, registry.folder_of(version))
    question = [{"role": "user", "content": "What does sine return?"}]
    assert generate_answers(model, tokenizer, [question], max_tokens=8, batch_size=1)[0].tokens > 0


def test_running_again_registers_nothing_and_keeps_the_current_model(
    context_of: Callable[..., StepContext], tiny_config: Config, inputs: dict[str, Path]
) -> None:
    promote(context_of(STEP, tiny_config, inputs))
    context = context_of(STEP, tiny_config, inputs)
    assert promote(context)["decision"] == "stays the current model"
    assert len(Registry(context.workspace / REGISTRY).book().history) == 2


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
    book = Registry(context.workspace / REGISTRY).book()
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
    assert promote(context)["current"] == "v2"
    Registry(context.workspace / REGISTRY).rollback_model(reason="worse in use")
    summary = promote(context_of(STEP, tiny_config, second))
    assert (summary["decision"], summary["current"]) == ("stays archived", "v1")
    assert "promote v2" in summary["because"]


def run_script(workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--set", f"paths.workspace={workspace}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_commands_of_the_script(
    context_of: Callable[..., StepContext], tiny_config: Config, inputs: dict[str, Path], evaluated: Callable[..., Path]
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
    assert Registry(workspace / REGISTRY).book().current is None
    assert "v1 is the current model now" in run_script(workspace, "promote", "v1", "--force").stdout
    shown = run_script(workspace, "show").stdout
    assert "forced past the gate" in shown
    assert "v1 (current)" in shown
    assert "v1       current  B 40.0 %" in run_script(workspace, "list").stdout
    back = run_script(workspace, "rollback")
    assert (back.returncode, "no earlier model" in back.stderr) == (2, True)
    assert run_script(workspace, "promote", "v9").returncode == 2
