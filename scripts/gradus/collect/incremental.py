"""Read only what changed: the readings of earlier runs are kept, also those of a run that was killed or refused.

They are kept in one SQLite file beside the step's work folder. A reading is taken again when path, size and time of
change of its file, the version of the reader and the options that change its result are the same. It is a copy of
what reading again would give, so it can be deleted at any time.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from gradus.collect.child import read_files
from gradus.collect.manifest import Status
from gradus.collect.readers import READER, FileReading, ReadOptions
from gradus.collect.readers.versions import PACKAGES, named
from gradus.collect.text import Found
from gradus.files import sha256_json

_LASTING: frozenset[Status] = frozenset({"text", "empty", "unsupported", "too large", "refused", "not UTF-8", "scanned"})
"""Verdicts that depend on the file alone. A broken file may have been unreadable for a moment, a slow one unlucky."""
_LIMITS = ("timeout", "memory", "password_file")
"""Options that decide whether a file is read, not what comes out of it."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """A file to read; with an `answer` it is not read, because that is known already."""

    path: Path
    bytes: int = 0
    changed: int = 0
    """Time of change, in nanoseconds."""
    answer: FileReading | None = None


def job_of(path: Path) -> Job:
    """Look at a file before it is read: a change after that is seen by the next run."""
    try:
        state = path.stat()
    except OSError as error:
        return Job(path, answer=FileReading("broken", f"{error.strerror or error}; it was there a moment ago, run again"))
    return Job(path, state.st_size, state.st_mtime_ns)


class Readings:
    """The readings of earlier runs, in one SQLite file; without a path there are none and none are kept.

    Use it as a context manager. Whatever is wrong with the file, collecting goes on without it and says so once.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._database: sqlite3.Connection | None = None
        self._used: set[str] = set()

    def __enter__(self) -> Readings:
        if self._path is not None:
            try:
                self._open(self._path)
            except (sqlite3.Error, OSError) as error:  # the latter when something that is no file stands there
                self._give_up(error)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._database is not None:
            self._forget_unused()
        if self._database is not None:  # it is None when forgetting had to give up
            self._database.close()

    def _open(self, path: Path) -> None:
        try:
            self._connect(path)
        except sqlite3.DatabaseError:
            if self._database is not None:
                self._database.close()
            path.unlink(missing_ok=True)  # damaged: everything is read again
            self._connect(path)

    def _connect(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        # A kill of the process loses nothing; after a power cut a damaged row is found by zlib's checksum.
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE IF NOT EXISTS readings (key TEXT PRIMARY KEY, reading BLOB NOT NULL) WITHOUT ROWID")

    def has(self, key: str) -> bool:
        """Whether there is a reading under a key."""
        try:
            return self._database is not None and bool(self._database.execute("SELECT 1 FROM readings WHERE key = ?", (key,)).fetchone())
        except sqlite3.Error as error:
            self._give_up(error)
            return False

    def get(self, key: str) -> FileReading | None:
        """The reading under a key, None when there is none."""
        if self._database is None:
            return None
        try:
            row = self._database.execute("SELECT reading FROM readings WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            self._give_up(error)
            return None
        try:
            reading = _from_row(json.loads(zlib.decompress(row[0]))) if row else None
        except (zlib.error, ValueError, TypeError, KeyError):
            return None  # one damaged row: that file is read again
        self._used |= {key} if reading else set()
        return reading

    def put(self, key: str, reading: FileReading) -> None:
        """Keep a reading for the next run, when its verdict lasts."""
        if self._database is None or reading.status not in _LASTING:
            return
        self._used.add(key)
        try:
            self._database.execute("REPLACE INTO readings VALUES (?, ?)", (key, zlib.compress(json.dumps(asdict(reading)).encode(), 1)))
        except sqlite3.Error as error:
            self._give_up(error)

    def _forget_unused(self) -> None:
        """Drop what this run had no use for: files that changed or are gone."""
        assert self._database is not None
        try:
            stale = [(key,) for (key,) in self._database.execute("SELECT key FROM readings") if key not in self._used]
            self._database.execute("BEGIN")
            self._database.executemany("DELETE FROM readings WHERE key = ?", stale)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        log.warning("%s: kept readings cannot be used (%s), every file is read; delete it if this comes again", self._path, error)
        if self._database is not None:
            self._database.close()
        self._database = None


def _from_row(row: dict[str, object]) -> FileReading:
    found = row.pop("found")
    faults = row.pop("faults")
    return FileReading(**row, found=Found(**found) if found else None, faults=tuple(faults))  # type: ignore[arg-type]


def read_changed(jobs: Sequence[Job], options: ReadOptions, readings: Readings, workers: int) -> Iterator[tuple[Job, FileReading, bool]]:
    """The reading of every job in their order, and whether its file was read now."""
    rules = {name: value for name, value in asdict(options).items() if name not in _LIMITS}
    rules_hash = sha256_json([rules, READER, named(*PACKAGES)])
    keys = [sha256_json([str(job.path.absolute()), str(job.path), job.bytes, job.changed, rules_hash]) for job in jobs]
    kept = [job.answer is not None or readings.has(key) for job, key in zip(jobs, keys, strict=True)]
    changed = [job.path for job, known in zip(jobs, kept, strict=True) if not known]
    with closing(read_files(changed, options, workers)) as fresh:  # type: ignore[type-var]
        for job, key, known in zip(jobs, keys, kept, strict=True):
            reading = job.answer or (readings.get(key) if known else None)
            if reading is None:
                # A kept reading that turned out to be damaged is not among `changed`: that file is read by itself.
                reading = next(read_files([job.path], options, 1) if known else fresh)
                readings.put(key, reading)
            yield job, reading, not known
