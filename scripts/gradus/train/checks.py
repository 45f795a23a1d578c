"""Settings that cannot work with this model or this data, told before any weight is loaded."""

from __future__ import annotations

from pathlib import Path

from gradus.config.schema import Train
from gradus.errors import UserError
from gradus.files import read_json


def check_values(train: Train, base: Path, data: Path) -> None:
    """Check what can be checked from the model's `config.json` and the number of rows.

    Raises:
        UserError: for more layers than the model has, a batch larger than the data, a warm-up longer than the run.
    """
    config = read_json(base / "config.json")
    total = config.get("num_hidden_layers") if isinstance(config, dict) else None
    if isinstance(total, int):
        layer_count(train, total)
    with data.open("rb") as stream:
        rows = sum(1 for _ in stream)
    if rows < train.batch_size:
        cure = f"Take at most {rows}, or add documents"
        raise UserError(f"train.batch_size is {train.batch_size}, but there are {rows} training examples", where="train.batch_size", cure=cure)
    check_warmup(train)


def layer_count(train: Train, total: int) -> int:
    """How many of the model's `total` blocks, counted from the end, are trained. Raises UserError when it has fewer."""
    if train.layers > total or train.layers == 0:
        cure = f"Take -1 (all) or 1 to {total}"
        raise UserError(f"train.layers is {train.layers}, but the model has {total} layers", where="train.layers", cure=cure)
    return total if train.layers == -1 else train.layers


def check_warmup(train: Train) -> int:
    """The number of optimizer updates of the run. Raises UserError when warm-up takes them all."""
    updates = train.iterations // train.gradient_accumulation
    if train.schedule.warmup_updates >= updates:
        what = f"warm-up takes {train.schedule.warmup_updates} updates, the run has {updates}"
        raise UserError(what, where="train.schedule.warmup_updates", cure="Lower it or raise train.iterations")
    return updates
