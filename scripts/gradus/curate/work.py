"""The work of 03_curate: score every line into a temporary file, decide on arrays, then write what stays and what goes."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from gradus.config.schema import Curate
from gradus.curate.contamination import Rows, index_rows, read_rows
from gradus.curate.curation import GOOD, Curation, by_size
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

log = logging.getLogger(__name__)
SOURCES = ("group", "document_id")
CURES = {
    "bad_row": "Write one JSON object a line, in UTF-8, with the fields that 02_extract writes",
    "personal_data": "Set curate.personal_data to mask",
    "contaminated": "Look at curate.decontaminate, or collect other documents",
}


def curate(context: StepContext) -> Summary:
    """Run the step. Raises UserError when nothing is left, GradusError when the written examples are not all that came."""
    settings = context.config.curate
    source = context.input("02_extract/examples.jsonl")
    benchmarks = read_rows(settings)
    with scored(source, context.out, settings, benchmarks) as store:
        quality = measure(store.table, settings)
        verdict = decide(store, quality, settings, benchmarks)
        if len(verdict.reason) == len(store.table):
            raise _nothing_left(store, verdict, source)
        _write(context.out, store, quality, verdict, settings)
        curation = describe(store, quality, verdict, settings)
    write_json(context.out / "curation.json", asdict(curation))
    _tell_of_good_ones(curation)
    from gradus.curate.plot import draw

    draw(curation, context.out / "curation.png")
    return _summary(curation)


def _tell_of_good_ones(curation: Curation) -> None:
    if curation.score_cut is not None and curation.score_cut > GOOD and curation.removed_though_good:
        low = curation.removed_by_reason["low_quality"]
        told = "%s of the %s examples removed for low quality have a score of %s or more: nothing bad was found in them; "
        told += "curate.keep_fraction=1.0 keeps all"
        log.warning(told, f"{curation.removed_though_good:,}", f"{low:,}", GOOD)


def _nothing_left(store: Store, verdict: Verdict, source: Path) -> UserError:
    """What to say when every example goes: the reasons, the first line with what is wrong, and the cure of the most frequent reason."""
    reasons = by_size(verdict.reason.values())
    told = ", ".join(f"{reason.replace('_', ' ')} {count:,}" for reason, count in reasons.items()) or "there was none"
    first = min(store.table.unusable, default=None)
    shown = "" if first is None else f"; line {store.table.numbers[first]}: {store.table.unusable[first][1]}"
    cure = CURES.get(next(iter(reasons), ""), "Collect more documents")
    return UserError(f"none of {len(store.table):,} examples is left ({told}{shown})", where=str(source), cure=cure)


@contextmanager
def scored(source: Path, folder: Path, settings: Curate, rows: Rows) -> Iterator[Store]:
    """Every line of the input, mended, masked and scored, in a temporary file of `folder` that is removed again."""
    path = temporary_of(folder / "scored.jsonl")
    limit = round(settings.max_line_mb * 1e6)
    benchmarks = index_rows(rows, settings)
    try:
        with path.open("wb") as stream, progress("Scoring examples", count_lines(source)) as advance:
            builder = TableBuilder(stream)
            for line in score_all(read_lines(source, limit, BEGINNING), source.stat().st_size, settings, benchmarks):
                builder.add(line)
                advance(1, "")
        with closing(Store(path, builder.table())) as store:
            yield store
    finally:
        path.unlink(missing_ok=True)


def _write(out: Path, store: Store, quality: Quality, verdict: Verdict, settings: Curate) -> None:
    """Every example into one of the two files, in the order they came."""
    written = 0
    sources = OtherSources(store, verdict)
    with open_to_write(out / "kept.jsonl") as kept, open_to_write(out / "removed.jsonl") as removed:
        for position, row in enumerate(store):
            if position in verdict.reason:
                removed.write(_line(vars(removal_of(position, row, store, quality, verdict, settings))))
            else:
                explained = quality.explain(row, position)
                elsewhere = sources.of(position, row)
                explained["meta"] |= {"repeated_in": elsewhere} if elsewhere else {}
                kept.write(_line(explained))
            written += 1
    if written != len(store.table):
        cure = "This is a defect of the step, please report it"
        raise GradusError(f"{len(store.table)} examples came in, {written} went out", where=str(out), cure=cure)


class OtherSources:
    """The sources of the duplicates of each kept example, read when asked for: 05_prepare keeps them on its side of the split."""

    def __init__(self, store: Store, verdict: Verdict) -> None:
        pairs = ((duplicate.of, position) for position, duplicate in verdict.duplicates.items())
        flat = np.fromiter(chain.from_iterable(pairs), np.int64, 2 * len(verdict.duplicates)).reshape(-1, 2)
        flat = flat[np.argsort(flat[:, 0], kind="stable")]
        self._store, self._kept, self._gone = store, flat[:, 0], flat[:, 1]

    def of(self, position: int, row: dict[str, Any]) -> dict[str, list[str]]:
        """By unit the sources of an example's duplicates that are not its own; without any, nothing."""
        start, stop = np.searchsorted(self._kept, [position, position + 1])
        found: dict[str, set[str]] = {}
        for other in map(self._store.row, self._gone[start:stop]):
            for unit in SOURCES:
                if other[unit] != row[unit]:
                    found.setdefault(unit, set()).add(other[unit])
        return {unit: sorted(names) for unit, names in found.items()}


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


def _summary(curation: Curation) -> Summary:
    reasons = ", ".join(f"{reason.replace('_', ' ')} {count:,}" for reason, count in curation.removed_by_reason.items())
    personal = ", ".join(f"{kind} {count:,}" for kind, count in curation.personal_data.items())
    contaminated = ", ".join(f"{kind} {count:,}" for kind, count in curation.contaminated_by.items())
    repairs = ", ".join(f"{kind} {count:,}" for kind, count in curation.repairs.items())
    return {
        "examples": curation.examples,
        "kept": curation.kept,
        "removed": f"{curation.removed:,} ({reasons})" if curation.removed else 0,
        **({"in a benchmark": contaminated} if contaminated else {}),
        "score cut": round(curation.score_cut, 3) if curation.score_cut is not None else "none",
        "languages": ", ".join(f"{language} {count:,}" for language, count in curation.languages.items()) or "too little prose to tell",
        "duplicate clusters": sum(curation.cluster_sizes.values()),
        "conflicting questions": curation.conflicts,
        "personal data": f"{personal} ({curation.personal_data_mode})" if personal else "none found",
        "repaired": repairs or "nothing",
    }
