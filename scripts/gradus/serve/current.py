"""Which model is current, where its files are, and whether that has changed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from gradus.config.serve import Serve
from gradus.errors import GradusError
from gradus.files import read_json, sha256_file, sha256_json
from gradus.registry import Registry
from gradus.registry_entries import WEIGHTS, Version

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Served:
    """One version with the folders to load: a model, and an adapter unless it is fused into it."""

    version: Version
    model: Path
    adapter: Path | None

    def __str__(self) -> str:
        graded = self.version.graded
        grade = "grade withheld" if graded.letter is None else f"grade {graded.letter}, {graded.percent:.1f} %"
        form = "base and adapter" if self.adapter else "fused model"
        return f"{self.version.id} ({grade}; {form}; base {self.version.base.name})"


def find_current(registry: Registry, settings: Serve) -> Served:
    """The current version, its files verified.

    Raises:
        UserError: when no version is current yet. GradusError: when its files are damaged or its base is gone.
    """
    version = registry.get_latest()
    if settings.model == "auto" and (fused := _fused(registry.workspace, version)):
        return Served(version, fused, None)
    base = registry.base_folder_of(version)
    if not (base / "config.json").is_file():
        cure = f"Bring it back (python scripts/05_prepare.py --run {version.run} --force), or promote another version"
        raise GradusError(f"the base model of {version.id} is not there any more", where=str(base), cure=cure)
    return Served(version, base, registry.folder_of(version))


def _fused(workspace: Path, version: Version) -> Path | None:
    """The folder that 10_fuse made from this very adapter and that nobody changed since; None when there is none."""
    folder = workspace / "models" / "fused" / version.run
    path = folder / "10_fuse.done.json"
    marker = read_json(path) if path.is_file() else {"inputs": {}, "outputs": {}}
    if marker["inputs"].get(f"06_train_mlx/{WEIGHTS}") != sha256_json({WEIGHTS: version.weights}) or not _on_base_of(folder, version):
        log.info("No fused model was made from the adapter of %s on its base: base and adapter are taken.", version.id)
        return None
    files = {folder / name: entry["sha256"] for name, entry in marker["outputs"].items() if name.startswith("model/")}
    changed = next((file for file, sha256 in files.items() if not file.is_file() or sha256_file(file) != sha256), None)
    if changed or not files:
        log.warning("%s: changed since 10_fuse wrote it. Base and adapter are taken instead.", changed or folder)
        return None
    return folder / "model"


def _on_base_of(folder: Path, version: Version) -> bool:
    path = folder / "fuse.json"
    base = read_json(path)["base"] if path.is_file() else {}
    return (base.get("name"), base.get("revision")) == (version.base.name, version.base.revision)


class Current:
    """The version in use, and whether the registry has named another since."""

    def __init__(self, registry: Registry, settings: Serve) -> None:
        self._registry, self._settings = registry, settings
        self._seen = self._state()
        self.served = find_current(registry, settings)

    def refresh(self) -> bool:
        """Look at the registry; True when another version is current now. One that cannot be used is told, and the old one stays."""
        state = self._state()
        if state == self._seen:
            return False
        self._seen = state
        old = self.served
        try:
            now = self._registry.book().current
            if now and (now.id, now.weights) == (old.version.id, old.version.weights):
                return False
            self.served = find_current(self._registry, self._settings)
        except (GradusError, OSError) as error:
            log.error("%s %s stays in use.", error, old.version.id)
            return False
        log.info("The registry's current model changed: %s takes the place of %s.", self.served, old.version.id)
        return True

    def _state(self) -> tuple[int, int] | None:
        """Another file in its place has another number or time; None while there is none."""
        try:
            state = self._registry.path.stat()
        except FileNotFoundError:
            return None
        return state.st_ino, state.st_mtime_ns
