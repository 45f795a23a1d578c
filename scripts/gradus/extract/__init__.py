"""02_extract: question–answer examples out of documents, by rules, each with the span that supports it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradus.step import Step, StepContext, Summary

if TYPE_CHECKING:
    from gradus.config import Config


def _work(context: StepContext) -> Summary:
    from gradus.extract.work import extract

    return extract(context)


def _plan(context: StepContext) -> Summary:
    from gradus.extract.work import plan

    return plan(context)


def _outside(config: Config) -> object:
    """What the examples depend on besides the settings of extract: the scenario file, by its hash, and the seed."""
    file = config.extract.scenarios.file
    if not file:
        return ""
    from gradus.extract.scenarios.schema import scenario_path
    from gradus.files import sha256_file

    return [sha256_file(scenario_path(file)), config.run.seed]


STEP = Step(
    name="02_extract",
    title="extract questions and answers",
    version=4,
    output="data/02_extracted",
    work=_work,
    reads=("01_collect/documents.jsonl",),
    config_keys=("extract",),
    outside=_outside,
    plan=_plan,
    asks=lambda config: config.extract.teacher.kind != "off",
)
