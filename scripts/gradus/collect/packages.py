"""Documents from the docstrings of installed packages, read in a child process, and from pydoc's topics.

The `source` of such a document is what it is and its dotted name: `function numpy.linspace`, `topic booleans`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gradus.collect.manifest import Entry
from gradus.collect.modules import TOPICS, is_importable, licence_of, modules_of, version_of
from gradus.collect.text import Found
from gradus.config.load import PROJECT
from gradus.errors import GradusError, UserError
from gradus.log import progress

_PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "LC_", "PYTHON", "VIRTUAL_ENV", "CONDA_PREFIX", "LD_", "DYLD_", "OMP_", "OPENBLAS_", "MKL_")
"""Beginnings of the environment variables that imports get to see. A default such as `key=os.environ.get("API_KEY")` would
carry the others, tokens among them, into documents."""
PACKAGE_READER = "python-docs/"
"""Beginning of the `reader` of all documents from packages."""
_WALK = Path(__file__).with_name("docwalk.py")
_START_SECONDS = 60.0
"""What Python may take to start, beside the time of the imports."""


@dataclass
class PackageReading:
    """What one name of `collect.python_docs` gave: documents, and what became of each module."""

    found: list[Found] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


class Children:
    """The child processes at work, so that they can all be ended at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(self, command: list[str], job: bytes, timeout: float, folder: str, environment: dict[str, str]) -> tuple[bytes, int | None]:
        """What a process wrote, and its exit status; None when it was ended after `timeout` seconds."""
        pipe = subprocess.PIPE
        with self._lock:
            if self._stopped:
                return b"", 0
            child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, cwd=folder, env=environment)
            self._running.add(child)
        with child:
            try:
                return child.communicate(job, timeout)[0], 0 if self._stopped else child.returncode
            except subprocess.TimeoutExpired:
                child.kill()
                return child.communicate()[0], None
            finally:
                self._running.discard(child)

    def stop(self) -> None:
        """End all of them; none is started any more."""
        with self._lock:
            self._stopped = True
            for child in list(self._running):
                child.kill()


def read_packages(packages: list[str], timeout: float, workers: int) -> list[PackageReading]:
    """The readings of several packages, read side by side, in their order. Raises as `read_package` does."""
    for package in packages:
        _check(package)
    children = Children()
    readings = []
    pool = ThreadPoolExecutor(workers)
    try:
        with progress("Reading packages", len(packages)) as advance:
            for package, reading in zip(packages, pool.map(lambda name: read_package(name, timeout, children), packages), strict=True):
                readings.append(reading)
                advance(1, package)
    finally:
        children.stop()  # after Ctrl-C nobody waits for imports
        pool.shutdown(cancel_futures=True)
    return readings


def read_package(package: str, timeout: float, children: Children | None = None) -> PackageReading:
    """All documented public objects of a package.

    Args:
        package: an importable name, `stdlib` or `topics`.
        timeout: seconds that the imports of the package may take together; after one that hangs those that are left get as much again.
        children: where its processes are entered.

    Raises:
        UserError: when there is no such package. GradusError: when Python does not start.
    """
    _check(package)
    reader = f"{PACKAGE_READER}{package} {version_of(package)}"
    return _topics(reader) if package == TOPICS else _docstrings(package, reader, timeout, children or Children())


def _check(package: str) -> None:
    if not is_importable(package):
        part = ", or what it is a part of cannot be imported" if "." in package else ""
        cure = f"Install it into this Python ({sys.executable}) or take it out of collect.python_docs"
        raise UserError(f"there is no package '{package}'{part}", where="collect.python_docs", cure=cure)


def _topics(reader: str) -> PackageReading:
    from pydoc_data.topics import topics  # a table of texts: nothing runs

    names = sorted(topics)
    found = [Found(name, topics[name], "text", f"topic {name}", f"topics.{name}", reader, licence_of(TOPICS)) for name in names]
    size = sum(len(text.text.encode()) for text in found)
    return PackageReading(found, [Entry("pydoc_data.topics", TOPICS, "text", f"{len(found)} topics", size, kind="module")])


def _docstrings(package: str, reader: str, timeout: float, children: Children) -> PackageReading:
    reading = PackageReading()
    objects: dict[str, list[int]] = {}  # module to the sizes of its docstrings
    licence = licence_of(package)
    for row in _rows(modules_of(package), timeout, children):
        if "begin" in row:
            objects[row["begin"]] = []
        elif "broken" in row:
            objects.pop(row["broken"], None)
            reading.entries.append(Entry(row["broken"], package, "broken", row["reason"], kind="module"))
        else:
            objects.setdefault(row["module"], []).append(len(row["doc"].encode("utf-8", "surrogatepass")))
            reading.found.append(_found(row, reader, licence))
    for name, sizes in objects.items():
        reason = f"{len(sizes)} documented objects" if sizes else "nothing documented that is not listed elsewhere"
        reading.entries.append(Entry(name, package, "text" if sizes else "empty", reason, sum(sizes), kind="module"))
    return reading


def _found(row: dict[str, Any], reader: str, licence: str) -> Found:
    group = row["owner"] or row["module"]
    source = f"{row['kind']} {row['name']}"
    return Found(row["name"], row["doc"], "api", source, group, reader, licence, signature=row["signature"], unit=row["unit"])


def _rows(modules: list[str], timeout: float, children: Children) -> Iterator[dict[str, Any]]:
    """Lines of the child process; when a module kills or hangs it, that one is named and the rest is read by a new one."""
    while modules:
        rows, ending = _child(modules, timeout, children)
        yield from rows
        if not ending:
            return
        if not rows:  # the first line is written before anything is imported
            cure = f"Check this Python ({sys.executable}) with: pip install -r requirements.txt"
            raise GradusError(f"the process that reads packages cannot be started (it {ending})", where="collect.python_docs", cure=cure)
        last = next(row["begin"] for row in reversed(rows) if "begin" in row)
        yield {"broken": last, "reason": f"its import {ending}"}
        modules = modules[modules.index(last) + 1 :]


def _child(modules: list[str], timeout: float, children: Children) -> tuple[list[dict[str, Any]], str]:
    """Run the walk over `modules`; returns its whole lines, and how it ended when that was not well."""
    library = str(PROJECT / "scripts")
    environment = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [library, os.environ.get("PYTHONPATH")]))
    environment |= {"PYTHONHASHSEED": "0", "PYTHONIOENCODING": "utf-8", "MPLBACKEND": "agg"}
    command = [sys.executable, "-P", "-W", "ignore", str(_WALK)]
    job = json.dumps({"modules": modules, "timeout": timeout}).encode()
    with tempfile.TemporaryDirectory() as folder:  # whatever an import leaves in the current folder goes with it
        output, status = children.run(command, job, timeout + _START_SECONDS, folder, environment)
    late = status is None or status == -signal.SIGALRM
    ending = f"did not end within {timeout:g} s" if late else f"ended the reading process (exit status {status})" if status else ""
    whole = output[: output.rfind(b"\n") + 1]
    return [json.loads(line) for line in whole.decode("utf-8", "replace").split("\n") if line], ending
