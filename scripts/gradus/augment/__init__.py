"""04_augment: variants of the examples, by templates and by a teacher, tied to their originals."""

from __future__ import annotations

from gradus.step import Step, StepContext, Summary


def _work(context: StepContext) -> Summary:
    from gradus.augment.work import augment

    return augment(context)


def _plan(context: StepContext) -> Summary:
    from gradus.augment.work import plan

    return plan(context)


STEP = Step(
    name="04_augment",
    title="add variants of the examples",
    version=4,
    output="data/04_augmented",
    work=_work,
    plan=_plan,
    asks=lambda config: config.augment.use_teacher,
    reads=("03_curate/kept.jsonl", "01_collect/documents.jsonl"),
    config_keys=("augment", "extract.teacher", "run.seed"),
)
