"""The registry of adapters: `registry.json` and one folder a version, safe against kills and concurrent processes.

Every change happens under a lock of the operating system, and becomes visible by one rename of `registry.json`. The
files of a version are copied before it is entered, and their SHA-256 is checked whenever the version is used. All
paths in it are relative, so that a project that was moved finds its models again.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gradus.errors import GradusError, UserError
from gradus.files import read_json, sha256_file, write_json
from gradus.registry_entries import Action, Book, Candidate, Event, Identity, Version, read_book

log = logging.getLogger(__name__)
SOURCES = "sources.json"
PLACE = "models/registry"
"""Where it lies in the workspace."""
Gate = Callable[[Version, Version | None], list[str]]
"""Why a version may not follow the current one (None when there is none); empty when it may."""


class Registry:
    """The versions of one workspace, in its folder `models/registry`."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.folder = workspace / PLACE
        self.path = self.folder / "registry.json"

    def book(self) -> Book:
        """What is registered now. Raises GradusError when the file is damaged."""
        return read_book(self.path)

    def folder_of(self, version: Version) -> Path:
        """The folder with the files of a version: an adapter folder for mlx-lm."""
        return self.folder / "versions" / version.id

    def base_folder_of(self, version: Version) -> Path:
        """The folder with the base model that a version was trained on."""
        return self.workspace / version.base.path

    def evaluation_of(self, version: Version) -> Path | None:
        """The folder with `evaluation.json` and `answers.jsonl` behind the version's grade; None when none was kept."""
        place = _evaluation_place(version.graded.evaluation_sha256)
        return self.folder_of(version) / place if f"{place}/evaluation.json" in version.files else None

    def damage_of_evaluation(self, version: Version) -> str:
        """What is wrong with the files behind the version's grade, '' when they are as they were registered."""
        place = _evaluation_place(version.graded.evaluation_sha256)
        kept = replace(version, files={name: checksum for name, checksum in version.files.items() if name.startswith(f"{place}/")})
        found = damage(self.folder_of(version), kept)
        return f"{found[0].name} {found[1]}" if found else ""

    def sources_of(self, version_id: str) -> dict[str, list[str]]:
        """What a version was trained on: names of groups, documents and examples, by `group`, `document_id`, `origin_id`.

        Raises:
            UserError: when there is no such version, or it was registered without them.
        """
        return dict(read_json(self.folder_of(self.get(version_id)) / SOURCES))

    def rival_of(self, identity: Identity | None) -> Version | None:
        """Which version an adapter has to stand up to: the last one to be current that has other weights or another base.

        So the answer stays the same when the adapter itself has become current.

        Args:
            identity: that of the adapter; None before there is one.
        """
        book = self.book()
        line = [version for version in map(book.find, book.line_of_succession()) if version and version.identity != identity]
        return line[-1] if line else None

    def register_model(self, candidate: Candidate) -> Version:
        """Enter an adapter as a candidate; one with the same weights and the same base is entered once.

        For one that is known already a new evaluation is added and damaged files are put back.
        """
        identity = candidate.identity
        with self._locked():
            book = self.book()
            known = book.known(identity)
            if known is None:
                return self._enter(book, candidate)
            if damage(self.folder_of(known), known):
                log.warning("The files of %s were damaged and are put back from the run %s.", known.id, candidate.run)
                known = replace(known, files=self._copy(candidate, known.id))
                book = _with_version(book, known)
                self._write(book)
            return self._regrade(book, known, candidate)

    def get_latest(self) -> Version:
        """The current version, its files verified.

        Raises:
            UserError: when no version is current yet. GradusError: when its files are damaged.
        """
        current = self.current()
        self.verify(current)
        return current

    def current(self) -> Version:
        """The current version, whatever state its files are in. Raises UserError when no version is current yet."""
        book = self.book()
        if book.current is None:
            names = ", ".join(version.id for version in book.versions)
            promote = f"Promote one of {names}: python scripts/09_promote.py promote VERSION"
            cure = promote if names else "None is registered either: python scripts/run_all.py trains one and asks the gate"
            raise UserError("no model is current yet", where=str(self.path), cure=cure)
        return book.current

    def get(self, version_id: str) -> Version:
        """A version by its name. Raises UserError when there is none of that name."""
        return _known(self.book(), version_id, self.path)

    def promote(self, version_id: str, *, reason: str, forced: bool = False) -> Version:
        """Make a version the current one; the one before is archived. The current one stays as it is.

        Raises:
            UserError: when there is no such version. GradusError: when its files are damaged.
        """
        with self._locked():
            book = self.book()
            version = _known(book, version_id, self.path)
            if version.state == "current":
                return version
            self.verify(version)
            return self._switch(book, version, "promoted", reason, forced)

    def rollback_model(self, *, reason: str) -> Version:
        """Make the version current that was so before the present one, which is archived; returns the new current one.

        Raises:
            UserError: when there is none to go back to. GradusError: when its files are damaged.
        """
        self.previous()  # where there is none, no lock file is made either
        with self._locked():
            version = self.previous()
            self.verify(version)
            return self._switch(self.book(), version, "rolled back", reason, forced=False)

    def previous(self) -> Version:
        """The version that a rollback would make current. Raises UserError when there is none."""
        book = self.book()
        line = book.line_of_succession()
        if len(line) < 2:
            raise UserError("there is no earlier model to go back to", where=str(self.path), cure="See python scripts/09_promote.py list")
        return _known(book, line[-2], self.path)

    def decide(self, version_id: str, gate: Gate, *, reason: str) -> tuple[Version, list[str]]:
        """Ask the gate, and make the version current when it has no objection; the history tells either way.

        The gate is asked under the lock, so that no other process can change the current model in between.

        Returns:
            The version as it is then, and the objections.

        Raises:
            UserError: when there is no such version. GradusError: when its files are damaged.
        """
        with self._locked():
            book = self.book()
            version = _known(book, version_id, self.path)
            if version.state == "current":
                return version, []
            self.verify(version)
            objections = gate(version, book.current)
            if objections:
                self._write(_with_event(book, "refused", version.id, "; ".join(objections)))
                return version, objections
            return self._switch(book, version, "promoted", reason, forced=False), []

    def verify(self, version: Version) -> None:
        """Compare every file of a version with its SHA-256. Raises GradusError naming the first that differs."""
        if found := damage(self.folder_of(version), version):
            instead = "go back with rollback" if version.state == "current" else "promote another version"
            cure = f"Put it back with python scripts/09_promote.py --run {version.run} --force, or {instead}"
            raise GradusError(f"the file of {version.id} {found[1]}", where=str(found[0]), cure=cure)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def _write(self, book: Book) -> None:
        write_json(self.path, book.to_json())

    def _enter(self, book: Book, candidate: Candidate) -> Version:
        version_id = f"v{1 + max((int(version.id[1:]) for version in book.versions), default=0)}"
        files = self._copy(candidate, version_id)
        c = candidate
        version = Version(version_id, c.run, "candidate", _now(), c.method, c.base, c.data, c.graded, files)
        book = replace(book, versions=(*book.versions, version))
        self._write(_with_event(book, "registered", version_id, f"run {candidate.run}"))
        return version

    def _copy(self, candidate: Candidate, version_id: str) -> dict[str, str]:
        """All files of a candidate as the folder of a version; their checksums."""
        files = {path.name: path for path in candidate.files} | _evaluation_files(candidate)
        return self._place(self.folder / "versions" / version_id, files)

    def _place(self, folder: Path, files: Mapping[str, Path]) -> dict[str, str]:
        """Copy files beside the versions and rename the whole folder into its place; path in it to checksum."""
        staged, old = (self.folder / "versions" / name for name in (".new", ".old"))
        for rest in (staged, old):  # what a kill left behind
            shutil.rmtree(rest, ignore_errors=True)
        for name, source in files.items():
            (staged / name).parent.mkdir(parents=True, exist_ok=True)
            _copy_through(source, staged / name)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():  # a damaged copy: it stays until the new one is whole
            folder.rename(old)
        staged.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
        return {name: sha256_file(folder / name) for name in files}

    def _regrade(self, book: Book, version: Version, candidate: Candidate) -> Version:
        if version.graded == candidate.graded:
            return version
        place = _evaluation_place(candidate.graded.evaluation_sha256)
        if f"{place}/evaluation.json" not in version.files:
            kept = self._place(self.folder_of(version) / place, {path.name: path for path in candidate.evaluation})
            version = replace(version, files=version.files | {f"{place}/{name}": checksum for name, checksum in kept.items()})
        version = replace(version, graded=candidate.graded)
        self._write(_with_event(_with_version(book, version), "graded", version.id, f"evaluated again by run {candidate.run}"))
        return version

    def _switch(self, book: Book, version: Version, action: Action, reason: str, forced: bool) -> Version:
        previous = book.current
        version = replace(version, state="current")
        after = _with_version(book, version)
        if previous:
            after = _with_version(after, replace(previous, state="archived"))
        self._write(_with_event(after, action, version.id, reason, previous.id if previous else None, forced))
        return version


