"""11_quantize: the fused model in fewer bits, with what that costs and gains."""

from __future__ import annotations

from gradus.step import Step, StepContext, Summary


def _work(context: StepContext) -> Summary:
    from gradus.quantize.work import quantize

    return quantize(context)


STEP = Step(
    name="11_quantize",
    title="quantize and measure what it costs",
    version=3,
    output="models/quantized/{run}",
    work=_work,
    reads=(
        "10_fuse/model",
        "10_fuse/held_out.json",
        "05_prepare/train.jsonl",
        "05_prepare/test.jsonl",
        "07_evaluate/evaluation.json",
        "07_evaluate/answers.jsonl",
    ),
    uses=("07_evaluate/marker",),
    config_keys=(
        "quantize",
        "fidelity.answer_tokens",
        "fidelity.probe_tokens",
        "fidelity.quantized",
        "evaluate.rubric",
        "evaluate.embedding",
        "evaluate.batch_size",
        "evaluate.bootstrap_samples",
        "run.seed",
    ),
)
