"""09_promote: the run's adapter goes into the registry, and becomes the current model when it passes the gate."""

from __future__ import annotations

from dataclasses import replace

from gradus.step import Step, StepContext, Summary


def _work(context: StepContext) -> Summary:
    from gradus.promote.work import promote

    return promote(context)


def _register(context: StepContext) -> Summary:
    from gradus.promote.work import register

    return register(context)


STEP = Step(
    name="09_promote",
    title="register the adapter and decide whether it becomes the current model",
    version=2,
    output="models/registry/{run}",
    work=_work,
    reads=(
        "07_evaluate/evaluation.json",
        "07_evaluate/answers.jsonl",
        "06_train_mlx/adapters.safetensors",
        "06_train_mlx/adapter_config.json",
        "06_train_mlx/run_metadata.json",
        "05_prepare/train.jsonl",
        "05_prepare/base.json",
    ),
    config_keys=("promote", "evaluate.bootstrap_samples"),
)
REGISTER = replace(STEP, name="09_promote-register", title="register the adapter as a candidate", work=_register, config_keys=())
