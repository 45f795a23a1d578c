"""Which base models and which presets this machine has the memory for, by the prediction of `gradus.footprint`."""

from __future__ import annotations

from collections.abc import Iterator

from gradus.config import Config, load_config
from gradus.config.load import PROJECT
from gradus.doctor.finding import Finding
from gradus.footprint import answering_bytes, builtin_architecture, read_bases, read_machines, rounding_bytes, training_bytes

PRESETS = PROJECT / "config" / "presets"
GB = 1e9


def bases(config: Config, memory: int, *, gpu: bool) -> Finding:
    """The largest 4-bit base that fits with the configured settings, and whether the configured one does; `memory` in bytes."""
    limit = _limit(config, memory)
    need = {name: training_bytes(base, config) for name, base in read_bases().items()}
    fitting = [name for name, base in read_bases().items() if need[name] <= limit and base.bits == 4]
    table = ", ".join(f"{_short(name)} {size / GB:.1f}" for name, size in need.items())
    tokens = f"{config.train.batch_size} x {config.prepare.max_tokens} tokens"
    largest = fitting[-1] if fitting else "only the built-in base"
    text = f"{largest} fits into {_gb(limit)}. GB to train with {tokens}, predicted: {table}"
    wanted = config.model.hub.name if config.model.base == "auto" and gpu else config.model.base
    if need.get(wanted, 0) > limit:
        cure = "06_train_mlx measures it, and cuts the batches when it must. Or set train.gradient_checkpointing=true, or take a preset"
        return Finding("base", "warning", f"{wanted} would not fit whole. {text}", cure)
    return Finding("base", "ok", text)


def presets(config: Config, memory: int) -> Iterator[Finding]:
    """Each preset, from the smallest machine to the largest: what it is predicted to need, and whether this machine has that."""
    limit = _limit(config, memory)
    for name, machine in sorted(read_machines().items(), key=lambda item: item[1].memory_gb * item[1].usable):
        text, peak = _predicted(load_config([PRESETS / f"{name}.yaml"]))
        text = f"{text}; meant for {machine.memory_gb} GB"
        if peak <= limit:
            yield Finding(name, "ok", f"{text}; fits here")
        else:
            cure = "Take a preset that fits, or with this one lower prepare.max_tokens and train.batch_size, or set a smaller model.base"
            yield Finding(name, "warning", f"{text}; does not fit here, into {_gb(limit)}", cure)


def _predicted(config: Config) -> tuple[str, int]:
    """What a preset is predicted to take, in words, and its peak in bytes."""
    base = read_bases().get(config.model.base) or builtin_architecture(config.model.builtin)
    training, answering, rounding = training_bytes(base, config), answering_bytes(base, config), rounding_bytes(base, config)
    later, step = max((answering, "07_evaluate"), (rounding, "11_quantize"))
    text = f"{_short(config.model.base)}, training {_gb(training)}, predicted"
    return (f"{text}, {step} up to {_gb(later)}" if later > training else text), max(training, later)


def _limit(config: Config, memory: int) -> float:
    return (config.train.memory.limit_gb * GB or memory) * config.train.memory.limit_fraction


def _gb(size: float) -> str:
    return f"{size / GB:.1f} GB" if size >= GB else f"{size / GB:.2g} GB"


def _short(name: str) -> str:
    return name.rpartition("/")[2]
