"""Read every configured source and keep each text once."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from gradus.collect.folders import Listed, list_folder
from gradus.collect.hub import Snapshot, fetch, first_rows, wanted_of
from gradus.collect.incremental import Job, Readings, job_of, read_changed
from gradus.collect.manifest import Collection, Duplicate, Entry, printable, reason_of
from gradus.collect.packages import read_packages
from gradus.collect.readers import FileReading, ReadOptions, options_of
from gradus.collect.seen import Seen
from gradus.collect.text import Found, document_of
from gradus.config.schema import Collect
from gradus.errors import UserError
from gradus.log import progress
from gradus.machine import cores
from gradus.records import Document

_WARNINGS = 5  # lines on the screen; the manifest has them all
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """What became of a text: the id of the document that holds it, and its twin's name when it was there already."""

    document: str
    twin: str = ""
    note: str = ""


class Gatherer:
    """Collects documents; the first text with a hash is kept, later ones are named as its duplicates."""

    def __init__(self, config: Collect, now: str, seen: Seen | None = None) -> None:
        self.collection = Collection()
        self._config = config
        self._now = now
        self._seen = seen or {}
        self._kept: dict[str, Document] = {}
        self._bad_files = 0

    def module_texts(self, entries: list[Entry], found: list[Found], package: str) -> None:
        """All documents of one entry of `collect.python_docs`."""
        self.collection.entries += entries
        for text in found:
            self._keep(text, package, self._config.min_docstring_characters)

    def file(self, name: str, source: str, size: int, reading: FileReading) -> None:
        """The reading of one file; `name` is what the manifest calls it."""
        self._warn(name, reading)
        reason = reason_of(reading.reason, reading.faults)
        entry = Entry(name, source, reading.status, reason, size, faults=reading.faults)
        if reading.found is not None:
            entry = self._kept_entry(entry, reading.found)
        self.collection.entries.append(entry)

    def _kept_entry(self, entry: Entry, found: Found) -> Entry:
        kept = self._keep(found, entry.source, self._config.min_characters)
        if kept is None:
            return replace(entry, status="empty", reason=f"shorter than collect.min_characters ({self._config.min_characters})")
        if kept.twin:
            return replace(entry, status="duplicate", reason=f"same content as {kept.twin}, {kept.note}", document=kept.document)
        return replace(entry, reason="; ".join(filter(None, (entry.reason, kept.note))), document=kept.document)

    def _keep(self, found: Found, source: str, minimum: int) -> Kept | None:
        """Keep a text unless it was there already; None when it is too short."""
        document = document_of(found, self._now)
        if len(document.text) < minimum:
            self.collection.too_short[source] += 1
            return None
        if twin := self._kept.get(document.sha256):
            self.collection.duplicates.append(Duplicate(found.source, twin.source))
            return Kept(twin.id, twin.source, f"collected on {_day(twin.collected_at)}")
        first = self._seen.get(document.id)
        if first is not None:
            document = replace(document, collected_at=first.collected_at)
        self._kept[document.sha256] = document
        self.collection.documents.append(document)
        self.collection.sources[document.id] = source
        self.collection.units[document.id] = found.unit
        renamed = first is not None and first.source != document.source
        note = f"same content as {first.source}, collected on {_day(first.collected_at)}; it keeps that time" if first and renamed else ""
        return Kept(document.id, note=note)

    def _warn(self, name: str, reading: FileReading) -> None:
        bad = reading.faults or reading.status in ("broken", "not UTF-8", "timed out", "out of memory")
        self._bad_files += bool(bad)
        if bad and self._bad_files <= _WARNINGS:
            first = reading.faults[0] if reading.faults else reading.reason
            more = f" and {len(reading.faults) - 1} more" if len(reading.faults) > 1 else ""
            left = "the rest of it is read" if reading.found else "it is left out"
            log.warning("%s: %s%s; %s", printable(name), printable(first), more, left)
        elif bad and self._bad_files == _WARNINGS + 1:
            log.warning("more files with faults: see manifest.json")


def _day(time: str) -> str:
    return time[:10]


def gather(config: Collect, now: str, *, seen: Seen | None = None, readings: Readings | None = None) -> Collection:
    """Read all sources: packages, folders, data sets of the hub, each in the order of the configuration.

    Args:
        now: the time to write into new documents, ISO 8601.
        seen: what was collected in earlier runs; those texts keep their time.
        readings: readings of earlier runs, so that only changed files are read.

    Raises:
        UserError: for a package, folder or data set that is not there, and for one without a usable file.
        GradusError: when a data set cannot be had.
    """
    gatherer = Gatherer(config, now, seen)
    options = options_of(config)
    folders = [(entry, list_folder(entry)) for entry in config.folders]
    snapshots = [fetch(wanted_of(dataset, config.hub)) for dataset in config.hub_datasets]
    for package, reading in zip(config.python_docs, read_packages(config.python_docs, config.import_timeout_seconds, cores()), strict=True):
        gatherer.module_texts(reading.entries, reading.found, package)
    _read_folders(folders, options, gatherer, readings or Readings(None))
    for snapshot in snapshots:
        _read_snapshot(snapshot, options, gatherer, readings or Readings(None))
    return gatherer.collection


