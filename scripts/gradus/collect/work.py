"""01_collect: every source is read, each text kept once, and the manifest says what became of the rest."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from gradus.collect.gather import even_groups, gather
from gradus.collect.hub import DATASET_URL
from gradus.collect.incremental import Readings
from gradus.collect.manifest import FAULTS, Collection, Entry, as_json, printable, table
from gradus.collect.packages import PACKAGE_READER
from gradus.collect.seen import read_seen, with_new
from gradus.config import Config
from gradus.config.schema import Collect
from gradus.errors import GradusError, UserError
from gradus.files import size_label, write_json, write_jsonl
from gradus.step import StepContext, Summary

log = logging.getLogger(__name__)
_NAMED = 3  # faults in the message of --strict; its file has them all


def collect(context: StepContext) -> Summary:
    """Write `documents.jsonl`, `manifest.json` and `seen.jsonl`; returns the counts and the table of classes.

    Raises:
        UserError: for a missing package, folder or data set, one without a usable file, and when nothing came out.
        GradusError: under `collect.strict` when a file that should be read could not be.
    """
    config = context.config.collect
    seen = read_seen(context.target / "seen.jsonl")
    # Beside the work folder, which is emptied: what was read before a kill need not be read again.
    with Readings(context.out.with_name(f"{context.out.name}.readings.sqlite")) as readings:
        collection = gather(config, datetime.now(UTC).isoformat(timespec="seconds"), seen=seen, readings=readings)
        _refuse_faults(collection, context)
    if not collection.documents and _scenarios_alone(context.config):
        log.info("No source is named: nothing is collected, and all examples come from extract.scenarios.file.")
    elif not collection.documents:
        cure = "Name packages in collect.python_docs or folders in collect.folders; texts under the minimal length do not count"
        raise UserError("nothing to collect: no source gave a document", where="collect", cure=cure)
    documents = even_groups(collection, config.largest_group)
    manifest = as_json(replace(collection, documents=documents))
    write_jsonl(context.out / "documents.jsonl", documents)
    write_json(context.out / "manifest.json", manifest)
    write_jsonl(context.out / "seen.jsonl", with_new(seen, documents))
    return _summary(manifest, collection, config)


def _scenarios_alone(config: Config) -> bool:
    """Whether 02_extract makes its examples without documents."""
    named = config.collect
    return bool(config.extract.scenarios.file) and not (named.python_docs or named.folders or named.hub_datasets)


def _refuse_faults(collection: Collection, context: StepContext) -> None:
    """Under `collect.strict`: write the list of faults beside the run's log and raise; remove the list when there are none."""
    faults = [entry for entry in collection.entries if _is_fault(entry)] if context.config.collect.strict else []
    path = context.workspace / "reports" / context.config.run.name / "collect_faults.json"
    if not faults:
        path.unlink(missing_ok=True)
        return
    write_json(path, [asdict(entry) for entry in faults])
    named = "; ".join(printable(f"{entry.name}: {entry.status}, {entry.reason}") for entry in faults[:_NAMED])
    more = f"; and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
    cure = f"All are in {path}. Mend or move them, or run without collect.strict; the last output is as it was"
    count = f"{len(faults)} file" + "s" * (len(faults) > 1)
    raise GradusError(f"{count} could not be read in full ({named}{more})", where="collect.strict", cure=cure)


def _is_fault(entry: Entry) -> bool:
    """Files only: which modules of a package can be imported depends on what else is installed."""
    return entry.kind == "file" and (entry.status in FAULTS or bool(entry.faults))


def _summary(manifest: dict[str, Any], collection: Collection, config: Collect) -> Summary:
    documents = collection.documents
    from_packages = sum(document.reader.startswith(PACKAGE_READER) for document in documents)
    from_hub = sum(document.source.startswith(DATASET_URL) for document in documents)
    return {
        "documents": len(documents),
        "from packages": from_packages,
        "from folders": len(documents) - from_packages - from_hub,
        **({"from the hub": from_hub} if config.hub_datasets else {}),
        **({"files": f"read {collection.read:,}, unchanged {collection.unchanged:,}"} if config.folders or config.hub_datasets else {}),
        "same content, kept once": manifest["duplicates"],
        "too short": manifest["too_short"],
        "groups": manifest["groups"],
        "size": size_label(manifest["bytes"]),
        **table(collection.entries),
    }
