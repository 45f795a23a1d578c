"""Where the documents and examples come from: sources, classes, licences, and what was made by a model or by templates."""

from __future__ import annotations

from dataclasses import dataclass

from gradus.report import numbers as n
from gradus.report.sources import Sources
from gradus.report.upstream import Augmentation, Scenarios, Taught


@dataclass(frozen=True)
class SourceRow:
    """One entry of `collect` and what came of it."""

    name: str
    documents: int
    bytes: int
    too_short: int


@dataclass(frozen=True)
class Tally:
    """A name and how many there are of it."""

    name: str
    count: int


@dataclass(frozen=True)
class MethodRow:
    """A way of making variants: how many came of it, how many were dropped and why, or why it was off."""

    name: str
    made: int | None
    note: str


@dataclass(frozen=True)
class Origins:
    """All of it."""

    sources: list[SourceRow]
    classes: list[Tally]
    licences: list[Tally]
    methods: list[MethodRow]
    notes: list[str]


def origins(sources: Sources) -> Origins:
    """Everything that is known of where the data come from."""
    manifest, extraction = sources.manifest, sources.extraction
    rows = [SourceRow(name, row["documents"], row["bytes"], row.get("too_short", 0)) for name, row in manifest.by_source.items()]
    notes = [_taught(extraction.teacher) if extraction.teacher else "", _scenarios(extraction.scenarios) if extraction.scenarios else ""]
    return Origins(
        sources=rows,
        classes=_tallies(manifest.by_status),
        licences=_tallies({name or "not stated": count for name, count in sources.licences.items()}),
        methods=_methods(sources.augmentation),
        notes=[note for note in notes if note],
    )


def _tallies(counts: dict[str, int]) -> list[Tally]:
    return [Tally(name, count) for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])) if count]


def _methods(augmentation: Augmentation) -> list[MethodRow]:
    """Every method with its state. One that was on and made nothing has 0, one that was off has no number."""
    rows = []
    for method in augmentation.methods:
        dropped = augmentation.dropped.get(method.name, {})
        lost = ", ".join(f"{reason} {n.count(count)}" for reason, count in dropped.items())
        made = augmentation.variants_by_method.get(method.name, 0) if method.state == "on" else None
        rows.append(MethodRow(method.name, made, f"off: {method.reason}" if made is None else f"dropped: {lost}" if lost else ""))
    # A method can have variants under names of its own, say one for each length.
    known = {method.name for method in augmentation.methods}
    return rows + [MethodRow(name, count, "") for name, count in augmentation.variants_by_method.items() if name not in known]


def _taught(taught: Taught) -> str:
    grounding = "" if taught.mean_grounding is None else f"; their mean grounding is {n.decimal(taught.mean_grounding)}"
    lost = f"{n.count(taught.rejected)} were rejected because their chunk does not support them, {n.count(sum(taught.dropped.values()))} dropped"
    kept = f"{n.count(taught.examples)} of {n.count(taught.pairs)} became examples, {lost}{grounding}"
    return f"The teacher {taught.teacher} wrote answers to {n.count(taught.chunks)} chunks of documents: {kept}."


def _scenarios(made: Scenarios) -> str:
    lost = f"{n.count(sum(made.duplicates.values()))} duplicates, {n.count(sum(made.dropped.values()))} dropped"
    kept = f"{n.count(made.examples)} of {n.count(made.wanted)} wanted, {n.count(made.asked)} asked for, {lost}"
    return f"The teacher {made.teacher} made conversations from the scenarios {made.name}: {kept}. They have no source to be checked against."
