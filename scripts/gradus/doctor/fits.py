"""Which base models this machine can train with the configured settings, by an estimate of the peak memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from gradus.config import Config
from gradus.config.load import PROJECT
from gradus.doctor.finding import Finding

BASES = PROJECT / "config" / "bases.yaml"


@dataclass(frozen=True)
class Shape:
    """A base model: parameters in 10^9, bits of a stored weight, and its measures."""

    name: str
    parameters: float
    bits: float
    layers: int
    hidden: int
    heads: int
    vocabulary: int


def read_bases(path: Path = BASES) -> list[Shape]:
    """The bases of `config/bases.yaml`, smallest first."""
    return [Shape(**row) for row in yaml.safe_load(path.read_text(encoding="utf-8"))]


def training_bytes(shape: Shape, config: Config) -> float:
    """Rough estimate of the peak of adapter training, in bytes: weights, activations in 16 bit, logits.

    A layer keeps 34 h + 5 a s bytes a token (Korthikanti et al. 2022, arXiv 2205.05198, eq. 2; width h, a heads, s tokens a
    row), with gradient checkpointing its input of 2 h alone; one layer is always whole. Logits are there three times in
    32 bit: themselves, their exponentials and their gradient. Adapter and optimizer are small beside these. Five small
    Qwen3 models in float32 (activations counted double) on a CPU took 0.5 to 1.2 times of it.
    """
    train = config.train
    tokens = train.batch_size * config.prepare.max_tokens
    whole = 34 * shape.hidden + 5 * shape.heads * config.prepare.max_tokens
    kept = shape.layers * 2 * shape.hidden + whole if train.gradient_checkpointing else shape.layers * whole
    return shape.parameters * 1e9 * shape.bits / 8 + tokens * (kept + 3 * 4 * shape.vocabulary)


def bases(config: Config, memory: int, *, gpu: bool) -> Finding:
    """The largest base that fits, and whether the configured one does; `memory` in bytes."""
    limit = (config.train.memory.limit_gb * 1e9 or memory) * config.train.memory.limit_fraction
    shapes = read_bases()
    need = {shape.name: training_bytes(shape, config) for shape in shapes}
    fitting = [name for name in need if need[name] <= limit]
    table = ", ".join(f"{name.rpartition('/')[2]} {need[name] / 1e9:.1f}" for name in need)
    tokens = f"{config.train.batch_size} x {config.prepare.max_tokens} tokens"
    largest = fitting[-1] if fitting else "only the built-in base"
    text = f"{largest} fits into {limit / 1e9:.1f} GB. GB to train with {tokens}, a rough estimate: {table}"
    wanted = config.model.hub.name if config.model.base == "auto" and gpu else config.model.base
    if wanted in need and wanted not in fitting:
        cure = "06_train_mlx measures it, and cuts the batches when it must. Or set train.gradient_checkpointing=true, or take a preset"
        return Finding("base", "warning", f"{wanted} would not fit whole. {text}", cure)
    return Finding("base", "ok", text)
