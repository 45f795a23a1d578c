"""A quick description of the sources: when it is the same as last time, nothing is collected again."""

from __future__ import annotations

from pathlib import Path

from gradus.collect.folders import list_folder
from gradus.collect.modules import is_importable, version_of
from gradus.collect.readers import READER
from gradus.config.schema import Collect
from gradus.errors import UserError


def describe(config: Collect) -> object:
    """Versions of the packages, and path, size and time of change of every file in the folders."""
    packages = {name: version_of(name) if is_importable(name) else "missing" for name in config.python_docs}
    return {"packages": packages, "reader": READER, "files": [row for entry in config.folders for row in _files(entry)]}


def _files(entry: str) -> list[tuple[str, int, int]]:
    try:
        paths = [listed.path for listed in list_folder(entry) if not listed.refusal]
    except UserError:
        return [(entry, -1, -1)]  # the step itself says it, with the cure
    return [_state(path) for path in paths]


def _state(path: Path) -> tuple[str, int, int]:
    status = path.stat()
    return (str(path.absolute()), status.st_size, status.st_mtime_ns)
