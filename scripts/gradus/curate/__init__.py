"""03_curate: repair, score and deduplicate the examples; every one that goes is named with its reason."""

from __future__ import annotations

from gradus.step import Step, StepContext, Summary


def _work(context: StepContext) -> Summary:
    from gradus.curate.work import curate

    return curate(context)


STEP = Step(
    name="03_curate",
    title="keep the good examples, once",
    version=1,
    output="data/03_curated",
    work=_work,
    reads=("02_extract/examples.jsonl",),
    config_keys=("curate",),
)
