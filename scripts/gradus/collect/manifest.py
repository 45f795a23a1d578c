"""What became of every module and file: the other half of what 01_collect writes."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from gradus.records import Document

Status = Literal["text", "empty", "too large", "unsupported", "not UTF-8", "broken", "duplicate"]


@dataclass(frozen=True)
class Entry:
    """One module or file, its fate and the reason."""

    name: str
    source: str
    """The entry of `collect.python_docs` or `collect.folders` that it belongs to."""
    status: Status
    reason: str = ""


@dataclass(frozen=True)
class Duplicate:
    """A text that was there already, under another name."""

    name: str
    same_as: str


@dataclass
class Collection:
    """Everything 01_collect found out, in the order of the configuration."""

    documents: list[Document] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    too_short: Counter[str] = field(default_factory=Counter)
    """Texts under the minimal length, by source."""
    sources: dict[str, str] = field(default_factory=dict)
    """Document id to the entry of the configuration that it came from."""
    units: dict[str, str] = field(default_factory=dict)
    """Document id to its part inside its group, '' when there is none."""


def as_json(collection: Collection) -> dict[str, Any]:
    """The manifest: counts first, then every module and file, then every duplicate."""
    documents = collection.documents
    by_source: dict[str, dict[str, int]] = {}
    for document in documents:
        row = by_source.setdefault(collection.sources[document.id], {"documents": 0, "bytes": 0})
        row["documents"] += 1
        row["bytes"] += document.bytes
    for source, count in collection.too_short.items():
        by_source.setdefault(source, {"documents": 0, "bytes": 0})["too_short"] = count
    return {
        "documents": len(documents),
        "bytes": sum(document.bytes for document in documents),
        "duplicates": len(collection.duplicates),
        "too_short": sum(collection.too_short.values()),
        "groups": len({document.group for document in documents}),
        "by_format": dict(sorted(Counter(document.format for document in documents).items())),
        "by_status": dict(sorted(Counter(entry.status for entry in collection.entries).items())),
        "by_source": by_source,
        "readers": sorted({document.reader for document in documents}),
        "entries": [asdict(entry) for entry in collection.entries],
        "same_content": [asdict(duplicate) for duplicate in collection.duplicates],
    }
