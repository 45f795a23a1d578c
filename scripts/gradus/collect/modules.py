"""Which modules a name in `collect.python_docs` stands for, found on disk without importing anything."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import pkgutil
import platform
import re
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

STANDARD_LIBRARY = "stdlib"
TOPICS = "topics"

_NO_DOCUMENTATION = frozenset(
    "antigravity this idlelib turtle turtledemo tkinter test lib2to3 distutils ensurepip msilib winreg winsound nt msvcrt "
    "ntpath posixpath genericpath nturl2path posix pydoc_data encodings xxlimited xxsubtype sre_compile sre_constants "
    "sre_parse opcode imp site sitecustomize usercustomize rlcompleter".split()
)
"""Parts of the standard library that act when imported, open windows, are tables, tests or other names for the rest."""

_INTERNAL = re.compile(
    r"(.*\.)?(_[^.]*|tests?|test_[^.]*|testing|testutils|conftest|setup|windows_[^.]*|popen_[^.]*|macholib|mypy_plugin)|numpy\.(core|f2py|distutils)"
)
"""Submodules that are private in fact, whatever their name says."""


def modules_of(package: str) -> list[str]:
    """Dotted names of the public modules of `package`, shallow ones first, so that re-exports get their short name."""
    if package == STANDARD_LIBRARY:
        tops = sorted(name for name in sys.stdlib_module_names if not name.startswith("_") and name not in _NO_DOCUMENTATION)
        names = {name for top in tops for name in _below(top)} | {"os.path", "collections.abc"}  # no file stands for these, the latter since 3.13
    else:
        names = set(_below(package))
    return sorted(names, key=lambda name: (name.count("."), name))


def is_importable(package: str) -> bool:
    """Whether there is such a package or module; a parent package of a dotted name is imported to find out."""
    if package in (STANDARD_LIBRARY, TOPICS):
        return True
    return _spec(package) is not None


def _spec(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (Exception, SystemExit):  # noqa: BLE001  a parent package runs its own code, which raises whatever it likes
        return None


def _below(name: str) -> list[str]:
    spec = _spec(name)
    if spec is None:
        return []  # not on this platform: `sys.stdlib_module_names` lists those of all platforms
    return [name, *(inner for folder in spec.submodule_search_locations or [] for inner in _inside(name, folder))]


def _inside(package: str, folder: str) -> list[str]:
    names = []
    for module in pkgutil.iter_modules([folder]):
        dotted = f"{package}.{module.name}"
        if not _INTERNAL.fullmatch(dotted):
            names += [dotted, *(_inside(dotted, str(Path(folder) / module.name)) if module.ispkg else [])]
    return names


def version_of(package: str) -> str:
    """Installed version of a package, Python's own for the standard library; else when its file was last changed."""
    if package in (STANDARD_LIBRARY, TOPICS) or package in sys.stdlib_module_names:
        return platform.python_version()
    top = package.partition(".")[0]
    try:
        return importlib.metadata.version(top)
    except importlib.metadata.PackageNotFoundError:
        spec = _spec(top)
        return f"of {Path(spec.origin).stat().st_mtime_ns}" if spec and spec.origin and Path(spec.origin).exists() else "unknown"


def licence_of(package: str) -> str:
    """Licence as the package's metadata states it in one line, '' when it does not."""
    if package in (STANDARD_LIBRARY, TOPICS) or package in sys.stdlib_module_names:
        return "PSF-2.0"
    try:
        about = importlib.metadata.metadata(package.partition(".")[0])
    except importlib.metadata.PackageNotFoundError:
        return ""
    stated = next((about[key] for key in ("License-Expression", "License") if key in about), "")
    classifiers = [c.rpartition(" :: ")[2] for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
    return stated if stated and "\n" not in stated else ", ".join(classifiers)
