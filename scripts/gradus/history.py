"""`reports/history.jsonl`: one line for each time that the models were to be improved, whatever came of it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Decision = Literal["promoted", "refused", "nothing new", "failed", "interrupted"]


@dataclass(frozen=True)
class HistoryLine:
    """What came of one `run_all.py --continue`. None says that the number was not computed, it never stands for 0."""

    time: str
    """When it started, UTC."""
    run: str
    decision: Decision
    reason: str
    seconds: float
    documents: int | None = None
    documents_new: int | None = None
    """Collected after the training of the newest version; all of them when there is none."""
    examples: int | None = None
    """For training."""
    valid_loss: float | None = None
    """The best one."""
    letter: str | None = None
    percent: float | None = None
    version: str | None = None
    """The version that this run's adapter became."""
    current_before: str | None = None
    current: str | None = None
    """The current version afterwards."""


def append_line(path: Path, line: HistoryLine) -> None:
    """Add a line in one write; what a power cut left of an earlier one is closed off first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(line), ensure_ascii=False, allow_nan=False) + "\n"
    with path.open("ab+") as stream:
        if stream.tell():
            stream.seek(-1, os.SEEK_END)
            text = text if stream.read(1) == b"\n" else "\n" + text
        stream.write(text.encode("utf-8", "backslashreplace"))
        stream.flush()
        os.fsync(stream.fileno())
