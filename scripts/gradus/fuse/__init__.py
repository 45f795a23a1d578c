"""10_fuse: base and adapter become one model folder, proven to answer as the two together."""

from __future__ import annotations

from gradus.step import Step, StepContext, Summary


def _work(context: StepContext) -> Summary:
    from gradus.fuse.work import fuse

    return fuse(context)


STEP = Step(
    name="10_fuse",
    title="fuse base and adapter into one model",
    version=3,
    output="models/fused/{run}",
    work=_work,
    reads=(
        "06_train_mlx/adapters.safetensors",
        "06_train_mlx/adapter_config.json",
        "05_prepare/base.json",
        "05_prepare/valid.jsonl",
    ),
    config_keys=("fuse", "fidelity.questions", "fidelity.answer_tokens", "fidelity.probe_tokens", "fidelity.fused", "prepare.max_tokens"),
)