def damage(folder: Path, version: Version) -> tuple[Path, str] | None:
    """The first file of a version that is missing or not what was registered, and what is wrong with it."""
    for name, checksum in version.files.items():
        path = folder / name
        if not path.is_file():
            return path, "is missing"
        if sha256_file(path) != checksum:
            return path, "is not the registered one (another SHA-256)"
    return None


def _evaluation_place(sha256: str) -> str:
    """Where an evaluation is kept below its version: each under its hash, so that a new one overwrites none."""
    return f"evaluations/{sha256[:12]}"


def _evaluation_files(candidate: Candidate) -> dict[str, Path]:
    place = _evaluation_place(candidate.graded.evaluation_sha256)
    return {f"{place}/{path.name}": path for path in candidate.evaluation}


def _copy_through(source: Path, target: Path) -> None:
    """Copy a file onto the disk, past the system's cache: a power cut after it must not leave an empty one."""
    with source.open("rb") as read, target.open("wb") as write:
        shutil.copyfileobj(read, write, 1 << 20)
        write.flush()
        os.fsync(write.fileno())


def _known(book: Book, version_id: str, path: Path) -> Version:
    version = book.find(version_id)
    if version is None:
        names = ", ".join(version.id for version in book.versions) or "none yet"
        raise UserError(f"no version '{version_id}'", where=str(path), cure=f"Registered: {names}")
    return version


def _with_version(book: Book, version: Version) -> Book:
    return replace(book, versions=tuple(version if old.id == version.id else old for old in book.versions))


def _with_event(book: Book, action: Action, version_id: str, reason: str, previous: str | None = None, forced: bool = False) -> Book:
    return replace(book, history=(*book.history, Event(_now(), action, version_id, previous, forced, reason)))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
