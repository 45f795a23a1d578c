"""Where training starts: at the base model, or at the adapter of the registry's current model (`train.start_from`)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradus.errors import UserError
from gradus.files import read_json
from gradus.registry import Registry
from gradus.registry_entries import WEIGHTS, Version, identity_in

if TYPE_CHECKING:
    from gradus.backend import nn

log = logging.getLogger(__name__)
MUST_AGREE = ("fine_tune_type", "num_layers", "rank", "scale")


@dataclass(frozen=True)
class Start:
    """A registered adapter to go on from, and the folder with its files."""

    version: Version
    folder: Path


def starting_version(workspace: Path, run: str) -> Version | None:
    """The current version; when that is the adapter of this very run, the one it replaced, so that the answer stays the same."""
    return Registry(workspace).rival_of(identity_in(workspace / "adapters" / run))


def find_start(workspace: Path, run: str, base: Mapping[str, Any]) -> Start | None:
    """The adapter to go on from, its files verified; None when no model is current yet.

    Raises:
        UserError: when it belongs to another base. GradusError: when its files are damaged.
    """
    version = starting_version(workspace, run)
    if version is None:
        log.info("No model is current yet: training starts from the base.")
        return None
    if version.base.revision != base["revision"]:
        what = f"the current model {version.id} has another base ({version.base.name} {version.base.revision}) than this run ({base['revision']})"
        raise UserError(what, where="train.start_from", cure="Name that base in model.base, or take train.start_from=base")
    registry = Registry(workspace)
    registry.verify(version)
    log.info("Training goes on from %s (run %s)", version.id, version.run)
    return Start(version, registry.folder_of(version))


def load_start(model: nn.Module, folder: Path, adapter_config: Mapping[str, Any]) -> None:
    """Give the trainable weights the values of an adapter. Raises UserError when it has another form than this run's."""
    from gradus.backend import mx
    from gradus.train.method import trainable_parameters

    then, now = _form(read_json(folder / "adapter_config.json")), _form(adapter_config)
    weights, wanted = dict(mx.load(str(folder / WEIGHTS))), trainable_parameters(model)
    others = [f"{key} {then[key]} instead of {now[key]}" for key in MUST_AGREE if then[key] != now[key]]
    if {name: w.shape for name, w in weights.items()} != {name: w.shape for name, w in wanted.items()}:
        others = others or ["other layers"]
    if others:
        cure = "Set train.method, train.layers and train.lora as they were, or take train.start_from=base"
        raise UserError(f"the adapter to go on from has another form ({', '.join(others)})", where="train.start_from", cure=cure)
    model.load_weights(list(weights.items()), strict=False)


def _form(config: Mapping[str, Any]) -> dict[str, Any]:
    """What decides which weights an adapter has and what they do; dropout is free to change."""
    flat = {**config, **(config.get("lora_parameters") or {})}
    return {key: flat.get(key) for key in MUST_AGREE}
