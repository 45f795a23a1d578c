"""Put together everything the templates show, from the sources alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import yaml
from markupsafe import Markup

from gradus.config.report import Report as Settings
from gradus.records import Base
from gradus.report.advice import NextStep, next_steps
from gradus.report.breakdown import Breakdown, breakdowns
from gradus.report.data import CountRow, FlowRow, SignalRow, curation_notes, flow, lowered, removals, signals
from gradus.report.examples import Sample, choose, first
from gradus.report.facts import Pairs, date_of, judge_facts, method_of, provenance, training
from gradus.report.origins import Origins, origins
from gradus.report.plots import duel_bar, grade_scale, loss_curve, quality
from gradus.report.sources import Sources
from gradus.report.tables import Compared, CriterionRow, LearnedRow, compared, criteria, learned, summary_line
from gradus.report.upstream import Curation, LossCurve
from gradus.report.words import duel, lead, summary
from gradus.report.writer import Paragraph
from gradus.results import Evaluation

CONTENTS = (
    ("changed", "What changed"),
    ("compare", "Base against tuned"),
    ("training", "Training"),
    ("formatting", "Formatting"),
    ("content", "Content"),
    ("controls", "Controls"),
    ("examples", "Answers"),
    ("data", "Data"),
    ("learned", "Data to grade"),
    ("provenance", "Provenance"),
    ("steps", "Next steps"),
)
BY_RUBRIC = ("formatting", "content")
"""Sections that are left out when the grade is withheld."""


@dataclass(frozen=True)
class Plots:
    """Drawings; None where nothing was recorded to draw."""

    scale: Markup
    duel: Markup
    loss: Markup | None
    quality: Markup | None


@dataclass(frozen=True)
class Report:
    """What both templates show."""

    run: str
    headline: str
    date: str
    method: str
    base: Base
    demonstration: bool
    contents: Sequence[tuple[str, str]]
    evaluation: Evaluation
    lead: str
    duel: str
    sentences: list[str]
    comparison: list[Compared]
    breakdowns: list[Breakdown]
    judge: Pairs
    paragraph: Paragraph | None
    curve: LossCurve
    training: Pairs
    formatting: list[CriterionRow]
    content: list[CriterionRow]
    controls_hold: bool
    samples: list[Sample]
    tags: list[str]
    flow: list[FlowRow]
    curation: Curation
    curation_notes: list[str]
    removals: list[CountRow]
    lowered: list[CountRow]
    signals: list[SignalRow]
    origins: Origins
    learned: list[LearnedRow]
    provenance: Pairs
    configuration: str
    steps: list[NextStep]
    plots: Plots


def build(sources: Sources, settings: Settings, write: Callable[[list[str]], Paragraph | None] = lambda _: None) -> Report:
    """The report's contents; the same sources and settings give the same report.

    Args:
        write: turns the findings into a paragraph by a model, None for none.
    """
    evaluation, metadata = sources.evaluation, sources.metadata
    given = evaluation.grade.letter is not None
    samples = choose(sources.answers, settings.examples) if given else first(sources.answers, settings.examples)
    sentences, steps = summary(sources), next_steps(sources, settings.rules, settings.next_steps)
    return Report(
        run=sources.run,
        headline=summary_line(sources),
        date=date_of(metadata.created),
        method=method_of(metadata),
        base=sources.base,
        demonstration=sources.base.kind == "builtin",
        contents=[pair for pair in CONTENTS if (samples or pair[0] != "examples") and (given or pair[0] not in BY_RUBRIC)],
        evaluation=evaluation,
        lead=lead(evaluation),
        duel=duel(evaluation),
        sentences=sentences,
        comparison=compared(sources),
        breakdowns=breakdowns(evaluation, sources.titles, settings.sources),
        judge=judge_facts(evaluation),
        paragraph=write(_findings(sources, sentences, steps)),
        curve=sources.curve,
        training=training(sources),
        formatting=criteria(evaluation.base.formatting, evaluation.tuned.formatting),
        content=criteria(evaluation.base.content, evaluation.tuned.content),
        controls_hold=all(control.passed for control in evaluation.controls),
        samples=samples,
        tags=list(dict.fromkeys(tag for sample in samples for tag in sample.tags)),
        flow=flow(sources),
        curation=sources.curation,
        curation_notes=curation_notes(sources),
        removals=removals(sources),
        lowered=lowered(sources),
        signals=signals(sources),
        origins=origins(sources),
        learned=learned(sources.statistics, sources.answers),
        provenance=provenance(sources),
        configuration=yaml.safe_dump(metadata.config, sort_keys=False, allow_unicode=True),
        steps=steps,
        plots=Plots(grade_scale(evaluation), duel_bar(evaluation.comparison), loss_curve(sources.curve), quality(sources.curation.quality)),
    )


def _findings(sources: Sources, sentences: list[str], steps: list[NextStep]) -> list[str]:
    """What a model is told: the sentences of the page, which hold no text of a document or an answer."""
    evaluation = sources.evaluation
    advice = [f"To do: {step.finding}. {step.action} (setting {step.key})." for step in steps]
    return [line for line in (f"{summary_line(sources)}.", lead(evaluation), duel(evaluation), *sentences, *evaluation.notes, *advice) if line]
