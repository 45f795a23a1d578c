"""The registry's model that the tuned one would replace. Every run asks for it, to tell whether the grade is up to date; so MLX stays out of here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gradus.config import Config
from gradus.registry import Registry, damage
from gradus.registry_entries import WEIGHTS, Version, identity_in
from gradus.step import StepContext, workspace_of

ADAPTER = f"06_train_mlx/{WEIGHTS}"


@dataclass(frozen=True)
class Rival:
    """The model that the tuned one would replace; without a version there is none to compare with, and `note` may say why."""

    version: str | None = None
    base: Path | None = None
    """The folder of its own base, which need not be that of the tuned model."""
    adapter: Path | None = None
    note: str = ""


def describe_rival(config: Config) -> str:
    """The version that `find_rival` would look at, for the step's fingerprint; '' when there is none."""
    if not config.evaluate.current:
        return ""
    workspace = workspace_of(config)
    version = _stands_up_to(workspace, workspace / "adapters" / config.run.name)
    return f"{version.id} {version.files[WEIGHTS]}" if version else ""


def find_rival(context: StepContext) -> Rival:
    """The last model that was made current and is not the candidate itself, if its files are still there.

    A candidate that is current already meets the model that it replaced, so its own promotion changes nothing here.
    """
    version = _stands_up_to(context.workspace, context.input(ADAPTER).parent) if context.config.evaluate.current else None
    if version is None:
        return Rival()
    registry = Registry(context.workspace)
    base, folder = registry.base_folder_of(version), registry.folder_of(version)
    if not base.is_dir():
        return Rival(note=f"The current model {version.id} was not compared: its base model {version.base.name} is gone.")
    if found := damage(folder, version):
        return Rival(note=f"The current model {version.id} was not compared: its file {found[0].name} {found[1]}.")
    return Rival(version.id, base, folder)


def _stands_up_to(workspace: Path, adapter: Path) -> Version | None:
    return Registry(workspace).rival_of(identity_in(adapter))
