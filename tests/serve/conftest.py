"""A workspace whose registry holds two versions of the tiny base with different adapters; v2 is current."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gradus.records import Base
from gradus.registry import Registry
from gradus.registry_entries import Candidate, Graded

from ..delivery.conftest import make_adapter

GRADED = Graded("B", 75.5, 50.0, 30, None, "e" * 64)


def register(registry: Registry, adapter: Path, base: Path) -> str:
    """Enter an adapter of that base and make it current; its id."""
    evidence = adapter / "evaluation.json"
    evidence.write_text("{}")
    entry = Base("builtin", "built-in tiny base", str(base), "abc123", "asked for", 100_000)
    files = (adapter / "adapters.safetensors", adapter / "adapter_config.json")
    version = registry.register_model(Candidate(adapter.name, "lora", entry, {"train": "a" * 64}, GRADED, files, (evidence,)))
    return registry.promote(version.id, reason="test").id


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Path:
    """The workspace. Do not write into it."""
    root = tmp_path_factory.mktemp("serve")
    for seed in (1, 2):
        adapter = make_adapter(tiny_base, root / f"run{seed}", seed=seed, strength=0.2)
        register(Registry(root / "workspace"), adapter, tiny_base)
    return root / "workspace"


@pytest.fixture
def workspace(registered: Path, tmp_path: Path) -> Path:
    """A copy of it to write into."""
    return Path(shutil.copytree(registered, tmp_path / "workspace"))
