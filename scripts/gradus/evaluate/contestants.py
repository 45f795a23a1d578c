"""Who answers the questions: the base, the tuned model, and the registry's model that the tuned one would replace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradus.config import Config
from gradus.evaluate.answering import Asked, Limits, ask
from gradus.evaluate.questions import Question
from gradus.log import progress
from gradus.records import Base
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


def ask_all(context: StepContext, base: Base, questions: Sequence[Question], rival: Rival) -> dict[str, Asked]:
    """What `base`, `tuned` and, when there is a rival, `current` answer."""
    settings = context.config.evaluate
    limits = Limits(settings.max_tokens, settings.batch_size, context.config.prepare.max_tokens)
    own = context.workspace / base.path
    models: dict[str, tuple[Path, Path | None]] = {"base": (own, None), "tuned": (own, context.input(ADAPTER).parent)}
    if rival.base:
        models["current"] = (rival.base, rival.adapter)
    with progress("Answering", len(models) * len(questions)) as advance:
        return {
            name: ask(name, folder, adapter, questions, limits, context.out / "parts", advance)
            for name, (folder, adapter) in models.items()
        }  # fmt: skip
