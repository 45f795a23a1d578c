"""requirements.lock holds a version of every package of requirements.txt, within its bounds; the workflow may only read."""

from __future__ import annotations

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from gradus.config.load import PROJECT


def requirements(name: str) -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in (PROJECT / name).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line]


def test_every_requirement_is_locked_within_its_bounds() -> None:
    locked = {canonicalize_name(one.name): one for one in requirements("requirements.lock")}
    wrong = []
    for wanted in requirements("requirements.txt"):
        found = locked.get(canonicalize_name(wanted.name))
        if found is None or not wanted.specifier.contains(str(found.specifier).removeprefix("==")):
            wrong.append(f"{wanted}: {found}")
    assert wrong == []


def test_locked_are_exact_versions_and_no_place_of_this_machine() -> None:
    for one in requirements("requirements.lock"):
        assert str(one.specifier).startswith("=="), str(one)
        assert one.url is None, str(one)


def test_the_workflow_may_only_read_and_ends() -> None:
    workflow = yaml.safe_load((PROJECT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    job = workflow["jobs"]["test"]
    assert job["timeout-minutes"] <= 60
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make test PYTHON=python", "make smoke PYTHON=python"]
