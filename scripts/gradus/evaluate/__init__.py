"""07: base and tuned model answer the same held-out questions; formatting and content are scored and graded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradus.step import Step

if TYPE_CHECKING:
    from gradus.config import Config
    from gradus.step import StepContext


def _work(context: StepContext) -> dict[str, Any]:
    from gradus.evaluate.work import evaluate

    return evaluate(context)


def _rubric_hash(config: Config) -> str:
    from gradus.evaluate.rubric import rubric_path
    from gradus.files import sha256_file

    return sha256_file(rubric_path(config.evaluate.rubric))


STEP = Step(
    name="07_evaluate",
    title="answer the held-out questions with base and tuned model, and grade",
    version=1,
    output="reports/{run}",
    work=_work,
    reads=("06_train_mlx/adapters.safetensors", "06_train_mlx/adapter_config.json", "05_prepare/test.jsonl", "05_prepare/base.json"),
    config_keys=("evaluate", "run.seed", "prepare.max_tokens"),
    outside=_rubric_hash,
    resumable=True,
)
