"""Which files the folders of `collect.folders` hold. Nothing is read in here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gradus.collect.manifest import Status
from gradus.errors import UserError


@dataclass(frozen=True)
class Listed:
    """One directory entry: a file to read, or why it is not one."""

    path: Path
    refusal: str = ""
    status: Status = "unsupported"
    """The class of a refused entry."""


def list_folder(entry: str) -> list[Listed]:
    """Every file under a folder (or the one file named), sorted; hidden ones and links that lead out are refused.

    Raises:
        UserError: when there is nothing at that path, or it may not be read. A folder below it that may not be is listed.
    """
    root = Path(entry).expanduser()
    if not root.exists():
        cure = f"The path is relative to where you started the script ({Path.cwd()}); correct collect.folders"
        raise UserError(f"no such folder or file (key collect.folders: '{entry}')", where=str(root), cure=cure)
    if not root.is_dir():
        return [Listed(root)]
    try:
        entries = _entries(root)
    except OSError as error:
        cure = "Change its permissions, or collect.folders"
        raise UserError(f"may not be read ({error.strerror})", where=str(root), cure=cure) from error
    return list(_below(entries, root.resolve()))


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return iter(sorted(entries, key=lambda entry: entry.name))


def _below(entries: Iterator[os.DirEntry[str]], root: Path) -> Iterator[Listed]:
    """The entries and what is in their folders, depth first; a folder that cannot be opened is an entry like a bad file."""
    left = [entries]  # no recursion: folders may be nested deeper than Python's calls
    while left:
        entry = next(left[-1], None)
        if entry is None:
            left.pop()
        elif entry.name.startswith(".") or not entry.is_dir(follow_symlinks=False):
            yield _listed(entry, root)
        else:
            try:
                left.append(_entries(Path(entry.path)))
            except OSError as error:
                yield Listed(Path(entry.path), f"a folder that may not be read ({error.strerror}); change its permissions", "broken")


def _listed(entry: os.DirEntry[str], root: Path) -> Listed:
    path = Path(entry.path)
    if entry.name.startswith("."):
        return Listed(path, "hidden: its name begins with a dot")
    if entry.is_symlink():
        if not Path(os.path.realpath(path)).is_relative_to(root):
            return Listed(path, "a link that leads out of the folder; copy the file here, or name its folder in collect.folders", "refused")
        if path.is_dir():
            return Listed(path, "a link to a folder that is read anyway")
    return Listed(path, "" if path.is_file() else "not a plain file")
