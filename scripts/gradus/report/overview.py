"""`reports/index.html`: all runs of a workspace in one table, and two of them side by side; from their `report.json` alone."""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.files import write_text
from gradus.report.record import RECORD, BrokenRecord, Figure, Record, read_record

INDEX = "index.html"
WORK = "08_report-"
"""How the work folders of this step begin."""
LEFT_OUT = (
    *("run.name", "paths", "monitor", "train.find_lr", "train.sweep"),
    *("evaluate", "report", "promote", "fidelity", "fuse", "quantize", "export", "serve"),
)
"""Settings without a part in training: where a run lies, who looks on, and what comes later and can be done again with others."""


@dataclass(frozen=True)
class Broken:
    """A folder that is no readable run, and why."""

    folder: str
    reason: str


@dataclass(frozen=True)
class Setting:
    """A key that is not the same in all runs, with its value in one of them; None: not recorded."""

    key: str
    value: Any


@dataclass(frozen=True)
class Row:
    """One run in the table."""

    record: Record
    folder: str
    test: int
    """1, 2 ...: runs with the same number can be compared."""
    settings: list[Setting]
    """Where this run differs from what most runs have."""


@dataclass(frozen=True)
class Line:
    """One line of the comparison: a value for each run, in the order of the rows."""

    name: str
    values: list[Any]
    figures: list[Figure | None]
    """Empty for a line of text."""


@dataclass(frozen=True)
class Overview:
    """What the page shows."""

    rows: list[Row]
    broken: list[Broken]
    figures: list[Line]
    settings: list[Line]
    tests: int


def write_index(reports: Path, run: str, out: Path) -> None:
    """Write `index.html` whole or not at all.

    Args:
        reports: the folder that holds a folder for each run.
        run, out: the run that is about to be published from the work folder `out`.
    """
    from gradus.report.render import index

    with _alone(reports):
        write_text(reports / INDEX, index(overview(*read_runs(reports, {run: out}))))


@contextmanager
def _alone(reports: Path) -> Iterator[None]:
    """One writer at a time, so that the last one has seen all the others; the lock goes with the process."""
    (reports / ".work").mkdir(parents=True, exist_ok=True)
    with (reports / ".work" / "index.lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def read_runs(reports: Path, fresh: Mapping[str, Path]) -> tuple[dict[str, Record], list[Broken]]:
    """All runs that have a report by their folder, newest first, and the folders that cannot be read.

    A run that another process has written and is about to publish counts too: its work folder is looked into first.
    """
    pending = {path.name.removeprefix(WORK): path for path in reports.glob(f".work/{WORK}*") if (path / RECORD).exists()}
    published = {path.name: path for path in reports.iterdir() if path.is_dir() and not path.name.startswith(".")}
    records: dict[str, Record] = {}
    broken = []
    for name in sorted({*pending, *published, *fresh}):
        folders = [places[name] for places in (fresh, pending, published) if name in places]
        try:
            record = _first(folders)
        except BrokenRecord as error:
            broken.append(Broken(name, str(error)))
        else:
            records |= {name: record} if record else {}
    newest = sorted(records, key=lambda name: (records[name].created.timestamp(), name), reverse=True)
    return {name: records[name] for name in newest}, broken


def _first(folders: Sequence[Path]) -> Record | None:
    """The record in the first folder that has one; a file can move on to the next folder while one looks. None: no report yet."""
    broken = None
    for folder in folders:
        try:
            return read_record(folder / RECORD)
        except BrokenRecord as error:
            broken = error if (folder / RECORD).exists() else broken
    if broken is None and (folders[-1] / "report.html").exists():
        broken = BrokenRecord(f"there is a report and no {RECORD}")
    if broken is not None:
        raise broken
    return None


def overview(records: Mapping[str, Record], broken: Sequence[Broken]) -> Overview:
    """Put runs side by side: which compare, where their settings differ, and their figures line by line."""
    runs = list(records.values())
    flat = [_flat(record.config) for record in runs]
    differing = _differing(flat)
    usual = {key: _usual([settings.get(key) for settings in flat]) for key in differing}
    tests = list(dict.fromkeys(record.test for record in reversed(runs)))
    rows = [
        Row(record, folder, tests.index(record.test) + 1, [Setting(key, mine.get(key)) for key in differing if mine.get(key) != usual[key]])
        for (folder, record), mine in zip(records.items(), flat, strict=True)
    ]
    lines = [Line(key, [settings.get(key) for settings in flat], []) for key in differing]
    return Overview(rows, list(broken), _figures(runs), lines, len(tests))


def _figures(runs: Sequence[Record]) -> list[Line]:
    """Every figure that any run has; the order is that of the newest run."""
    names = dict.fromkeys(figure.name for record in runs for figure in record.figures)
    tables = [{figure.name: figure for figure in record.figures} for record in runs]
    return [Line(name, [], [table.get(name) for table in tables]) for name in names]


def _differing(flat: Sequence[dict[str, Any]]) -> list[str]:
    """Keys that do not have the same value everywhere, in the order of the configuration."""
    keys = dict.fromkeys(key for settings in flat for key in settings)
    return [key for key in keys if any(settings.get(key) != flat[0].get(key) for settings in flat)]


def _usual(values: Sequence[Any]) -> Any:
    """The most frequent value; of equally frequent ones that of the oldest run (runs come newest first)."""
    names = [repr(value) for value in reversed(values)]
    wanted = Counter(names).most_common(1)[0][0]
    return next(value for value in values if repr(value) == wanted)


def _flat(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as dotted keys, without those that had no part in training."""
    flat: dict[str, Any] = {}
    for name, value in config.items():
        key = f"{prefix}{name}"
        if key in LEFT_OUT:
            continue
        if isinstance(value, dict) and value:
            flat |= _flat(value, f"{key}.")
        else:
            flat[key] = value
    return flat
