"""Adapters for the registry that need not be real ones. Nothing of pytest is in here: processes of their own use it too."""

from __future__ import annotations

from pathlib import Path

from gradus.records import Base
from gradus.registry_entries import Candidate, Graded

GRADED = Graded("B", 75.5, 50.0, 30, None, "e" * 64)
BASE = Base("builtin", "built-in tiny base", "models/base/tiny", "abc123", "asked for", 1000)


def candidate(folder: Path, weights: bytes, graded: Graded = GRADED, base: Base = BASE) -> Candidate:
    """An adapter with these bytes; the registry never looks into them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapters.safetensors").write_bytes(weights)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "evaluation.json").write_text(graded.evaluation_sha256)
    (folder / "answers.jsonl").write_text("answers")
    files = (folder / "adapters.safetensors", folder / "adapter_config.json")
    return Candidate(folder.name, "lora", base, {"train": "a" * 64}, graded, files, (folder / "evaluation.json", folder / "answers.jsonl"))
