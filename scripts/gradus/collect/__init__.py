"""01_collect: documents from packages' docstrings, folders and data sets of the hub, with a manifest of every file."""

from __future__ import annotations

from gradus.config import Config
from gradus.step import Step, StepContext, Summary


def _work(context: StepContext) -> Summary:
    from gradus.collect.work import collect

    return collect(context)


def _outside(config: Config) -> object:
    from gradus.collect.outside import describe

    return describe(config.collect)


STEP = Step(
    name="01_collect",
    title="collect documents",
    version=4,
    output="data/01_collected",
    work=_work,
    config_keys=("collect", "extract.scenarios.file"),  # with scenarios alone there need be no source
    outside=_outside,
)
