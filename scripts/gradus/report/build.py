"""Put together everything the templates show, from the sources alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import yaml
from markupsafe import Markup

from gradus.config.report import Report as Settings
from gradus.records import Base
from gradus.report import numbers as n
from gradus.report.advice import NextStep, next_steps
from gradus.report.breakdown import Breakdown, breakdowns, judge_facts
from gradus.report.data import CountRow, FlowRow, SignalRow, curation_notes, flow, lowered, removals, signals
from gradus.report.examples import Sample, choose, first
from gradus.report.origins import Origins, origins
from gradus.report.plots import duel_bar, grade_scale, loss_curve, quality
from gradus.report.sources import Sources
from gradus.report.tables import Compared, CriterionRow, LearnedRow, compared, criteria, learned, summary_line
from gradus.report.upstream import Curation, LossCurve, Metadata
from gradus.report.words import duel, lead, summary
from gradus.report.writer import Paragraph
from gradus.results import Evaluation

Pairs = list[tuple[str, str]]
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
        date=_date(metadata.created),
        method=_method(metadata),
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
        training=_training(sources),
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
        provenance=_provenance(sources),
        configuration=yaml.safe_dump(metadata.config, sort_keys=False, allow_unicode=True),
        steps=steps,
        plots=Plots(grade_scale(evaluation), duel_bar(evaluation.comparison), loss_curve(sources.curve), quality(sources.curation.quality)),
    )


def _findings(sources: Sources, sentences: list[str], steps: list[NextStep]) -> list[str]:
    """What a model is told: the sentences of the page, which hold no text of a document or an answer."""
    evaluation = sources.evaluation
    advice = [f"To do: {step.finding}. {step.action} (setting {step.key})." for step in steps]
    return [line for line in (f"{summary_line(sources)}.", lead(evaluation), duel(evaluation), *sentences, *evaluation.notes, *advice) if line]


def _date(created: datetime) -> str:
    """A time as `21 November 2026, 08:12 UTC`."""
    time = created.astimezone(UTC)
    return f"{time.day} {time:%B %Y, %H:%M} UTC"


def _method(metadata: Metadata) -> str:
    rank = metadata.setting("train.lora.rank")
    names = {"lora": "LoRA", "dora": "DoRA", "full": "full training"}
    name = names.get(metadata.method, metadata.method)
    return name if metadata.method == "full" or rank is None else f"{name} of rank {rank}"


def _training(sources: Sources) -> Pairs:
    """Facts about the training, those that were measured."""
    metadata, best = sources.metadata, sources.curve.best
    trained, total = metadata.trainable_parameters, metadata.total_parameters
    rate = metadata.setting("train.learning_rate")
    facts = {
        "Method": _method(metadata),
        "Parameters trained": None if trained is None else n.count(trained) + (f" ({n.share(trained / total, 1)})" if total else ""),
        "Iterations": f"{n.count(metadata.iterations)}, {metadata.stopped}",
        "Learning rate": None if rate is None else n.significant(rate),
        "Best validation loss": None if best is None else f"{n.decimal(best.loss, 3)} at iteration {best.iteration}",
        "Supervised tokens seen": _known(metadata.tokens, n.count),
        "Tokens a second": _known(metadata.tokens_per_second, lambda value: n.decimal(value, 0)),
        "Peak memory": _known(metadata.peak_memory_gb, lambda value: f"{n.decimal(value)}{n.THIN}GB"),
        "Time": _known(metadata.seconds, n.duration),
    }
    return [(name, value) for name, value in facts.items() if value is not None]


def _known(value: Any, show: Any) -> str | None:
    return None if value is None else show(value)


def _provenance(sources: Sources) -> Pairs:
    metadata, base, evaluation = sources.metadata, sources.base, sources.evaluation
    machine = metadata.machine
    memory = f"{machine['memory_gb']:g}{n.THIN}GB memory" if machine.get("memory_gb") is not None else None
    cores = f"{machine['cores']} cores" if machine.get("cores") is not None else None
    rows: dict[str, str | None] = {
        "Trained": _date(metadata.created),
        "Code": _code(metadata),
        "Machine": _joined([machine.get("processor"), cores, memory, machine.get("system"), _named("Python", machine.get("python"))]),
        "Packages": _joined([f"{name} {version}" for name, version in metadata.packages.items()]),
        "Base model": _joined([base.name, f"{base.kind} ({base.reason})"]),
        "Base revision": base.revision or None,
        "Base licence": base.licence or None,
        "Data (SHA-256)": _joined([f"{name} {value[:16]}" for name, value in metadata.dataset.items()]),
        "Rubric": f"{evaluation.rubric.path}, SHA-256 {evaluation.rubric.sha256[:16]}",
        "Content measured": f"words, and meaning by {evaluation.embedding}" if evaluation.embedding else "by words alone, without a sentence encoder",
        "Questions": f"{evaluation.questions} of {n.count(evaluation.available)} held out, seed {evaluation.seed}",
    }
    return [(name, value) for name, value in rows.items() if value]


def _code(metadata: Metadata) -> str | None:
    """Commit and whether the files differed from it; without git there is nothing to say."""
    if metadata.git is None or not metadata.git.commit:
        return None
    state = {True: "with uncommitted changes", False: "no uncommitted changes", None: None}[metadata.git.dirty]
    return _joined([f"commit {metadata.git.commit[:12]}", state])


def _named(name: str, value: Any) -> str | None:
    return None if value is None else f"{name} {value}"


def _joined(parts: Sequence[Any]) -> str:
    return ", ".join(str(part) for part in parts if part)
