"""A quick description of the sources: when it is the same as last time, nothing is collected again.

Data sets of the hub are not in it, because that would need the network each time: what a branch stands for is asked
when the step runs for another reason or with --force, and a commit never changes.
"""

from __future__ import annotations

import os
from pathlib import Path

from gradus.collect.folders import list_folder
from gradus.collect.modules import is_importable, version_of
from gradus.collect.readers import READER
from gradus.collect.readers.versions import PACKAGES, named
from gradus.config.schema import Collect
from gradus.errors import UserError

State = tuple[str, int, int, bool]


def describe(config: Collect) -> object:
    """Versions of packages and readers; path, size, time of change and readability of every file in the folders."""
    packages = {name: version_of(name) if is_importable(name) else "missing" for name in config.python_docs}
    files = [row for entry in config.folders for row in _files(entry)]
    if config.password_file:
        files.append(_state(Path(config.password_file).expanduser()))
    return {"packages": packages, "readers": [READER, named(*PACKAGES)], "files": files}


def _files(entry: str) -> list[State]:
    try:
        paths = [listed.path for listed in list_folder(entry) if not listed.refusal]
    except UserError:
        return [(entry, -1, -1, False)]  # the step itself says it, with the cure
    return [_state(path) for path in paths]


def _state(path: Path) -> State:
    """What tells that a file changed, by its path as the settings name it: a project that was moved has not changed.

    Its rights count: they change no time, and decide whether it can be read.
    """
    try:
        status = path.stat()
    except OSError:
        return (str(path), -1, -1, False)  # gone since the folder was listed
    return (str(path), status.st_size, status.st_mtime_ns, os.access(path, os.R_OK))
