"""Peak memory predicted from the measures of a model: the counts are exact, the rest is near what real steps took."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys

import pytest

from gradus.backend import mx, nn, tree_flatten
from gradus.config import Config, load_config
from gradus.config.load import PROJECT
from gradus.footprint import (
    Architecture,
    answering_bytes,
    builtin_architecture,
    read_bases,
    read_machines,
    rounding_bytes,
    training_bytes,
)

BASES = read_bases()
MACHINES = read_machines()
PRESETS = PROJECT / "config" / "presets"
README = (PROJECT / "README.md").read_text(encoding="utf-8")
PUBLISHED = {"0.6B": 0.596, "1.7B": 1.72, "4B": 4.02, "8B": 8.19, "14B": 14.77, "32B": 32.76, "1B": 1.24, "3B": 3.21}
"""Parameters in 10^9 as their makers state them, by the size in the name."""


def lazy_model(base: Architecture) -> nn.Module:
    """The real architecture of mlx-lm; its weights are never computed."""
    kind = importlib.import_module(f"mlx_lm.models.{base.model_type}")
    model: nn.Module = kind.Model(kind.ModelArgs.from_dict(base.config()))
    model.set_dtype(mx.float32 if base.bits == 32 else mx.bfloat16)
    if base.bits < 16:
        nn.quantize(model, base.group_size, base.bits)
    return model


def preset(name: str) -> tuple[Config, Architecture]:
    config = load_config([PRESETS / f"{name}.yaml"])
    return config, BASES.get(config.model.base) or builtin_architecture(config.model.builtin)


@pytest.mark.parametrize("name", BASES)
def test_weights_are_counted_to_the_byte(name: str) -> None:
    before = mx.get_active_memory()
    weights = tree_flatten(lazy_model(BASES[name]).parameters())
    assert sum(value.nbytes for _, value in weights) == BASES[name].weight_bytes()
    assert mx.get_active_memory() - before < 1e6


@pytest.mark.parametrize("name", BASES)
def test_the_shape_has_the_parameters_that_its_name_says(name: str) -> None:
    size = re.search(r"-([\d.]+B)-", name)
    assert size is not None
    assert BASES[name].parameters() / 1e9 == pytest.approx(PUBLISHED[size[1]], rel=0.005)


def test_every_preset_has_its_machine_and_every_machine_its_preset() -> None:
    assert sorted(MACHINES) == sorted(path.stem for path in PRESETS.glob("*.yaml"))
    assert len(MACHINES) == 7


@pytest.mark.parametrize("name", MACHINES)
def test_a_preset_stays_within_the_memory_of_its_machine(name: str) -> None:
    """Within what 06_train_mlx may take there before it cuts the batches; and nearly filling it would leave no room for error."""
    config, base = preset(name)
    assert config.model.base == "builtin" or config.model.base in BASES
    machine = MACHINES[name]
    usable = machine.memory_gb * 2**30 * machine.usable
    training = training_bytes(base, config)
    assert 0 < training <= 0.75 * usable
    assert max(training, answering_bytes(base, config), rounding_bytes(base, config)) <= config.train.memory.limit_fraction * usable


def test_the_table_of_the_readme_is_predicted() -> None:
    rows = re.findall(r"^\| [^|]+ \| `([\w+-]+)` \| `([^`]+)` \| ([\d.]+) GB \| ([\d.]+) GB \| ([\d.]+) GB \|$", README, re.MULTILINE)
    assert len(rows) == 5
    for name, told, *figures in rows:
        config, base = preset(name)
        sizes = (base.weight_bytes(), training_bytes(base, config), rounding_bytes(base, config))
        assert (told, figures) == (config.model.base, [f"{size / 1e9:.1f}" for size in sizes])


def test_less_of_anything_needs_less() -> None:
    config, base = preset("mac-32gb")
    whole = training_bytes(base, config)
    for key, value in (("batch_size", 1), ("gradient_accumulation", 1), ("layers", 8), ("lora.rank", 4), ("optimizer", "sgd")):
        fewer = load_config([PRESETS / "mac-32gb.yaml"], [f"train.{key}={value}"])
        assert training_bytes(base, fewer) < whole, key
    assert training_bytes(base, load_config([PRESETS / "mac-32gb.yaml"], ["prepare.max_tokens=512"])) < whole
    assert training_bytes(base, config, supervised=0.5) < whole
    assert training_bytes(base, load_config([PRESETS / "mac-32gb.yaml"], ["train.gradient_checkpointing=false"])) > whole
    assert training_bytes(base, load_config([PRESETS / "mac-32gb.yaml"], ["train.method=full"])) > whole


STEPS = """
import gc
import numpy as np
from gradus.backend import mx
from gradus.config import load_config
from gradus.train.data import Batch
from gradus.train.loss import Forward, parts
from gradus.train.checkpointing import checkpoint_layers
from gradus.train.method import make_optimizer, make_trainable
from gradus.train.update import make_step
from tests.test_footprint import MEASURED, lazy_model, settings_of

def peak(base, settings):
    train, width = load_config(settings=settings_of(settings)).train, 128
    model = lazy_model(base)
    block = type(model.layers[0])
    plain = block.__call__
    make_trainable(model, train)
    if train.gradient_checkpointing:
        checkpoint_layers(model)
    optimizer = make_optimizer(train)
    optimizer.init(model.trainable_parameters())
    mx.eval(model.parameters(), optimizer.state)
    mx.reset_peak_memory()
    ones = np.ones((train.batch_size, width + 1), np.int32)
    step = make_step(model, optimizer, train, Forward(packed=True, split_head=True))
    loss, count, pending = step(parts(Batch(ones, ones, ones, ())), None, True)
    mx.eval(loss, count, pending, model.state, optimizer.state)
    block.__call__ = plain
    return mx.get_peak_memory()

for base, settings in MEASURED:
    before = mx.get_active_memory()
    print(peak(base, settings) - before)
    gc.collect()
"""
SMALL = Architecture("qwen3", 256, 4, 4, 2, 64, 768, 2048, True, 32)
WIDE = Architecture("llama", 256, 2, 4, 4, 64, 768, 24000, False, 32)
MEASURED: list[tuple[Architecture, dict[str, str]]] = [
    (SMALL, {"gradient_checkpointing": "true"}),
    (SMALL, {"gradient_checkpointing": "false"}),
    (WIDE, {"gradient_checkpointing": "true"}),
    (WIDE, {"gradient_checkpointing": "false", "lora.rank": "4"}),
    (Architecture("qwen3", 256, 2, 4, 2, 64, 768, 1024, True, 4), {"gradient_checkpointing": "true"}),
]


def settings_of(values: dict[str, str]) -> list[str]:
    """One update on a row of 128 tokens."""
    values = {"schedule.warmup_updates": "0", "schedule.name": "constant", "batch_size": "1", "row_tokens": "128", **values}
    return ["prepare.max_tokens=128", *(f"train.{key}={value}" for key, value in values.items())]


def test_the_prediction_is_near_the_peak_of_a_real_step() -> None:
    """In a process of its own, since streams are chosen once for each."""
    environment = {"GRADUS_CPU_STREAMS": "1", "PYTHONPATH": f"{PROJECT / 'scripts'}:{PROJECT}"}
    done = subprocess.run([sys.executable, "-c", STEPS], capture_output=True, text=True, check=False, cwd=PROJECT, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    predicted = [training_bytes(base, load_config(settings=settings_of(settings))) for base, settings in MEASURED]
    assert predicted == pytest.approx(list(map(int, done.stdout.split())), rel=0.15)
