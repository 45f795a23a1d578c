"""04_augment: other wordings of the questions, tied to their originals."""

from __future__ import annotations

from gradus.step import Step, StepContext, Summary


def _work(context: StepContext) -> Summary:
    from gradus.augment.work import augment

    return augment(context)


STEP = Step(
    name="04_augment",
    title="add other wordings of the questions",
    version=1,
    output="data/04_augmented",
    work=_work,
    reads=("03_curate/kept.jsonl",),
    config_keys=("augment", "run.seed"),
)
