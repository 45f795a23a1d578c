"""Documents from the docstrings of installed packages, read in a child process, and from pydoc's topics.

The `source` of such a document is what it is and its dotted name: `function numpy.linspace`, `topic booleans`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gradus.collect.manifest import Entry
from gradus.collect.modules import TOPICS, is_importable, licence_of, modules_of, version_of
from gradus.collect.text import Found
from gradus.config.load import PROJECT
from gradus.errors import UserError


@dataclass
class PackageReading:
    """What one name of `collect.python_docs` gave: documents, and what became of each module."""

    found: list[Found] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


def read_package(package: str, timeout: float) -> PackageReading:
    """All documented public objects of a package.

    Args:
        package: an importable name, `stdlib` or `topics`.
        timeout: seconds that the imports of the package may take together.

    Raises:
        UserError: when there is no such package.
    """
    if not is_importable(package):
        cure = f"Install it into this Python ({sys.executable}) or take it out of collect.python_docs"
        raise UserError(f"there is no package '{package}'", where="collect.python_docs", cure=cure)
    reader = f"python-docs/{package} {version_of(package)}"
    return _topics(reader) if package == TOPICS else _docstrings(package, reader, timeout)


def _topics(reader: str) -> PackageReading:
    from pydoc_data.topics import topics  # a table of texts: nothing runs

    names = sorted(topics)
    found = [Found(name, topics[name], "text", f"topic {name}", f"topics.{name}", reader, licence_of(TOPICS)) for name in names]
    return PackageReading(found, [Entry("pydoc_data.topics", TOPICS, "text", f"{len(found)} topics")])


def _docstrings(package: str, reader: str, timeout: float) -> PackageReading:
    reading = PackageReading()
    objects: dict[str, int] = {}
    licence = licence_of(package)
    for row in _rows(modules_of(package), timeout):
        if "begin" in row:
            objects[row["begin"]] = 0
        elif "broken" in row:
            objects.pop(row["broken"], None)
            reading.entries.append(Entry(row["broken"], package, "broken", row["reason"]))
        else:
            objects[row["module"]] = objects.get(row["module"], 0) + 1
            reading.found.append(_found(row, reader, licence))
    for name, count in objects.items():
        reason = f"{count} documented objects" if count else "nothing documented that is not listed elsewhere"
        reading.entries.append(Entry(name, package, "text" if count else "empty", reason))
    return reading


def _found(row: dict[str, Any], reader: str, licence: str) -> Found:
    group = row["owner"] or row["module"]
    source = f"{row['kind']} {row['name']}"
    return Found(row["name"], row["doc"], "api", source, group, reader, licence, signature=row["signature"], unit=row["unit"])


def _rows(modules: list[str], timeout: float) -> Iterator[dict[str, Any]]:
    """Lines of the child process; when a module kills or hangs it, that one is named and the rest is read by a new one."""
    while modules:
        rows, ending = _child(modules, timeout)
        yield from rows
        if not ending:
            return
        last = next((row["begin"] for row in reversed(rows) if "begin" in row), modules[0])
        yield {"broken": last, "reason": f"its import {ending}"}
        modules = modules[modules.index(last) + 1 :]


def _child(modules: list[str], timeout: float) -> tuple[list[dict[str, Any]], str]:
    """Run the walk over `modules`; returns its whole lines, and how it ended when that was not well."""
    library = str(PROJECT / "scripts")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [library, os.environ.get("PYTHONPATH")]))}
    environment |= {"PYTHONHASHSEED": "0", "PYTHONIOENCODING": "utf-8", "MPLBACKEND": "agg"}
    command = [sys.executable, "-P", "-W", "ignore", "-m", "gradus.collect.docwalk"]
    job = json.dumps({"modules": modules}).encode()
    ending = ""
    with tempfile.TemporaryDirectory() as folder:  # whatever an import leaves in the current folder goes with it
        try:
            done = subprocess.run(command, input=job, capture_output=True, timeout=timeout, cwd=folder, env=environment, check=False)
            output = done.stdout
            ending = f"ended the reading process (exit status {done.returncode})" if done.returncode else ""
        except subprocess.TimeoutExpired as error:
            output = error.stdout or b""
            ending = f"did not end within {timeout:g} s"
    whole = output[: output.rfind(b"\n") + 1]
    return [json.loads(line) for line in whole.decode("utf-8", "replace").split("\n") if line], ending
