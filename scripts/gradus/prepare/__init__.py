"""05_prepare: split by source before anything can leak, put the base model on disk, say what training will see."""

from __future__ import annotations

from gradus.config import Config
from gradus.step import Step, StepContext, Summary


def _work(context: StepContext) -> Summary:
    from gradus.prepare.work import prepare

    return prepare(context)


def _outside(config: Config) -> object:
    """Size and time of the files of a base model that is named as a folder."""
    from pathlib import Path

    from gradus.files import model_state

    return model_state(Path(config.model.base).expanduser())


PLANNED = ("train.packing", "train.row_tokens", "train.batch_size", "train.iterations", "train.gradient_checkpointing")
STEP = Step(
    name="05_prepare",
    title="split, provide the base model, count tokens",
    version=7,
    output="data/05_prepared",
    work=_work,
    reads=("04_augment/examples.jsonl", "01_collect/documents.jsonl"),
    # The settings of training are for the doctor's page alone: the files that later steps read stay the same.
    config_keys=("prepare", "curate.near_duplicates", "model", "run.seed", *PLANNED),
    outside=_outside,
    outside_is="the base model",
)
