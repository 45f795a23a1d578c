"""01_collect: every source is read, each text kept once, and the manifest says what became of the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gradus.collect.gather import even_groups, gather
from gradus.collect.manifest import as_json
from gradus.errors import GradusError, UserError
from gradus.files import read_documents, write_json, write_jsonl
from gradus.records import Document
from gradus.step import StepContext, Summary


def collect(context: StepContext) -> Summary:
    """Write `documents.jsonl` and `manifest.json`; returns the counts.

    Raises:
        UserError: for a missing package or folder, a folder without a usable file, and when nothing at all came out.
    """
    config = context.config.collect
    collection = gather(config, datetime.now(UTC).isoformat(timespec="seconds"))
    if not collection.documents:
        cure = "Name packages in collect.python_docs or folders in collect.folders; texts under the minimal length do not count"
        raise UserError("nothing to collect: no source gave a document", where="collect", cure=cure)
    documents = _with_earlier_times(even_groups(collection, config.largest_group), context.target / "documents.jsonl")
    manifest = as_json(replace(collection, documents=documents))
    write_jsonl(context.out / "documents.jsonl", documents)
    write_json(context.out / "manifest.json", manifest)
    return _summary(manifest, sum(collection.sources[d.id] in config.python_docs for d in documents))


def _with_earlier_times(documents: list[Document], previous: Path) -> list[Document]:
    """The same text keeps the time of its first collection, so that an unchanged source gives the same bytes."""
    try:
        times = {d.id: d.collected_at for d in read_documents(previous)}
    except GradusError:
        times = {}  # there is no previous output, or none that can be read: every time is new
    return [replace(d, collected_at=times.get(d.id, d.collected_at)) for d in documents]


def _summary(manifest: dict[str, Any], from_packages: int) -> Summary:
    unread = sum(n for status, n in manifest["by_status"].items() if status not in ("text", "duplicate"))
    return {
        "documents": manifest["documents"],
        "from packages": from_packages,
        "from folders": manifest["documents"] - from_packages,
        "same content, kept once": manifest["duplicates"],
        "too short": manifest["too_short"],
        "files and modules not read": unread,
        "groups": manifest["groups"],
        "megabytes": round(manifest["bytes"] / 1e6, 2),
    }
