"""02_extract: question–answer examples out of documents, by rules, each with the span that supports it."""

from __future__ import annotations

from gradus.step import Step, StepContext, Summary


def _work(context: StepContext) -> Summary:
    from gradus.extract.work import extract

    return extract(context)


STEP = Step(
    name="02_extract",
    title="extract questions and answers",
    version=1,
    output="data/02_extracted",
    work=_work,
    reads=("01_collect/documents.jsonl",),
    config_keys=("extract",),
)
