"""Docstrings of packages, read in a child process that may print, crash or hang."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gradus.collect.modules import is_importable, licence_of, modules_of, version_of
from gradus.collect.packages import PackageReading, read_package
from gradus.errors import UserError

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
    "z_hang": "import time\ntime.sleep(60)\n",
    "mistake": "raise KeyError('oops')\n",
    "leave": "raise SystemExit(0)\n",
    "zz_last": 'def last():\n    """Still read after all that."""\n',
    "_private": 'def no():\n    """No."""\n',
    "test_no": "raise RuntimeError\n",
}


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> PackageReading:
    root = tmp_path_factory.mktemp("site")
    (root / "evil").mkdir()
    for name, code in MODULES.items():
        (root / "evil" / f"{name}.py").write_text(code, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root))
        patch.setenv("PYTHONPATH", str(root))
        return read_package("evil", timeout=2.0)


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
    assert set(broken) == {"evil.z_crash", "evil.z_hang", "evil.mistake", "evil.leave"}
    assert "exit status 3" in broken["evil.z_crash"]
    assert "2 s" in broken["evil.z_hang"]
    assert "KeyError" in broken["evil.mistake"]
    assert {entry.name for entry in reading.entries if entry.status == "text"} == {"evil", "evil.tools", "evil.zz_last"}


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
