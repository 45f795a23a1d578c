"""The work of 08_report."""

from __future__ import annotations

import shutil

from gradus.files import write_json, write_text
from gradus.report.build import Report, build
from gradus.report.numbers import interval, percent, signed
from gradus.report.overview import write_index
from gradus.report.record import RECORD, as_json, record_of
from gradus.report.render import html, markdown
from gradus.report.sources import Sources, read_sources
from gradus.report.writer import write_paragraph
from gradus.step import StepContext, Summary


def write_report(context: StepContext) -> Summary:
    """Write `report.html`, `report.md`, `report.json`, a copy of the loss curve, and the overview of all runs beside this one."""
    sources = read_sources(context)
    report = build(sources, context.config.report, lambda findings: write_paragraph(context.config, context.workspace, findings))
    page = html(report)
    write_text(context.out / "report.html", page)
    write_text(context.out / "report.md", markdown(report))
    write_json(context.out / RECORD, as_json(record_of(sources)))
    shutil.copyfile(context.input("06_train_mlx/loss_curve.png"), context.out / "loss_curve.png")
    write_index(context.target.parent, sources.run, context.out)
    return _summary(context, sources, report, page)


def _summary(context: StepContext, sources: Sources, report: Report, page: str) -> Summary:
    grade, comparison = sources.evaluation.grade, sources.evaluation.comparison
    summary: Summary = {"grade": "withheld" if grade.letter is None else f"{grade.letter} ({percent(grade.percent)})"}
    if grade.interval is not None:
        summary["95 % interval"] = interval(grade.interval) if grade.interval.told else "none can be told: all questions scored the same"
        summary["against the base"] = f"{signed(comparison.difference)} points{'' if grade.separable else ', not separable'}"
    summary["examples shown"] = len(report.samples)
    if report.steps:
        summary["first next step"] = f"{report.steps[0].action}: {report.steps[0].key}"
    if report.paragraph is not None:
        summary["paragraph by a model"] = f"not shown: {report.paragraph.refused}" if report.paragraph.refused else f"by {report.paragraph.model}"
    summary["page, kB"] = round(len(page.encode("utf-8")) / 1000)
    summary["open"] = str(context.target / "report.html")
    summary["all runs"] = str(context.target.parent / "index.html")
    return summary
