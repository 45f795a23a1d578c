"""Import modules and write their public docstrings as JSON lines. Runs in a child process of its own.

Importing runs other people's code: it may print, hang or crash. So this never runs inside Gradus itself: the parent
starts this file, writes the job to its standard input and reads lines from its output:

    {"begin": module}                          the import starts; the last one names the culprit of a crash
    {"broken": module, "reason": text}         it could not be imported
    {"name": …, "kind": …, "doc": …, …}        one documented object

An alarm ends it when the imports take longer than they may: one without a handler is carried out by the system, whatever
the process is doing, and its clock starts when Python itself is up. It imports the standard library only, and nothing
heavy of ours.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import json
import os
import re
import signal
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from gradus.signatures import split_arguments


def main() -> None:
    """Read `{"modules": [...], "timeout": seconds}` from standard input and write the lines described above."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace")
    os.dup2(2, 1)  # what an imported module prints goes to standard error, never between our lines
    warnings.simplefilter("ignore")
    job = json.loads(sys.stdin.read())
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, job["timeout"])
    walk = Walk(output)
    for name in job["modules"]:
        walk.module(name)
    output.flush()
    os._exit(0)  # without the exit handlers and threads of what was imported


class Walk:
    """The objects of one job, each visited once, under the first public name found for it."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._seen: dict[int, object] = {}

    def module(self, name: str) -> None:
        """Import one module and write what it documents."""
        self._write({"begin": name})
        self._output.flush()
        try:
            module = importlib.import_module(name)
        except (Exception, SystemExit) as error:  # noqa: BLE001  other people's code: whatever it raises is the answer
            self._write({"broken": name, "reason": f"{type(error).__name__}: {error}"[:200]})
            return
        self._inside(name, module)

    def _inside(self, name: str, module: types.ModuleType) -> None:
        if self._met(module):
            return
        self._document(name, module, "module", name, "")
        inner = []
        for attribute, value in public_members(module, name):
            if inspect.ismodule(value):
                inner += [value] if value.__name__.startswith(f"{name}.") and not hasattr(value, "__file__") else []
            elif inspect.isclass(value):
                self._class(f"{name}.{attribute}", value, name)
            elif callable(value) and not self._met(value):
                self._document(f"{name}.{attribute}", value, "function", name, "")
        for value in inner:  # such as `mlx.core.linalg`, which no listing of files can find
            self._inside(value.__name__, value)

    def _class(self, name: str, value: type, module: str) -> None:
        if self._met(value):
            return
        self._document(name, value, "class", module, name)
        for attribute, member in list(vars(value).items()):
            function = member.__func__ if isinstance(member, staticmethod | classmethod) else member
            described = callable(function) or inspect.isdatadescriptor(function) or inspect.ismethoddescriptor(function)
            if described and not attribute.startswith("_") and not inspect.isclass(function) and not self._met(function):
                kind = "method" if callable(function) else "attribute"
                self._document(f"{name}.{attribute}", function, kind, module, name)

    def _met(self, value: object) -> bool:
        """Whether this very object was met before. Keeping it alive keeps its `id` its own."""
        if id(value) in self._seen:
            return True
        self._seen[id(value)] = value
        return False

    def _document(self, name: str, value: Any, kind: str, module: str, owner: str) -> None:
        doc = getattr(value, "__doc__", None)
        if not isinstance(doc, str) or _is_not_its_own(value, doc, kind):
            return
        name = name.removeprefix("builtins.")
        signature = signature_of(value, kind, name, inspect.cleandoc(doc))
        row = {"name": name, "kind": kind, "module": module, "owner": owner, "signature": signature}
        self._write({**row, "unit": unit_of(value, signature), "doc": inspect.cleandoc(doc)})

    def _write(self, row: dict[str, Any]) -> None:
        self._output.write(json.dumps(row, ensure_ascii=False) + "\n")


def public_members(module: types.ModuleType, name: str) -> Iterator[tuple[str, Any]]:
    """The names a module offers: `__all__`, else what it defines itself or takes from below itself."""
    offered = getattr(module, "__all__", None)
    names = list(offered) if isinstance(offered, list | tuple) else [n for n in vars(module) if not n.startswith("_")]
    for attribute in names:
        try:
            value = getattr(module, attribute)
        except Exception:  # noqa: BLE001, S112  a lazy attribute that fails when looked at offers nothing to document
            continue
        home = getattr(value, "__module__", None)
        if offered is not None or inspect.ismodule(value) or home in (name, f"_{name}") or str(home).startswith(f"{name}."):
            yield attribute, value


def _is_not_its_own(value: Any, doc: str, kind: str) -> bool:
    """Whether a docstring was inherited from the type or made up by `dataclass` or `namedtuple`."""
    if kind == "class":
        return doc.startswith(f"{value.__name__}(") and "\n" not in doc
    return kind != "module" and doc == type(value).__doc__


def signature_of(value: Any, kind: str, name: str, doc: str) -> str:
    """`(a, b=1)` without annotations; from the first line of the docstring where Python knows none; '' for no callable."""
    if kind in ("module", "attribute") or (kind == "class" and issubclass(value, enum.Enum)):
        return ""
    told = re.match(rf"(?:[\w.]+\.)?{re.escape(name.rpartition('.')[2])}\((.*)\)", doc)
    described = f"({', '.join(_bare(part) for part in split_arguments(told[1]))})" if told else ""
    try:
        signature = inspect.signature(value)
    except Exception:  # noqa: BLE001  `inspect` evaluates text that objects carry, so anything can come out
        return described
    if type(value).__module__ == "nanobind":  # since Python 3.13 it answers (*args, **kwargs), whatever the function takes
        return described
    bare = [p.replace(annotation=inspect.Parameter.empty, default=_shown(p.default)) for p in signature.parameters.values()]
    text = str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)  # memory addresses differ from run to run


class _Named:
    """Stands for a default value by its name, where its own text would tell of this machine."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


def _shown(default: Any) -> Any:
    if default is os.environ:
        return _Named("os.environ")
    return _Named("sys.executable") if isinstance(default, str) and default == sys.executable else default


def _bare(argument: str) -> str:
    """`name: type = value` as `name=value`."""
    name, equals, value = argument.partition("=")
    return name.partition(":")[0].strip() + ("=" + value.strip() if equals else "")


def unit_of(value: Any, signature: str) -> str:
    """What a function belongs to inside a big module: the file that defines it, else its first required parameters; or ''."""
    try:
        code = getattr(inspect.unwrap(value), "__code__", None) if callable(value) else None
    except Exception:  # noqa: BLE001  an object that wraps itself, or one whose attributes fail
        code = None
    if isinstance(code, types.CodeType):
        return Path(code.co_filename).stem.lstrip("_")
    required = [name for name in split_arguments(signature[1:-1]) if name.isidentifier() and name != "self"]
    return f"({', '.join(required[:2])})" if required else ""


if __name__ == "__main__":
    main()
