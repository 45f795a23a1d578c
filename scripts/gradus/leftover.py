"""What a killed run leaves behind: a child process that may write into the run's work folder until it has noticed.

The child holds the lock on a file there, which goes with it however it ends.
"""

from __future__ import annotations

import fcntl
import logging
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

log = logging.getLogger(__name__)
CHILD_LOCK = "child.lock"
"""Name of that file, in the work folder or below it."""


@contextmanager
def held(lock: Path) -> Iterator[BinaryIO]:
    """Hold a lock, once the process of a killed run that has it has ended; a child that inherits the file holds it too."""
    with lock.open("wb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("A process of the killed run is still ending; waiting for it (%s)", lock)
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream


def remove_folder(folder: Path) -> None:
    """Remove a work folder, after every process that still writes into it has ended."""
    with ExitStack() as locks:
        for lock in folder.rglob(CHILD_LOCK):
            locks.enter_context(held(lock))
        shutil.rmtree(folder)