def _read_folders(folders: list[tuple[str, list[Listed]]], options: ReadOptions, gatherer: Gatherer, readings: Readings) -> None:
    """The files of all folders through one pool; each file is read once, whatever paths lead to it."""
    met: set[Path] = set()
    jobs = [_job(listed, met) for _, listing in folders for listed in listing]
    with progress("Reading files", len(jobs)) as advance, closing(read_changed(jobs, options, readings, cores())) as answers:  # type: ignore[type-var]
        for entry, listing in folders:
            before = len(gatherer.collection.entries)
            for _ in listing:
                job, reading, fresh = next(answers)
                gatherer.file(str(job.path), entry, job.bytes, reading)
                _count(gatherer.collection, job, fresh)
                advance(1, printable(job.path.name))
            _check_usable(entry, gatherer.collection.entries[before:])


def _job(listed: Listed, met: set[Path]) -> Job:
    if listed.refusal:
        return Job(listed.path, answer=FileReading(listed.status, listed.refusal))
    resolved = listed.path.resolve()
    if resolved in met:
        return replace(job_of(listed.path), answer=FileReading("duplicate", "this very file was read already"))
    met.add(resolved)
    return job_of(listed.path)


def _check_usable(entry: str, answers: list[Entry]) -> None:
    """Raises UserError when no file of a folder gave a text."""
    if not any(answer.status in ("text", "duplicate") for answer in answers):
        seen = "; ".join(f"{printable(Path(a.name).name)}: {a.status}, {a.reason}" for a in answers[:3]) or "it is empty"
        cure = "Put files there that can be read (config/training_config.yaml lists the types), or take it out of collect.folders"
        raise UserError(f"no usable file in this folder of collect.folders ({seen})", where=entry, cure=cure)


def _count(collection: Collection, job: Job, fresh: bool) -> None:
    collection.read += fresh
    collection.unchanged += not fresh and job.answer is None


def _read_snapshot(snapshot: Snapshot, options: ReadOptions, gatherer: Gatherer, readings: Readings) -> None:
    """The files of one data set, until it has given `max_rows` rows; the later ones are not read."""
    wanted = snapshot.wanted
    left = wanted.max_rows
    jobs = [job_of(snapshot.folder / file) for file in snapshot.files]
    options = replace(options, max_bytes=int(wanted.max_mb * 1e6))
    with progress(wanted.name, len(jobs)) as advance, closing(read_changed(jobs, options, readings, cores())) as answers:  # type: ignore[type-var]
        for number, file in enumerate(snapshot.files):
            if left <= 0:
                reading, job = FileReading("left out", f"max_rows ({wanted.max_rows}) was reached before this file"), jobs[number]
            else:
                job, reading, fresh = next(answers)
                _count(gatherer.collection, job, fresh)
                reading, rows = _located(reading, snapshot, file, left)
                left -= rows
            gatherer.file(snapshot.url(file), wanted.url, job.bytes, reading)
            advance(1, file)


def _located(reading: FileReading, snapshot: Snapshot, file: str, most: int) -> tuple[FileReading, int]:
    """A reading with where it came from instead of its place in the cache, cut to `most` rows; and how many those are."""
    if reading.found is None:
        return reading, 0
    wanted = snapshot.wanted
    found = replace(reading.found, source=snapshot.url(file), group=f"{wanted.url}/{file}", licence=snapshot.licence, title=file)
    if found.format != "rows":
        return replace(reading, found=found), 0
    found, taken, cut = first_rows(found, most)
    reason = f"{reading.reason}, of which the first {taken} are taken (max_rows {wanted.max_rows})" if cut else reading.reason
    return replace(reading, found=found, reason=reason), taken


def even_groups(collection: Collection, largest: float) -> list[Document]:
    """Split each group with more than the share `largest` of all documents into the parts that its reader knew."""
    documents = collection.documents
    counts = Counter(document.group for document in documents)
    big = {group for group, count in counts.items() if count > largest * len(documents)}
    return [_split(d, collection.units[d.id]) if d.group in big else d for d in documents]


def _split(document: Document, unit: str) -> Document:
    return replace(document, group=f"{document.group}/{unit}") if unit else document
