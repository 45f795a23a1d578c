"""The work of 08_report."""

from __future__ import annotations

import shutil

from gradus.files import write_text
from gradus.report.build import build
from gradus.report.numbers import decimal, signed
from gradus.report.render import html, markdown
from gradus.report.sources import read_sources
from gradus.report.tables import summary_line
from gradus.step import StepContext, Summary


def write_report(context: StepContext) -> Summary:
    """Write `report.html`, `report.md` and a copy of the loss curve beside them."""
    sources = read_sources(context)
    report = build(sources, context.config.report)
    page = html(report)
    write_text(context.out / "report.html", page)
    write_text(context.out / "report.md", markdown(report))
    shutil.copyfile(context.input("06_train_mlx/loss_curve.png"), context.out / "loss_curve.png")
    interval, comparison = sources.evaluation.grade.interval, sources.evaluation.comparison
    summary: Summary = {"grade": summary_line(sources)}
    if interval is not None:
        summary["95 % interval"] = f"{decimal(interval.low, 1)} to {decimal(interval.high, 1)}"
    summary["against the base"] = f"{signed(comparison.difference)} points{'' if sources.evaluation.grade.separable else ', not separable'}"
    summary["examples shown"] = len(report.samples)
    if report.steps:
        summary["first next step"] = f"{report.steps[0].action}: {report.steps[0].key}"
    summary["page, kB"] = round(len(page.encode("utf-8")) / 1000)
    summary["open"] = str(context.target / "report.html")
    return summary
