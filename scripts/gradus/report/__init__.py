"""08_report: one self-contained HTML page and its Markdown twin, a pure function of what the earlier steps wrote."""

from __future__ import annotations

from gradus.step import Step, StepContext, Summary


def _work(context: StepContext) -> Summary:
    from gradus.report.work import write_report

    return write_report(context)


STEP = Step(
    name="08_report",
    title="write the report",
    version=1,
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
    ),
    config_keys=("run.name", "report"),
)
