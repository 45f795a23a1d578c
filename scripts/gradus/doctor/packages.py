"""The installed packages against requirements.txt."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gradus.doctor.finding import Finding

# Not by gradus.config, which needs packages.
REQUIREMENTS = Path(__file__).resolve().parents[3] / "requirements.txt"
ONLY_FOR_TESTS = {"ruff", "mypy", "pytest", "types-pyyaml"}


def packages(file: Path = REQUIREMENTS) -> Iterator[Finding]:
    """One line for all that fit, and one for each that is missing or of a version that was not tried."""
    try:
        from packaging.requirements import Requirement
    except ImportError:
        yield Finding("packages", "bad", "the packages of Gradus are not installed here", "Install them: pip install -r requirements.txt")
        return
    lines = [line.partition("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines()]
    wanted = [requirement for requirement in map(Requirement, filter(None, lines)) if not requirement.marker or requirement.marker.evaluate()]
    fitting = []
    for requirement in wanted:
        found = _installed(requirement.name)
        if found and requirement.specifier.contains(found, prereleases=True):
            fitting.append(f"{requirement.name} {found}")
            continue
        what = f"{requirement.name} {found} does not fit {requirement.specifier}" if found else f"{requirement.name} is missing"
        cure = f'pip install "{requirement.name}{requirement.specifier}"'
        if requirement.name.lower() in ONLY_FOR_TESTS:
            yield Finding("packages", "warning", f"{what} (only lint and tests need it)", cure)
        else:
            yield Finding("packages", "bad", what, cure)
    main = [name for name in fitting if name.split()[0] in ("mlx", "mlx-lm", "numpy", "huggingface-hub")]
    yield Finding("packages", "ok", f"{len(fitting)} of {len(wanted)} fit requirements.txt, among them {', '.join(main)}")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
