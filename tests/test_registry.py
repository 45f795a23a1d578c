"""The registry keeps its promises: one version an adapter, a way back, no damage by kills or by a second process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from gradus.errors import GradusError, UserError
from gradus.files import sha256_file
from gradus.records import Base
from gradus.registry import Registry
from gradus.registry_entries import Graded, Version

from .candidates import BASE, GRADED, candidate

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "workspace")


def test_registering_copies_the_files_and_remembers_their_hashes(registry: Registry, tmp_path: Path) -> None:
    version = registry.register_model(candidate(tmp_path / "one", b"weights"))
    copy = registry.folder_of(version) / "adapters.safetensors"
    assert (version.id, version.state, version.run) == ("v1", "candidate", "one")
    assert copy.read_bytes() == b"weights"
    assert version.files["adapters.safetensors"] == sha256_file(copy)
    assert registry.book().versions == (version,)
    assert [event.action for event in registry.book().history] == ["registered"]
    kept = registry.evaluation_of(version)
    assert kept is not None
    assert (kept / "answers.jsonl").read_text() == "answers"
    assert str(tmp_path) not in registry.path.read_text()


def test_the_same_weights_are_one_version_and_a_new_grade_is_noted(registry: Registry, tmp_path: Path) -> None:
    registry.register_model(candidate(tmp_path / "one", b"weights"))
    registry.register_model(candidate(tmp_path / "two", b"weights"))
    assert len(registry.book().history) == 1
    again = registry.register_model(candidate(tmp_path / "two", b"weights", Graded("A", 92.0, 50.0, 30, None, "f" * 64)))
    other = registry.register_model(candidate(tmp_path / "two", b"other weights"))
    assert (again.id, again.graded.percent, other.id) == ("v1", 92.0, "v2")
    assert [event.action for event in registry.book().history] == ["registered", "graded", "registered"]
    kept = sorted(path.read_text() for path in registry.folder_of(again).rglob("evaluation.json"))
    assert kept == ["e" * 64, "f" * 64]
    assert (registry.evaluation_of(again) or Path()).joinpath("evaluation.json").read_text() == "f" * 64
    registry.verify(again)


@pytest.mark.parametrize("base", [replace(BASE, revision="def456"), replace(BASE, name="another")], ids=["revision", "name"])
def test_the_same_weights_on_another_base_are_another_version(registry: Registry, tmp_path: Path, base: Base) -> None:
    """An adapter that training left untouched has the same bytes on every base; a grade of one says nothing of the other."""
    first = registry.promote(registry.register_model(candidate(tmp_path / "one", b"untouched")).id, reason="test")
    second = registry.register_model(candidate(tmp_path / "two", b"untouched", replace(GRADED, percent=12.0), base))
    assert (second.id, second.base, second.graded.percent) == ("v2", base, 12.0)
    assert registry.get("v1") == first
    assert registry.rival_of(second.identity) == first
    assert registry.rival_of(first.identity) is None


def test_promotion_archives_the_one_before_and_rollback_goes_back_step_by_step(registry: Registry, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        registry.promote(registry.register_model(candidate(tmp_path / f"run{number}", bytes([number]))).id, reason="test")
    assert [version.state for version in registry.book().versions] == ["archived", "archived", "current"]
    assert registry.rollback_model(reason="worse").id == "v2"
    assert registry.rollback_model(reason="worse still").id == "v1"
    assert registry.get_latest().id == "v1"
    with pytest.raises(UserError, match="no earlier model"):
        registry.rollback_model(reason="too far")
    registry.promote("v3", reason="better after all")
    assert registry.rollback_model(reason="no").id == "v1"
    assert registry.book().history[-1].previous == "v3"


def test_promoting_the_current_version_changes_nothing(registry: Registry, tmp_path: Path) -> None:
    registry.register_model(candidate(tmp_path / "one", b"weights"))
    registry.promote("v1", reason="test")
    before = registry.path.read_bytes()
    assert registry.promote("v1", reason="again").state == "current"
    assert registry.path.read_bytes() == before


def test_without_a_current_model_it_says_so(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no model is current yet"):
        registry.get_latest()
    registry.register_model(candidate(tmp_path / "one", b"weights"))
    with pytest.raises(UserError, match=r"no version 'v7'.*Registered: v1"):
        registry.promote("v7", reason="test")


@pytest.mark.parametrize("harm", ["change", "remove"])
def test_damaged_weights_are_found_on_load_and_put_back_by_registering_again(registry: Registry, tmp_path: Path, harm: str) -> None:
    source = candidate(tmp_path / "one", b"weights")
    version = registry.promote(registry.register_model(source).id, reason="test")
    weights = registry.folder_of(version) / "adapters.safetensors"
    weights.write_bytes(b"weighty") if harm == "change" else weights.unlink()
    with pytest.raises(GradusError, match=r"adapters\.safetensors"):
        registry.get_latest()
    registry.register_model(source)
    assert registry.get_latest() == version
    assert weights.read_bytes() == b"weights"


def test_what_a_kill_left_behind_is_no_obstacle(registry: Registry, tmp_path: Path) -> None:
    for name in (".new", "v1"):
        (registry.folder / "versions" / name).mkdir(parents=True)
        (registry.folder / "versions" / name / "adapters.safetensors").write_bytes(b"half")
    version = registry.register_model(candidate(tmp_path / "one", b"weights"))
    assert version.id == "v1"
    registry.verify(version)
    assert sorted(path.name for path in (registry.folder / "versions").iterdir()) == ["v1"]


def test_a_damaged_registry_is_told_with_its_place(registry: Registry, tmp_path: Path) -> None:
    registry.promote(registry.register_model(candidate(tmp_path / "one", b"weights")).id, reason="test")
    whole = registry.path.read_text()
    registry.path.write_text(whole[: len(whole) // 2])
    with pytest.raises(GradusError, match=r"registry.json: the registry is damaged"):
        registry.book()
    content = json.loads(whole)
    content["versions"][0]["state"] = "archived"
    registry.path.write_text(json.dumps(content))
    with pytest.raises(GradusError, match="current is none, but the history ends with"):
        registry.book()


def test_a_registry_of_a_newer_gradus_is_not_called_damaged(registry: Registry, tmp_path: Path) -> None:
    registry.register_model(candidate(tmp_path / "one", b"weights"))
    content = json.loads(registry.path.read_text())
    registry.path.write_text(json.dumps(content | {"format": 2, "colour": "blue"}))
    with pytest.raises(GradusError, match=r"the registry has format 2, this Gradus reads format 1\. Take the version of Gradus that wrote it"):
        registry.book()


def test_no_name_of_a_version_leads_out_of_the_registry(registry: Registry, tmp_path: Path) -> None:
    registry.register_model(candidate(tmp_path / "one", b"weights"))
    registry.path.write_text(registry.path.read_text().replace('"v1"', '"../../v1"'))
    with pytest.raises(GradusError, match=r"the registry is damaged \(at 'versions\.0\.id' \(String should match pattern .*\)\)"):
        registry.book()


WRITER = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from candidates import candidate
from gradus.errors import UserError
from gradus.registry import Registry
registry, name, count = Registry(Path(sys.argv[3])), sys.argv[4], int(sys.argv[5])
refuse = lambda version, current: [] if i % 3 else [f"{name} will not have it"]
sys.stdout.write("ready\\n"), sys.stdout.flush()
for i in range(count):
    version = registry.register_model(candidate(Path(sys.argv[3]).parent / f"{name}-{i}", f"{name}{i}".encode() * 5000))
    registry.decide(version.id, refuse, reason=name)
    if i % 4 == 3:
        try:
            registry.rollback_model(reason=name)
        except UserError:
            pass
"""


