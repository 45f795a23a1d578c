"""The check of the finished files: nothing that validation or test ask was seen in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradus.config.schema import Likeness
from gradus.conversations import Conversation, read_conversations
from gradus.errors import GradusError
from gradus.overlap import Leak, find_leaks

SHOWN = 3  # leaks that the error names


@dataclass(frozen=True)
class LeakageCheck:
    """What was compared, for `statistics.json`; the step stops when anything is found, so `found` is 0 in a finished file."""

    held_out: int
    trained: int
    threshold: float
    found: int


def check_leakage(folder: Path, likeness: Likeness) -> LeakageCheck:
    """Compare validation with training, and test with both, by prompt and by near-duplicate text.

    Raises:
        GradusError: when a held-out conversation repeats one that was seen, with their files, lines and ids.
    """
    train, valid, test = (_read(folder / f"{name}.jsonl") for name in ("train", "valid", "test"))
    leaks = _told(valid, "valid", [("train", row) for row in train], likeness)
    leaks += _told(test, "test", [*(("train", row) for row in train), *(("valid", row) for row in valid)], likeness)
    if leaks:
        more = f" and {len(leaks) - SHOWN} more" if len(leaks) > SHOWN else ""
        what = f"{len(leaks)} held-out examples repeat what was seen in training: {'; '.join(leaks[:SHOWN])}{more}"
        cure = "Raise curate.near_duplicates.minimum_recall, by which the split looks for near-duplicates"
        raise GradusError(what, where="05_prepare", cure=cure)
    return LeakageCheck(len(valid) + len(test), len(train), likeness.threshold, 0)


def _read(path: Path) -> list[Conversation]:
    """All rows. Raises GradusError for one that is no conversation."""
    rows = []
    for row in read_conversations(path):
        if not isinstance(row, Conversation):
            raise GradusError(row[1], where=f"{path.name}:{row[0]}", cure="This is a defect of the step, please report it")
        rows.append(row)
    return rows


def _told(held_out: Sequence[Conversation], name: str, seen: Sequence[tuple[str, Conversation]], likeness: Likeness) -> list[str]:
    def line(leak: Leak) -> str:
        (file, other), one = seen[leak.trained], held_out[leak.held_out]
        kind = leak.kind if leak.similarity is None else f"{leak.kind} {leak.similarity:.2f}"
        return f"{name}.jsonl:{one.line} ({one.id}) and {file}.jsonl:{other.line} ({other.id}), {kind}"

    return [line(leak) for leak in find_leaks([row.pair for row in held_out], [row.pair for _, row in seen], likeness)]
