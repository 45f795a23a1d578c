"""When and under which name each text was collected first, remembered from run to run in `seen.jsonl`."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gradus.errors import GradusError
from gradus.files import iter_jsonl
from gradus.records import Document

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class First:
    """The first time that a text was collected; `id` is that of its document."""

    id: str
    collected_at: str
    source: str


Seen = dict[str, First]


def read_seen(path: Path) -> Seen:
    """What earlier runs collected, by document id. A damaged file counts as none, and is named."""
    if not path.exists():
        return {}
    try:
        return {first.id: first for first in iter_jsonl(path, lambda row: First(**row))}
    except GradusError as error:
        log.warning("%s: the times of earlier collections are lost (%s)", path, error.what)
        return {}


def with_new(seen: Seen, documents: Iterable[Document]) -> list[First]:
    """All texts that were ever collected, the ones of this run that are new last. Texts whose file is gone stay."""
    new = {d.id: First(d.id, d.collected_at, d.source) for d in documents if d.id not in seen}
    return [*seen.values(), *new.values()]
