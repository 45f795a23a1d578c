"""09_promote: the run's adapter goes into the registry, and becomes the current model when it passes the gate."""

from __future__ import annotations

from dataclasses import replace

from gradus.config import Config
from gradus.step import Step, StepContext, Summary


def _work(context: StepContext) -> Summary:
    from gradus.promote.work import promote

    return promote(context)


def _outside(config: Config) -> object:
    """What others did to this run's version in the registry, which is what the summary and `decision.json` must tell."""
    from gradus.promote.outside import done_by_others

    return done_by_others(config)


def _register(context: StepContext) -> Summary:
    from gradus.promote.work import register

    return register(context)


STEP = Step(
    name="09_promote",
    title="register the adapter and ask the gate",
    version=4,
    output="models/registry/runs/{run}",
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
    outside=_outside,
    outside_is="the registry",
)
REGISTER = replace(STEP, name="09_register", title="register the adapter as a candidate", work=_register, config_keys=(), outside=None)
