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
        return list(_inside(root, root.resolve()))
    except PermissionError as error:
        cure = "Change its permissions, or collect.folders"
        raise UserError(f"may not be read ({error.strerror})", where=str(error.filename), cure=cure) from error


def _inside(folder: Path, root: Path) -> Iterator[Listed]:
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        path = folder / entry.name
        if entry.name.startswith("."):
            yield Listed(path, "hidden: its name begins with a dot")
        elif entry.is_symlink() and not path.resolve().is_relative_to(root):
            yield Listed(path, "a link that leads out of the folder; copy the file here, or name its folder in collect.folders", "refused")
        elif entry.is_symlink() and path.is_dir():
            yield Listed(path, "a link to a folder that is read anyway")
        elif entry.is_dir():
            yield from _below(path, root)
        else:
            yield Listed(path, "" if entry.is_file() else "not a plain file")


def _below(folder: Path, root: Path) -> Iterator[Listed]:
    """The files of a folder inside the listed one; one that may not be opened is an entry like a bad file."""
    try:
        yield from _inside(folder, root)
    except PermissionError as error:
        yield Listed(Path(error.filename), f"a folder that may not be read ({error.strerror}); change its permissions", "broken")
