"""09 on real adapters of the tiny base: a first candidate, and a second one that has to stand up to it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gradus.config import Config
from gradus.files import read_json, sha256_file, write_json, write_jsonl
from gradus.promote import STEP
from gradus.promote.work import promote
from gradus.registry import Registry
from gradus.results import AnswerRow, Evaluation, ScoredAnswer
from gradus.step import Outcome, Step, StepContext, Summary, run_step, workspace_of

ANSWER = ScoredAnswer("x", True, 1, 50, 0.5, 0.5, {}, None)
ROW = AnswerRow("q", "faq", "group", "doc", "What?", "That.", ANSWER, ANSWER)
PERCENTS = [70.0, 80.0, 75.0, 77.0, 75.5, 73.0, 76.0, 74.0]


def write_answers(folder: Path, percents: list[float], asked: str | None = "a" * 64) -> Path:
    """An `answers.jsonl` in which the tuned model scored these percentages, each question about another document."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = (
        replace(ROW, id=f"q{i}", question=f"What is {i}?", document_id=f"d{i}", tuned=replace(ANSWER, percent=percent), asked=asked)
        for i, percent in enumerate(percents)
    )
    write_jsonl(folder / "answers.jsonl", (row.to_json() for row in rows))
    return folder / "answers.jsonl"


def inputs_of(folder: Path, adapter: Path, metadata: Path, evaluation: Path) -> dict[str, Path]:
    """What 09 reads, over what `write_prepared` left in a folder: training rows with their sources, and metadata that tell of them."""
    rows = [{"id": f"e{i}", "origin_id": f"e{i}", "document_id": f"d{i}", "group": f"g{i // 2}", "messages": []} for i in range(4)]
    write_jsonl(folder / "train.jsonl", rows)
    dataset = {"train": sha256_file(folder / "train.jsonl"), "valid": "b" * 64}
    write_json(metadata, {**read_json(metadata), "base": read_json(folder / "base.json"), "dataset": dataset})
    return {
        "07_evaluate/evaluation.json": evaluation,
        "07_evaluate/answers.jsonl": write_answers(folder, PERCENTS),
        "05_prepare/train.jsonl": folder / "train.jsonl",
        "06_train_mlx/adapters.safetensors": adapter / "adapters.safetensors",
        "06_train_mlx/adapter_config.json": adapter / "adapter_config.json",
        "06_train_mlx/run_metadata.json": metadata,
        "05_prepare/base.json": folder / "base.json",
    }


@dataclass(frozen=True)
class Promoting:
    """The step's work in a workspace of the test's own."""

    config: Config
    inputs: dict[str, Path]
    """Of the first candidate; a test may change it."""
    other_weights: Path
    context_of: Callable[..., StepContext]

    @property
    def registry(self) -> Registry:
        """That of the workspace."""
        return Registry(workspace_of(self.config))

    def first(self) -> Summary:
        """Let 09 work on the first candidate."""
        return promote(self.context_of(STEP, self.config, self.inputs))

    def second(self, **changed: Path) -> Summary:
        """On another adapter; `evaluation` and `answers` are other files of 07_evaluate."""
        names = {"evaluation": "07_evaluate/evaluation.json", "answers": "07_evaluate/answers.jsonl"}
        return promote(self.context_of(STEP, self.config, self.later | {names[key]: path for key, path in changed.items()}))

    @property
    def later(self) -> dict[str, Path]:
        """The inputs of the second candidate."""
        return self.inputs | {"06_train_mlx/adapters.safetensors": self.other_weights}

    def decision(self) -> dict[str, Any]:
        """What the last work wrote."""
        work = self.registry.workspace.parent / "work" / STEP.name
        return dict(json.loads((work / "decision.json").read_text()))

    def reevaluated(self, folder: Path, **changes: Any) -> Path:
        """The first candidate's evaluation with other values, as a file of its own."""
        path = folder / "evaluation.json"
        write_json(path, replace(Evaluation.from_json(self.inputs["07_evaluate/evaluation.json"]), **changes).to_json())
        return path


def named(config: Config, run: str) -> Config:
    """The configuration of another run."""
    return config.model_copy(update={"run": config.run.model_copy(update={"name": run})})


def run_through_steps(config: Config, inputs: dict[str, Path]) -> Outcome:
    """09 through the step mechanism, after steps that hand out the given files."""

    def handing_out(name: str) -> Step:
        def work(context: StepContext) -> Summary:
            for path in (path for key, path in inputs.items() if key.startswith(f"{name}/")):
                shutil.copy(path, context.out)
            return {}

        return Step(name, "", 1, f"{'adapters' if name == '06_train_mlx' else name}/{{run}}", work)

    steps = {name: handing_out(name) for name in ("05_prepare", "06_train_mlx", "07_evaluate")} | {STEP.name: STEP}
    return [run_step(step, config, steps) for step in steps.values()][-1]
