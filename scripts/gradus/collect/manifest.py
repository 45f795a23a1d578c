"""What became of every module and file: the other half of what 01_collect writes."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from gradus.files import size_label
from gradus.records import Document

Status = Literal[
    "text", "duplicate", "empty", "left out", "unsupported",
    "too large", "refused", "not UTF-8", "scanned", "encrypted", "broken", "timed out", "out of memory",
]  # fmt: skip
FAULTS: frozenset[Status] = frozenset({"too large", "refused", "not UTF-8", "scanned", "encrypted", "broken", "timed out", "out of memory"})
"""Files that a reader was there for and that gave nothing all the same: what `collect.strict` refuses."""

_LONGEST_FIRST = 90  # characters of the example in a line of the table
_FAULTS_IN_REASON = 3


@dataclass(frozen=True)
class Entry:
    """One module or file, its fate and the reason."""

    name: str
    """Dotted name, path, or `hf://datasets/<name>@<commit>/<file>`."""
    source: str
    """The entry of `collect.python_docs`, `collect.folders` or `collect.hub_datasets` that it belongs to, the last as `hf://datasets/<name>`."""
    status: Status
    reason: str = ""
    bytes: int = 0
    """Size of a file; of a module, of its docstrings in UTF-8."""
    document: str = ""
    """Id of the document that holds its text, whether under its own name or as a duplicate."""
    faults: tuple[str, ...] = ()
    """Bad lines or parts of a file that was read all the same."""
    kind: Literal["file", "module"] = "file"


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
    unchanged: int = 0
    """Files whose reading is that of an earlier run."""
    read: int = 0


def as_json(collection: Collection) -> dict[str, Any]:
    """The manifest: counts first, then every module and file, then every duplicate. The same sources give the same."""
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


def table(entries: list[Entry]) -> dict[str, str]:
    """Lines for the screen: class to count, size, and its first file with the reason."""
    lines = {"class": f"{'count':>6}  {'size':>9}  the first of them; manifest.json names all"}
    for status in get_args(Status):
        members = [entry for entry in entries if entry.status == status]
        if members:
            size = size_label(sum(entry.bytes for entry in members))
            name = members[0].name.removeprefix(f"{members[0].source.rstrip('/')}/")
            first = printable(": ".join(filter(None, (name, members[0].reason))))
            lines[status] = f"{len(members):>6,}  {size:>9}  {_shortened(first)}"
    return lines


def _shortened(text: str) -> str:
    """Cut at the end, so that it fits into a line of the table."""
    return text if len(text) <= _LONGEST_FIRST else f"{text[: _LONGEST_FIRST - 1]}…"


def reason_of(reason: str, faults: tuple[str, ...]) -> str:
    """A reason in one line, with the first few faults."""
    more = [f"and {len(faults) - _FAULTS_IN_REASON} more"] if len(faults) > _FAULTS_IN_REASON else []
    return "; ".join(filter(None, (reason, *faults[:_FAULTS_IN_REASON], *more)))


def printable(text: str) -> str:
    """One line for the screen: control characters and undecodable bytes of a file name as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
