"""The way of the data, in numbers: what each step handed on, and what curation removed and why."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from gradus.report import numbers as n
from gradus.report.drawing import bar
from gradus.report.sources import Sources

REASONS = {
    "exact_duplicate": "Same as another",
    "near_duplicate": "Nearly the same as another",
    "low_quality": "Low quality score",
    "personal_data": "Personal data",
    "empty": "Empty question or answer",
}


@dataclass(frozen=True)
class FlowRow:
    """A stage and how much came out of it."""

    label: str
    count: int
    hint: str = ""


@dataclass(frozen=True)
class CountRow:
    """A reason, how many examples it removed, and its share of all removals as a bar."""

    label: str
    count: int
    bars: Markup


def flow(sources: Sources) -> list[FlowRow]:
    """Documents, examples, kept ones, variants, splits."""
    manifest, extraction, augmentation, splits = sources.manifest, sources.extraction, sources.augmentation, sources.statistics.splits
    train = splits["train"]
    left = f"{n.count(manifest.duplicates)} with the same content and {n.count(manifest.too_short)} too short left out"
    barren, dropped = len(extraction.documents_without_example), sum(extraction.dropped.values())
    return [
        FlowRow("Documents", manifest.documents, left),
        FlowRow("Examples", extraction.examples, f"{n.count(barren)} documents gave none, {n.count(dropped)} candidates were dropped"),
        FlowRow("Kept by curation", sources.curation.kept),
        FlowRow("With other wordings", augmentation.originals + augmentation.variants, f"factor {n.decimal(augmentation.factor)}"),
        FlowRow("Training", train.examples, f"{n.count(train.supervised_tokens)} supervised tokens"),
        FlowRow("Validation", splits["valid"].examples, "originals only"),
        FlowRow("Test", splits["test"].examples, "originals only" + _apart(sources)),
    ]


def _apart(sources: Sources) -> str:
    unit = {"group": "source", "document_id": "document", "origin_id": "example"}.get(sources.statistics.split_unit or "")
    return f"; no {unit} stands on two sides" if unit else ""


def removals(sources: Sources) -> list[CountRow]:
    """Why examples went, most frequent reason first."""
    return _counted({REASONS.get(reason, n.label(reason)): count for reason, count in sources.curation.removed_by_reason.items()})


def lowered(sources: Sources) -> list[CountRow]:
    """The signal that cost each example of low quality most."""
    return _counted({n.label(name): count for name, count in sources.curation.lowered_by.items()})


def _counted(counts: dict[str, int]) -> list[CountRow]:
    total = sum(counts.values())
    ordered = sorted(((name, count) for name, count in counts.items() if count), key=lambda pair: (-pair[1], pair[0]))
    return [CountRow(name, count, bar(count / total, "removed")) for name, count in ordered]


def curation_notes(sources: Sources) -> list[str]:
    """What else curation did, in sentences; silent on what it did not meet."""
    curation = sources.curation
    modes = {"mask": "was masked", "remove": "was removed with its example", "keep": "was kept as it is"}
    notes = []
    if curation.score_cut is not None:
        notes.append(f"The quality score of what was kept is at least {n.decimal(curation.score_cut, 3)}.")
    if curation.examples_with_personal_data:
        notes.append(f"Personal data or keys in {n.count(curation.examples_with_personal_data)} examples {modes[curation.personal_data_mode]}.")
    if curation.repairs:
        listed = ", ".join(f"{n.label(kind).lower()} {n.count(count)}" for kind, count in curation.repairs.items())
        notes.append(f"Mended: {listed}.")
    if curation.conflicts:
        notes.append(f"{n.count(curation.conflicts)} questions have more than one answer.")
    return notes
