"""Docstrings of packages, read in a child process that may print, crash or hang."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gradus.collect.manifest import Entry
from gradus.collect.modules import is_importable, licence_of, modules_of, version_of
from gradus.collect.packages import Children, PackageReading, read_package, read_packages
from gradus.errors import GradusError, UserError

MODULES = {
    "__init__": '"""The package."""\nfrom evil.tools import useful\n__all__ = ["useful"]\n',
    "tools": (
        '"""Tools."""\nimport os\nprint("noise on standard output")\nprint(open(0).read())\n'
        'def useful(a, b: int = 2, *, c=object()) -> int:\n    """Return what is useful."""\n'
        "class Thing:\n"
        '    """A thing."""\n'
        '    def act(self):\n        """Act."""\n'
        "    @property\n"
        '    def size(self):\n        """How big."""\n'
        "    @classmethod\n"
        '    def make(cls, n):\n        """Make one."""\n'
        '    def _hidden(self):\n        """No."""\n'
        "class Lazy(Thing):\n    pass\n"
    ),
    "z_crash": "import os\nos._exit(3)\n",
    "mistake": "raise KeyError('oops')\n",
    "leave": "raise SystemExit(0)\n",
    "zz_last": 'def last():\n    """Still read after all that."""\n',
    "_private": 'def no():\n    """No."""\n',
    "test_no": "raise RuntimeError\n",
}


def make_importable(folder: Path, modules: Mapping[str, str], patch: pytest.MonkeyPatch) -> None:
    """Write modules, by their names relative to the folder, that can be imported here and in the reading process."""
    for name, code in modules.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(code, encoding="utf-8")
    patch.syspath_prepend(str(folder))
    patch.setenv("PYTHONPATH", str(folder))


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> PackageReading:
    with pytest.MonkeyPatch.context() as patch:
        make_importable(tmp_path_factory.mktemp("site"), {f"evil/{name}": code for name, code in MODULES.items()}, patch)
        return read_package("evil", timeout=60.0)


def test_every_public_object_is_found_once_under_its_short_name(reading: PackageReading) -> None:
    assert [found.source for found in reading.found] == [
        "module evil",
        "function evil.useful",
        "module evil.tools",
        "class evil.tools.Thing",
        "method evil.tools.Thing.act",
        "attribute evil.tools.Thing.size",
        "method evil.tools.Thing.make",
        "function evil.zz_last.last",
    ]


def test_signatures_are_bare_and_without_addresses(reading: PackageReading) -> None:
    signatures = {found.title: found.signature for found in reading.found}
    assert signatures["evil.useful"] == "(a, b=2, *, c=<object object>)"
    assert signatures["evil.tools.Thing.make"] == "(cls, n)"
    assert signatures["evil.tools"] == signatures["evil.tools.Thing.size"] == ""


def test_a_class_with_its_methods_is_a_group_and_so_is_a_module(reading: PackageReading) -> None:
    groups = {found.title: found.group for found in reading.found}
    assert groups["evil.tools.Thing.act"] == groups["evil.tools.Thing"] == "evil.tools.Thing"
    assert groups["evil.useful"] == "evil"


def test_modules_that_fail_are_named_and_those_after_them_are_read(reading: PackageReading) -> None:
    broken = {entry.name: entry.reason for entry in reading.entries if entry.status == "broken"}
    assert set(broken) == {"evil.z_crash", "evil.mistake", "evil.leave"}
    assert "exit status 3" in broken["evil.z_crash"]
    assert "KeyError" in broken["evil.mistake"]
    assert {entry.name for entry in reading.entries if entry.status == "text"} == {"evil", "evil.tools", "evil.zz_last"}


def test_a_module_that_hangs_is_ended_and_named_and_those_after_it_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {"slow/__init__": "", "slow/a": "import time\ntime.sleep(60)\n", "slow/b": 'def last():\n    """Read after that."""\n'}
    make_importable(tmp_path, modules, monkeypatch)
    reading = read_package("slow", timeout=1.0)
    broken = [(entry.name, entry.reason) for entry in reading.entries if entry.status == "broken"]
    assert broken == [("slow.a", "its import did not end within 1 s")]
    assert [found.title for found in reading.found] == ["slow.b.last"]


def test_the_start_of_python_is_not_a_packages_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_importable(tmp_path, {"sitecustomize": "import time\ntime.sleep(1.1)\n", "quick": '"""Imported at once."""\n'}, monkeypatch)
    assert [found.title for found in read_package("quick", timeout=1.0).found] == ["quick"]


def test_a_python_that_cannot_start_is_no_modules_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_importable(tmp_path, {"sitecustomize": "raise SystemExit(7)"}, monkeypatch)
    with pytest.raises(GradusError, match=r"collect.python_docs: the process that reads packages cannot be started .*exit status"):
        read_packages(["json"], 5.0, workers=1)


@pytest.mark.parametrize("mistake", ["raise RuntimeError('no')", "raise SystemExit(1)"])
def test_a_part_of_a_package_that_cannot_be_imported_is_the_users_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: str) -> None:
    make_importable(tmp_path, {"bad_parent/__init__": mistake, "bad_parent/part": ""}, monkeypatch)
    with pytest.raises(UserError, match=r"no package 'bad_parent.part', or what it is a part of cannot be imported"):
        read_package("bad_parent.part", 5.0)


def test_an_unknown_package_is_the_users_mistake() -> None:
    with pytest.raises(UserError, match=r"collect.python_docs: there is no package 'no_such_package'"):
        read_package("no_such_package", 5.0)


def test_topics_are_read_from_the_table() -> None:
    reading = read_package("topics", 5.0)
    assert len(reading.found) > 50
    assert all(found.format == "text" and found.licence == "PSF-2.0" for found in reading.found)


def test_c_functions_take_their_signature_from_the_docstring() -> None:
    found = {found.title: found for found in read_package("mlx.core", 60.0).found}
    assert found["mlx.core.add"].signature.startswith("(a, b, stream=None)")
    assert found["mlx.core.add"].unit == "(a, b)"
    assert "mlx.core.linalg.svd" in found, "modules that no file stands for are walked as well"


def test_the_standard_library_leaves_out_what_acts_when_imported() -> None:
    names = modules_of("stdlib")
    assert {"json", "json.decoder", "os.path", "collections.abc"} <= set(names)
    assert not {name.partition(".")[0] for name in names} & {"antigravity", "this", "idlelib", "tkinter", "turtledemo", "test", "lib2to3"}
    assert not any(part.startswith("_") for name in names for part in name.split("."))


def test_finding_modules_imports_nothing() -> None:
    before = set(sys.modules)
    assert "mlx.nn" in modules_of("mlx")
    assert "mlx.nn.layers.linear" in modules_of("mlx")
    assert not {name for name in set(sys.modules) - before if name.startswith("mlx")}


def test_versions_and_licences_come_from_the_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert version_of("stdlib") == version_of("json") == ".".join(map(str, sys.version_info[:3]))
    assert version_of("numpy")[0].isdigit()
    assert licence_of("mlx") == "MIT"
    (tmp_path / "alone_module.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert is_importable("alone_module")
    assert version_of("alone_module").startswith("of ")
    assert licence_of("alone_module") == ""


def test_packages_are_read_side_by_side_and_given_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {}
    for name, other in (("first_one", "second_one"), ("second_one", "first_one")):
        waits = f"mark = Path({str(tmp_path)!r})\n(mark / '{name}').touch()\nwhile not (mark / '{other}').exists():\n    time.sleep(0.01)\n"
        modules[name] = f'"""The {name} waits until the other is there."""\nimport time\nfrom pathlib import Path\n{waits}'
    make_importable(tmp_path, modules, monkeypatch)
    readings = read_packages(["second_one", "first_one"], 60.0, workers=2)
    assert [[found.title for found in reading.found] for reading in readings] == [["second_one"], ["first_one"]]
    assert readings[0].entries == [Entry("second_one", "second_one", "text", "1 documented objects", 46, kind="module")]


def test_an_unknown_package_is_told_before_any_is_read() -> None:
    with pytest.raises(UserError, match="there is no package 'no_such_package'"):
        read_packages(["json", "no_such_package"], 5.0, workers=2)


def test_stopping_ends_what_runs_and_lets_nothing_start(tmp_path: Path) -> None:
    children = Children()
    command = [sys.executable, "-c", f"import pathlib, time; pathlib.Path({str(tmp_path / 'here')!r}).touch(); time.sleep(60)"]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(children.run, command, b"", 60.0, str(tmp_path), dict(os.environ))
        while not (tmp_path / "here").exists():
            time.sleep(0.01)
        children.stop()
        assert running.result(timeout=10) == (b"", 0)
    assert children.run(["no such command"], b"", 1.0, str(tmp_path), {}) == (b"", 0)


def test_no_variable_of_the_environment_gets_into_a_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        '"""A module that has seen the environment."""\nimport os, sys\n'
        'def ask(key=os.environ.get("API_KEY"), environ=os.environ, python=sys.executable):\n    """Ask."""\n'
        "ask.__doc__ += str(dict(os.environ))\n"
    )
    make_importable(tmp_path, {"curious": code}, monkeypatch)
    monkeypatch.setenv("API_KEY", "sk-very-secret")
    found = {one.title: one for one in read_package("curious", 60.0).found}
    assert found["curious.ask"].signature == "(key=None, environ=os.environ, python=sys.executable)"
    assert "very-secret" not in str(found)
