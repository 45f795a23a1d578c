"""requirements.lock holds every package of requirements.txt within its bounds, for each Python; the workflow tries them and may only read."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from gradus.config.load import PROJECT

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


def requirements(name: str) -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in (PROJECT / name).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line]


def applies(one: Requirement, python: str, system: str) -> bool:
    machine = "arm64" if system == "darwin" else "x86_64"
    place = {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": system, "platform_machine": machine}
    return one.marker is None or one.marker.evaluate(place)


@pytest.mark.parametrize("system", ["linux", "darwin"])
@pytest.mark.parametrize("python", PYTHONS)
def test_every_requirement_is_locked_once_within_its_bounds(python: str, system: str) -> None:
    wrong = []
    for wanted in requirements("requirements.txt"):
        same = [one for one in requirements("requirements.lock") if canonicalize_name(one.name) == canonicalize_name(wanted.name)]
        found = [str(one.specifier).removeprefix("==") for one in same if applies(one, python, system)]
        if applies(wanted, python, system) and not (len(found) == 1 and wanted.specifier.contains(found[0])):
            wrong.append(f"{wanted}: {found}")
    assert wrong == []


def test_every_requirement_is_bounded_from_below_and_above() -> None:
    open_ended = [str(one) for one in requirements("requirements.txt") if {part.operator for part in one.specifier} != {">=", "<"}]
    assert open_ended == []


def test_locked_are_exact_versions_and_no_place_of_this_machine() -> None:
    for one in requirements("requirements.lock"):
        assert str(one.specifier).startswith("=="), str(one)
        assert one.url is None, str(one)


@pytest.fixture(scope="module")
def workflow() -> Any:
    return yaml.safe_load((PROJECT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))


def test_the_workflow_may_only_read_and_ends(workflow: Any) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["test"]["timeout-minutes"] <= 90


def test_the_workflow_runs_what_ci_runs_on_every_allowed_python(workflow: Any) -> None:
    job = workflow["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == PYTHONS
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    allowed = SpecifierSet(project["requires-python"])
    assert all(allowed.contains(python) for python in PYTHONS)
    assert not allowed.contains("3.10")
