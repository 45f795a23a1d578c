"""11_quantize: the fused model in fewer bits, with what that costs and gains."""

from __future__ import annotations

from gradus.step import Step, StepContext, Summary


def _work(context: StepContext) -> Summary:
    from gradus.quantize.work import quantize

    return quantize(context)


STEP = Step(
    name="11_quantize",
    title="quantize the fused model and measure what it costs",
    version=1,
    output="models/quantized/{run}",
    work=_work,
    reads=("10_fuse/model", "05_prepare/valid.jsonl"),
    config_keys=("quantize", "prepare.max_tokens"),
)
