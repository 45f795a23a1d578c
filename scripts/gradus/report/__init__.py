"""08_report: one self-contained HTML page and its Markdown twin, made from what the earlier steps wrote, and the overview of all runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradus.step import Step, StepContext, Summary

if TYPE_CHECKING:
    from gradus.config import Config


def _work(context: StepContext) -> Summary:
    from gradus.report.work import write_report

    return write_report(context)


def _other_runs(config: Config) -> object:
    """The figures of every other run: the overview is made from them, so a new, changed or deleted run makes the step run."""
    from gradus.report.record import other_records

    return other_records(config)


TEACHER = tuple(f"extract.teacher.{key}" for key in ("kind", "model", "base_url", "temperature"))
STEP = Step(
    name="08_report",
    title="write the report",
    version=4,
    output="reports/{run}",
    work=_work,
    reads=(
        "07_evaluate/evaluation.json",
        "07_evaluate/answers.jsonl",
        "06_train_mlx/loss_curve.json",
        "06_train_mlx/loss_curve.png",
        "06_train_mlx/run_metadata.json",
        "05_prepare/statistics.json",
        "05_prepare/base.json",
        "04_augment/augmentation.json",
        "03_curate/curation.json",
        "02_extract/extraction.json",
        "01_collect/manifest.json",
        "01_collect/documents.jsonl",
    ),
    config_keys=("run.name", "report", "evaluate.bootstrap_samples", *TEACHER),
    outside=_other_runs,
)