def writer(registry: Registry, name: str, count: int) -> subprocess.Popen[str]:
    arguments = [str(SCRIPTS), str(Path(__file__).parent), str(registry.workspace), name, str(count)]
    return subprocess.Popen([sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_processes_at_the_same_time_lose_nothing(registry: Registry) -> None:
    children = [writer(registry, name, 8) for name in ("a", "b", "c")]
    for child in children:
        assert child.communicate(timeout=60)[1] == ""
    book = registry.book()
    assert [version.id for version in book.versions] == [f"v{i}" for i in range(1, 25)]
    assert len({version.files["adapters.safetensors"] for version in book.versions}) == 24
    for version in book.versions:
        registry.verify(version)
    actions = Counter(event.action for event in book.history)
    assert (actions["registered"], actions["promoted"], actions["refused"]) == (24, 15, 9)
    assert len(book.line_of_succession()) == actions["promoted"] - actions["rolled back"]


def test_processes_killed_at_random_moments_leave_a_whole_registry(registry: Registry) -> None:
    """Two at a time, each shot at another moment; what is read in between and afterwards is always whole."""
    random = Random(5)
    seen = 0
    for turn in range(10):
        children = [writer(registry, f"killed-{turn}{name}", 10_000) for name in "ab"]
        for child in children:
            assert child.stdout is not None
            child.stdout.readline()
        for child in children:
            time.sleep(random.uniform(0, 0.12))
            child.send_signal(signal.SIGKILL)
            for version in registry.book().versions[-4:]:
                registry.verify(version)
        for child in children:
            child.communicate(timeout=30)
        book = registry.book()
        assert len(book.versions) >= seen
        assert [version.id for version in book.versions] == [f"v{i + 1}" for i in range(len(book.versions))]
        seen = len(book.versions)
    for version in registry.book().versions:
        registry.verify(version)
    assert seen > 10
    assert writer(registry, "after", 2).communicate(timeout=30)[1] == ""
    assert registry.get_latest().run == "after-1"
    leftovers = [path.name for path in (registry.folder / "versions").iterdir() if path.name not in {v.id for v in registry.book().versions}]
    assert leftovers == []


def test_a_moved_workspace_finds_its_models(registry: Registry, tmp_path: Path) -> None:
    registry.promote(registry.register_model(candidate(tmp_path / "one", b"weights")).id, reason="test")
    moved = Registry(registry.workspace.rename(tmp_path / "elsewhere"))
    version = moved.get_latest()
    assert moved.base_folder_of(version) == tmp_path / "elsewhere" / BASE.path
    assert moved.folder_of(version).is_relative_to(tmp_path / "elsewhere")


def test_the_gate_is_asked_under_the_lock_with_the_model_that_is_current_then(registry: Registry, tmp_path: Path) -> None:
    first, second = (registry.register_model(candidate(tmp_path / f"run{n}", bytes([n]))) for n in (1, 2))
    asked: list[tuple[str, str | None]] = []

    def gate(version: Version, current: Version | None) -> list[str]:
        asked.append((version.id, current.id if current else None))
        return ["no"] if current else []

    assert registry.decide(first.id, gate, reason="passed")[1] == []
    assert registry.decide(first.id, gate, reason="again")[1] == []
    version, objections = registry.decide(second.id, gate, reason="passed")
    assert (version.state, objections, asked) == ("candidate", ["no"], [("v1", None), ("v2", "v1")])
    assert registry.book().history[-1].reason == "no"


def test_the_rival_is_the_last_current_version_with_other_weights(registry: Registry, tmp_path: Path) -> None:
    first = registry.register_model(candidate(tmp_path / "one", b"one"))
    assert registry.rival_of(first.identity) is None
    registry.promote(first.id, reason="test")
    second = registry.register_model(candidate(tmp_path / "two", b"two"))
    for state in ("candidate", "current"):
        found = registry.rival_of(second.identity)
        assert found is not None
        assert (found.id, registry.get("v2").state) == ("v1", state)
        registry.promote("v2", reason="test")
