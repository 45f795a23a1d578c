"""Names and versions of the packages that read: they stand in every document and in the step's fingerprint."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("trafilatura", "markdownify", "pypdfium2", "mammoth", "docutils", "pyarrow")


@cache
def named(*packages: str) -> str:
    """`trafilatura 2.3.1, markdownify 1.2.3`."""
    return ", ".join(f"{package} {version_of(package)}" for package in packages)


def version_of(package: str) -> str:
    """Version of an installed package, `missing` when it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
