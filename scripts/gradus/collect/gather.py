"""Read every configured source and keep each text once."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path

from gradus.collect.folders import list_folder
from gradus.collect.manifest import Collection, Duplicate, Entry
from gradus.collect.packages import read_package
from gradus.collect.readers import FileReading, read_file
from gradus.collect.text import Found, document_of
from gradus.config.schema import Collect
from gradus.errors import UserError
from gradus.log import progress
from gradus.records import Document

_WARNINGS = 5  # lines on the screen; the manifest has them all
log = logging.getLogger(__name__)


class Gatherer:
    """Collects documents; the first text with a hash is kept, later ones are named as its duplicates."""

    def __init__(self, config: Collect, now: str) -> None:
        self.collection = Collection()
        self._config = config
        self._now = now
        self._names: dict[str, str] = {}
        self._paths: set[Path] = set()
        self._bad_files = 0

    def package(self, package: str) -> None:
        """All documents of one entry of `collect.python_docs`."""
        reading = read_package(package, self._config.import_timeout_seconds)
        self.collection.entries += reading.entries
        for found in reading.found:
            self._keep(found, package, self._config.min_docstring_characters)

    def folder(self, entry: str) -> None:
        """All files of one entry of `collect.folders`. Raises UserError when none of them is usable."""
        before = len(self.collection.entries)
        for listed in list_folder(entry):
            answer = Entry(str(listed.path), entry, "unsupported", listed.refusal) if listed.refusal else self._file(listed.path, entry)
            self.collection.entries.append(answer)
        answers = self.collection.entries[before:]
        if not any(answer.status in ("text", "duplicate") for answer in answers):
            seen = "; ".join(f"{Path(a.name).name}: {a.status}, {a.reason}" for a in answers[:3]) or "it is empty"
            cure = "Put .md, .txt, .jsonl or .csv files there, or take it out of collect.folders"
            raise UserError(f"no usable file in this folder of collect.folders ({seen})", where=entry, cure=cure)

    def _file(self, path: Path, source: str) -> Entry:
        name, resolved = str(path), path.resolve()
        if resolved in self._paths:
            return Entry(name, source, "duplicate", "this very file was read already")
        self._paths.add(resolved)
        reading = read_file(path, int(self._config.max_file_mb * 1e6))
        self._warn(name, reading)
        reason = "; ".join(filter(None, (reading.reason, *reading.faults)))
        if reading.found is None:
            return Entry(name, source, reading.status, reason)
        same_as = self._keep(reading.found, source, self._config.min_characters)
        if same_as is None:
            return Entry(name, source, "empty", f"shorter than collect.min_characters ({self._config.min_characters})")
        return Entry(name, source, "duplicate", f"same content as {same_as}") if same_as else Entry(name, source, "text", reason)

    def _keep(self, found: Found, source: str, minimum: int) -> str | None:
        """Keep a text; returns '' then, the name of its twin when it is a duplicate, None when it is too short."""
        document = document_of(found, self._now)
        if len(document.text) < minimum:
            self.collection.too_short[source] += 1
            return None
        if twin := self._names.get(document.sha256):
            self.collection.duplicates.append(Duplicate(found.source, twin))
            return twin
        self._names[document.sha256] = found.source
        self.collection.documents.append(document)
        self.collection.sources[document.id] = source
        self.collection.units[document.id] = found.unit
        return ""

    def _warn(self, name: str, reading: FileReading) -> None:
        bad = reading.faults or reading.status in ("broken", "not UTF-8")
        self._bad_files += bool(bad)
        if bad and self._bad_files <= _WARNINGS:
            first = reading.faults[0] if reading.faults else reading.reason
            more = f" and {len(reading.faults) - 1} more" if len(reading.faults) > 1 else ""
            log.warning("%s: %s%s; the rest is read, manifest.json has all of it", name, first, more)
        elif bad and self._bad_files == _WARNINGS + 1:
            log.warning("more files with faults: see manifest.json")


def gather(config: Collect, now: str) -> Collection:
    """Read all sources in their order.

    Args:
        now: the time to write into new documents, ISO 8601.

    Raises:
        UserError: for a package or folder that is not there, and for a folder without a usable file.
    """
    gatherer = Gatherer(config, now)
    with progress("Collecting", len(config.python_docs) + len(config.folders)) as advance:
        for package in config.python_docs:
            gatherer.package(package)
            advance(1, package)
        for folder in config.folders:
            gatherer.folder(folder)
            advance(1, folder)
    return gatherer.collection


def even_groups(collection: Collection, largest: float) -> list[Document]:
    """Split each group with more than the share `largest` of all documents into the parts that its reader knew."""
    documents = collection.documents
    counts = Counter(document.group for document in documents)
    big = {group for group, count in counts.items() if count > largest * len(documents)}
    return [_split(d, collection.units[d.id]) if d.group in big else d for d in documents]


def _split(document: Document, unit: str) -> Document:
    return replace(document, group=f"{document.group}/{unit}") if unit else document
