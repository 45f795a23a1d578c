"""The way of the data, in numbers: what each step handed on, and what curation removed and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from markupsafe import Markup

from gradus.report import numbers as n
from gradus.report.drawing import bar, spread
from gradus.report.sources import Sources
from gradus.report.upstream import Curation, Split

REASONS = {
    "exact_duplicate": "Same as another",
    "near_duplicate": "Nearly the same as another",
    "low_quality": "Low quality score",
    "personal_data": "Personal data",
    "empty": "Empty question or answer",
    "contaminated": "Overlaps with a benchmark",
    "bad_row": "Not a valid row",
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


@dataclass(frozen=True)
class SignalRow:
    """One quality signal: its means and how its values are spread, of what was kept (up) and removed (down)."""

    label: str
    weight: float | None
    """In the quality score; 0 leaves it out, None is not recorded."""
    kept: float | None
    removed: float | None
    bars: Markup


def signals(sources: Sources) -> list[SignalRow]:
    """Every signal that was measured; in the order of the rules."""
    weights = sources.curation.settings.get("weights", {})
    return [
        SignalRow(n.label(name), weights.get(name), sieved.kept.mean, sieved.removed.mean, spread(sieved.kept.histogram, sieved.removed.histogram))
        for name, sieved in sources.curation.signals.items()
    ]


def flow(sources: Sources) -> list[FlowRow]:
    """Documents, examples, kept ones, variants, splits."""
    manifest, extraction, augmentation, splits = sources.manifest, sources.extraction, sources.augmentation, sources.statistics.splits
    left_out = _listed(("same content", manifest.duplicates), ("too short", manifest.too_short))
    barren, dropped = len(extraction.documents_without_example), sum(extraction.dropped.values())
    return [
        FlowRow("Documents", manifest.documents, f"left out: {left_out}" if left_out else ""),
        FlowRow("Examples", extraction.examples, _listed(("documents without any", barren), ("candidates dropped", dropped))),
        FlowRow("Kept by curation", sources.curation.kept),
        FlowRow("With other wordings", augmentation.originals + augmentation.variants, f"{n.decimal(augmentation.factor)} for each original"),
        _part("Training", splits["train"], f"supervised tokens {n.count(splits['train'].supervised_tokens)}"),
        _part("Validation", splits["valid"], ""),
        _part("Test", splits["test"], _apart(sources)),
    ]


def _listed(*counts: tuple[str, int]) -> str:
    """What there is of each, say `too short 4, empty 2`; nothing of what there is none."""
    return ", ".join(f"{what} {n.count(count)}" for what, count in counts if count)


def _part(label: str, split: Split, more: str) -> FlowRow:
    """A split with what is known of its variants."""
    wordings = None if split.variants is None else f"other wordings {n.count(split.variants)}" if split.variants else "originals only"
    return FlowRow(label, split.examples, "; ".join(text for text in (wordings, more) if text))


def _apart(sources: Sources) -> str:
    """What keeps the splits apart: the unit of the split, and what the search for leaks found."""
    unit = {"group": "source", "document_id": "document", "origin_id": "example"}.get(sources.statistics.split_unit or "")
    leakage = sources.statistics.leakage
    found = leakage and f"seen in training: {n.count(leakage.found)} of {n.count(leakage.held_out)} held-out ones"
    return "; ".join(text for text in (f"no {unit} stands on two sides" if unit else "", found) if text)


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
    modes = {"mask": "masked", "remove": "removed", "keep": "kept as they are"}
    notes = []
    if curation.score_cut is not None:
        notes.append(f"The quality score of what was kept is at least {n.decimal(curation.score_cut, 3)}.")
    notes += [note for note in (_duplicates(curation), _languages(curation), _decontamination(curation)) if note]
    if curation.examples_with_personal_data:
        kinds = _listed(*((n.label(kind).lower(), count) for kind, count in curation.personal_data.items()))
        found = n.count(curation.examples_with_personal_data) + (f"; finds: {kinds}" if kinds else "")
        notes.append(f"Examples with personal data or keys, {modes[curation.personal_data_mode]}: {found}.")
    if curation.repairs:
        notes.append(f"Mended: {_listed(*((n.label(kind).lower(), count) for kind, count in curation.repairs.items()))}.")
    if curation.conflicts:
        notes.append(f"Questions with more than one answer: {n.count(curation.conflicts)}.")
    return notes


def _duplicates(curation: Curation) -> str:
    """How many groups of the same there were, and the largest."""
    sizes = {int(size): count for size, count in curation.cluster_sizes.items()}
    if not sizes:
        return ""
    return f"Groups of examples that say the same: {n.count(sum(sizes.values()))}, the largest of {n.count(max(sizes))}; one of each was kept."


def _languages(curation: Curation) -> str:
    if not curation.languages:
        return ""
    expected = ", ".join(curation.expected_languages) or "none"
    return f"Language of the prose, where there is enough to tell: {_listed(*curation.languages.items())}; expected: {expected}."


def _decontamination(curation: Curation) -> str:
    """Whether benchmarks were looked for; silent for runs that did not record it."""
    files = curation.settings.get("decontaminate")
    if files is None:
        return ""
    if not files:
        return "No benchmark was named to be kept out (curate.decontaminate is empty)."
    return f"Examples that overlap with {_named(files)}: {n.count(curation.removed_by_reason.get('contaminated', 0))}, removed."


def _named(files: list[str]) -> str:
    return ", ".join(PurePath(file).name for file in files)
