"""The work of 03_curate: score every line into a temporary file, decide on arrays, then write what stays and what goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gradus.config.schema import Curate
from gradus.curate.contamination import read_benchmarks
from gradus.curate.curation import Curation
from gradus.curate.decide import Quality, Verdict, decide, measure
from gradus.curate.describe import describe
from gradus.curate.pool import score_all
from gradus.curate.removals import removal_of
from gradus.curate.rows import count_lines, read_lines
from gradus.curate.scoring import BEGINNING
from gradus.curate.store import Store, TableBuilder
from gradus.errors import GradusError, UserError
from gradus.files import open_to_write, temporary_of, write_json
from gradus.log import progress
from gradus.step import StepContext, Summary

SOURCES = ("group", "document_id")


def curate(context: StepContext) -> Summary:
    """Run the step. Raises UserError when nothing is left, GradusError when the written examples are not all that came."""
    settings = context.config.curate
    source = context.input("02_extract/examples.jsonl")
    with scored(source, context.out, settings) as store:
        quality = measure(store.table, settings)
        verdict = decide(store, quality, settings)
        if len(verdict.reason) == len(store.table):
            cure = "Collect more documents, or set curate.personal_data to mask"
            raise UserError(f"none of {len(store.table)} examples is left", where=str(source), cure=cure)
        _write(context.out, store, quality, verdict, settings)
        curation = describe(store, quality, verdict, settings)
    write_json(context.out / "curation.json", asdict(curation))
    from gradus.curate.plot import draw

    draw(curation, context.out / "curation.png")
    return _summary(curation)


@contextmanager
def scored(source: Path, folder: Path, settings: Curate) -> Iterator[Store]:
    """Every line of the input, mended, masked and scored, in a temporary file of `folder` that is removed again."""
    path = temporary_of(folder / "scored.jsonl")
    limit = round(settings.max_line_mb * 1e6)
    benchmarks = read_benchmarks(settings)
    builder = TableBuilder(path)
    try:
        with progress("Scoring examples", count_lines(source)) as advance:
            for line in score_all(read_lines(source, limit, BEGINNING), source.stat().st_size, settings, benchmarks):
                builder.add(line)
                advance(1, "")
        store = builder.finish()
        try:
            yield store
        finally:
            store.close()
    finally:
        path.unlink(missing_ok=True)


def _write(out: Path, store: Store, quality: Quality, verdict: Verdict, settings: Curate) -> None:
    """Every example into one of the two files, in the order they came."""
    written = 0
    repeated = repeated_in(store, verdict)
    with open_to_write(out / "kept.jsonl") as kept, open_to_write(out / "removed.jsonl") as removed:
        for position, row in enumerate(store):
            if position in verdict.reason:
                removed.write(_line(vars(removal_of(position, row, store, quality, verdict, settings))))
            else:
                explained = quality.explain(row, position)
                explained["meta"] |= {"repeated_in": repeated[position]} if position in repeated else {}
                kept.write(_line(explained))
            written += 1
    if written != len(store.table):
        cure = "This is a defect of the step, please report it"
        raise GradusError(f"{len(store.table)} examples came in, {written} went out", where=str(out), cure=cure)


def repeated_in(store: Store, verdict: Verdict) -> dict[int, dict[str, list[str]]]:
    """By position of a kept example the other sources that held duplicates of it: 05_prepare keeps them on its side of the split."""
    found: dict[int, dict[str, set[str]]] = {}
    for position, duplicate in verdict.duplicates.items():
        better, row = store.row(duplicate.of), store.row(position)
        for unit in SOURCES:
            if row[unit] != better[unit]:
                found.setdefault(duplicate.of, {}).setdefault(unit, set()).add(row[unit])
    return {kept: {unit: sorted(names) for unit, names in units.items()} for kept, units in found.items()}


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


def _summary(curation: Curation) -> Summary:
    reasons = ", ".join(f"{reason.replace('_', ' ')} {count:,}" for reason, count in curation.removed_by_reason.items())
    personal = ", ".join(f"{kind} {count:,}" for kind, count in curation.personal_data.items())
    repairs = ", ".join(f"{kind} {count:,}" for kind, count in curation.repairs.items())
    return {
        "examples": curation.examples,
        "kept": curation.kept,
        "removed": f"{curation.removed:,} ({reasons})" if curation.removed else 0,
        "score cut": round(curation.score_cut, 3) if curation.score_cut is not None else "none",
        "languages": ", ".join(f"{language} {count:,}" for language, count in curation.languages.items()) or "too little prose to tell",
        "duplicate clusters": sum(curation.cluster_sizes.values()),
        "conflicting questions": curation.conflicts,
        "personal data": f"{personal} ({curation.personal_data_mode})" if personal else "none found",
        "repaired": repairs or "nothing",
    }
