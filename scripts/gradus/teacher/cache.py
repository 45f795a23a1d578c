"""Replies by the hash of their request, on disk as JSON Lines that only grow, so that a killed run goes on for free.

Any number of processes may append at once: a line is written in one go under a file lock. A kill can tear the last
line; it is passed over, and the next line starts afresh.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from gradus.config.teacher import Teacher as TeacherSettings
from gradus.files import sha256_json
from gradus.teacher.requests import Reply, Request

log = logging.getLogger(__name__)


def cache_of(workspace: Path) -> Path:
    """The folder of a workspace in which the replies of all teachers are kept."""
    return workspace / "data" / ".cache" / "teacher"


def identity_of(settings: TeacherSettings) -> dict[str, Any]:
    """What tells one teacher from another: kind, model, address; of a model folder also the sizes and times of its files."""
    identity: dict[str, Any] = {"kind": settings.kind, "model": settings.model}
    if settings.kind == "openai":
        return identity | {"base_url": settings.base_url.rstrip("/")}
    folder = Path(settings.model).expanduser()
    files = sorted(folder.glob("*.json")) + sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    return identity | {"files": [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]}


class ReplyCache:
    """The replies of one teacher, in one file of the cache folder that is named by the model."""

    def __init__(self, settings: TeacherSettings, folder: Path) -> None:
        self._identity = identity_of(settings)
        model = re.sub(r"[^A-Za-z0-9]+", "-", Path(settings.model).name).strip("-")[:40]
        self.path = folder / f"{model}-{sha256_json(self._identity)[:12]}.jsonl"
        self._replies = _read(self.path)
        self._lock = threading.Lock()

    def key(self, request: Request) -> str:
        """The hash of the teacher and all of a request."""
        return sha256_json([self._identity, asdict(request)])

    def get(self, key: str) -> Reply | None:
        """The reply that is kept under `key`, marked as cached."""
        return self._replies.get(key)

    def put(self, key: str, reply: Reply) -> None:
        """Keep a reply; when this returns, a kill of the process cannot lose it."""
        row = asdict(reply)
        del row["cached"]
        line = json.dumps({"key": key, **row}).encode("ascii") + b"\n"
        with self._lock:
            self._replies[key] = replace(reply, cached=True)
            _append(self.path, line)


def _read(path: Path) -> dict[str, Reply]:
    """All whole lines; what a kill or another version left is counted and passed over."""
    replies: dict[str, Reply] = {}
    damaged = 0
    if path.exists():
        for line in path.read_bytes().splitlines():
            try:
                if line:
                    row = json.loads(line)
                    key = row.pop("key")
                    replies[key] = Reply(cached=True, **row)
            except (ValueError, TypeError, KeyError, AttributeError):
                damaged += 1
    if damaged:
        log.info("%s: %d damaged lines are passed over (a kill while one was written)", path, damaged)
    return replies


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            line = b"\n" + line
        while line:
            line = line[os.write(file, line) :]
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        os.close(file)
