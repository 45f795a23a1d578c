"""07: base and tuned model answer the same held-out questions; formatting and content are scored and graded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradus.step import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gradus.config import Config
    from gradus.models import Answer
    from gradus.results import AnswerRow
    from gradus.step import StepContext


def _work(context: StepContext) -> dict[str, Any]:
    from gradus.evaluate.work import evaluate

    return evaluate(context)


def _plan(context: StepContext) -> dict[str, Any]:
    from gradus.evaluate.work import plan

    return plan(context)


def _outside(config: Config) -> list[object]:
    """The files that tell how to grade and to judge, the registry's model that is compared, the encoder, and a judge in a folder."""
    from pathlib import Path

    from gradus.encoder_files import files_here
    from gradus.evaluate.rivals import describe_rival
    from gradus.evaluate.rubric import rubric_path
    from gradus.files import model_state, sha256_file

    settings = config.evaluate
    rubrics = [settings.rubric] if settings.judge.kind == "off" else [settings.rubric, settings.judge.rubric]
    judge = model_state(Path(settings.judge.model).expanduser()) if settings.judge.kind == "mlx" else None
    return [*(sha256_file(rubric_path(name)) for name in rubrics), describe_rival(config), files_here(settings.embedding), judge]


def _fetch(config: Config) -> None:
    from gradus.encoder_files import fetch

    fetch(config.evaluate.embedding)


def _marker(config: Config, rows: Sequence[AnswerRow]) -> Callable[[Sequence[Answer]], list[float]]:
    from gradus.evaluate.exam import marker

    return marker(config, rows)


KEYS = ("questions", "max_tokens", "batch_size", "rubric", "embedding", "bootstrap_samples", "length_words", "current", "judge")
STEP = Step(
    name="07_evaluate",
    title="answer the held-out questions and grade",
    version=5,
    output="reports/{run}",
    work=_work,
    reads=(
        "06_train_mlx/adapters.safetensors",
        "06_train_mlx/adapter_config.json",
        "05_prepare/test.jsonl",
        "05_prepare/base.json",
        "04_augment/examples.jsonl",  # these two show the judge the source of an answer
        "01_collect/documents.jsonl",
    ),
    config_keys=(*(f"evaluate.{key}" for key in KEYS), "run.seed", "prepare.max_tokens"),
    outside=_outside,
    outside_is="rubric, current model, encoder or judge",
    fetch=_fetch,
    resumable=True,
    plan=_plan,
    asks=lambda config: config.evaluate.judge.kind != "off",
    offers={"marker": _marker},
)
