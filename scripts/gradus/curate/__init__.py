"""03_curate: repair, score and deduplicate the examples; every one that goes is named with its reason."""

from __future__ import annotations

from gradus.config import Config
from gradus.step import Step, StepContext, Summary


def _work(context: StepContext) -> Summary:
    from gradus.curate.work import curate

    return curate(context)


def _outside(config: Config) -> object:
    """The benchmark files: one that changed makes the step run again."""
    if not config.curate.decontaminate:
        return []
    from gradus.curate.contamination import files_state

    return files_state(config.curate)


STEP = Step(
    name="03_curate",
    title="keep the good examples, once",
    version=6,
    output="data/03_curated",
    work=_work,
    reads=("02_extract/examples.jsonl",),
    config_keys=("curate",),
    outside=_outside,
)
