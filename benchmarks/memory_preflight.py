"""How well the peak memory of training is predicted: a grid of real runs, each in a process of its own.

    python benchmarks/memory_preflight.py
    python benchmarks/memory_preflight.py --shapes

Builds small models, trains each setting for two updates, and compares the prediction that was made before training with
the peak that MLX measured while it trained. With --shapes the models have the real measures of published ones and random
weights, are trained as presets say, on rows short enough for a CPU, and the prediction is that of `gradus.footprint`, from
the measures alone, by which make doctor tells what fits. The last line is JSON: the number of settings and the worst
relative error.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
sys.path.insert(0, str(SCRIPTS))

from gradus.config import load_config  # noqa: E402
from gradus.config.load import PROJECT  # noqa: E402
from gradus.config.schema import Config  # noqa: E402
from gradus.files import read_json, write_json, write_jsonl  # noqa: E402
from gradus.footprint import Architecture, read_bases, training_bytes  # noqa: E402

SHAPES = {
    "wide": {"layers": 2, "hidden": 128, "heads": 4, "kv_heads": 2, "intermediate": 384, "vocabulary": 1024},
    "deep": {"layers": 6, "hidden": 64, "heads": 2, "kv_heads": 1, "intermediate": 192, "vocabulary": 512},
    "vocal": {"layers": 2, "hidden": 96, "heads": 3, "kv_heads": 3, "intermediate": 256, "vocabulary": 4096},
}


@dataclass(frozen=True)
class Setting:
    """One line of the table; `q4` is LoRA on a 4-bit base."""

    shape: str
    method: str
    width: int
    batch_size: int
    checkpointing: bool = False
    accumulation: int = 1
    packing: bool = True
    optimizer: str = "adamw"

    def __str__(self) -> str:
        marks = ["checkpointing"] * self.checkpointing + ["unpacked"] * (not self.packing)
        marks += [f"accumulation {self.accumulation}"] * (self.accumulation > 1) + [self.optimizer] * (self.optimizer != "adamw")
        return " ".join([f"{self.shape:5} {self.method:4} width {self.width:3} batch {self.batch_size:2}", *marks])


GRID = [
    Setting("wide", "lora", 128, 4),
    Setting("wide", "lora", 256, 4),
    Setting("wide", "lora", 512, 2),
    Setting("wide", "lora", 512, 4, checkpointing=True),
    Setting("wide", "dora", 256, 2, accumulation=2),
    Setting("wide", "full", 256, 4),
    Setting("wide", "full", 512, 2, accumulation=3, checkpointing=True),
    Setting("wide", "q4", 256, 4),
    Setting("deep", "lora", 128, 8, checkpointing=True),
    Setting("deep", "lora", 512, 2, accumulation=2),
    Setting("deep", "dora", 128, 8),
    Setting("deep", "full", 256, 1, optimizer="sgd"),
    Setting("deep", "q4", 512, 2, packing=False),
    Setting("vocal", "lora", 256, 4, packing=False),
    Setting("vocal", "lora", 512, 1, checkpointing=True),
    Setting("vocal", "full", 128, 8, optimizer="muon"),
]


@dataclass(frozen=True)
class Real:
    """One line of the table of real shapes: a published base with so many of its layers, trained as a preset says."""

    base: str
    layers: int
    bits: int
    preset: str
    width: int
    checkpointing: bool = True

    def __str__(self) -> str:
        marks = "" if self.checkpointing else " no checkpointing"
        return f"{self.base:21} {self.layers:2} layers {self.bits:2} bits {self.preset:10} rows of {self.width}{marks}"

    def architecture(self) -> Architecture:
        """The measures of the model that is really built."""
        bases = {name.rpartition("/")[2].removesuffix("-4bit"): base for name, base in read_bases().items()}
        return replace(bases[self.base], num_hidden_layers=self.layers, bits=self.bits)

    def config(self) -> Config:
        """The preset, with short rows and one update of one batch."""
        preset = PROJECT / "config" / "presets" / f"{self.preset}.yaml"
        values = {
            "row_tokens": self.width, "iterations": 1, "gradient_accumulation": 1, "checkpoint_every": 1, "validate_every": 100, "layers": -1,
            "schedule.warmup_updates": 0, "schedule.name": "constant", "memory.on_excess": "ignore",
            "gradient_checkpointing": str(self.checkpointing).lower(),
        }  # fmt: skip
        return load_config([preset], [f"prepare.max_tokens={self.width}", *(f"train.{key}={value}" for key, value in values.items())])


REAL = [
    Real("Qwen3-0.6B", 28, 16, "mac-8gb", 32),
    Real("Qwen3-0.6B", 4, 16, "mac-8gb", 32, checkpointing=False),
    Real("Llama-3.2-1B-Instruct", 2, 16, "mac-16gb", 32),
    Real("Qwen3-1.7B", 2, 16, "mac-16gb", 32),
    Real("Qwen3-0.6B", 2, 4, "mac-8gb", 32),
]


def texts(count: int) -> list[str]:
    """Made-up prose with enough different words for a vocabulary of some thousands."""
    draw = random.Random(0)
    parts = [a + b + c for a in "bdfgklmnprst" for b in ("a", "e", "i", "o", "u", "ai", "ou") for c in "lmnrst"]
    words = [draw.choice(parts) + draw.choice(parts) for _ in range(3000)]
    return [" ".join(draw.choice(words) for _ in range(400)) for _ in range(count)]


def build(name: str, folder: Path) -> dict[str, Path]:
    """The model of a shape, as it is and in 4 bits."""
    from mlx_lm.utils import load, quantize_model, save

    from gradus.prepare.builtin import build_builtin

    values = {**SHAPES[name], "context": 1024, "steps": 2, "batch_size": 2, "sequence_length": 64}
    config = load_config(settings=[f"model.builtin.{key}={value}" for key, value in values.items()])
    build_builtin(texts(60), config.model.builtin, 7, folder / name)
    model, tokenizer, model_config = load(str(folder / name), return_config=True)
    model, model_config = quantize_model(model, model_config, group_size=32, bits=4)
    save(folder / f"{name}-q4", str(folder / name), model, tokenizer, model_config)
    return {"q4": folder / f"{name}-q4", "": folder / name}


def write_data(folder: Path) -> None:
    """Conversations of unequal length, from some words to more than the widest row.

    Those of validation are short: what is predicted is the peak of an update, and two updates may meet no long one.
    """
    draw = random.Random(1)
    for split, count in (("train", 300), ("valid", 2)):
        made = []
        for i, text in enumerate(texts(count)):
            words = text.split()[: draw.choice((4, 12, 30, 60, 120, 250)) if split == "train" else 4]
            turns = [{"role": "user", "content": f"What is {i}?"}, {"role": "assistant", "content": " ".join(words)}]
            made.append({"id": f"row{i}", "messages": turns})
        write_jsonl(folder / f"{split}.jsonl", made)


def config_of(setting: Setting) -> Config:
    """Two updates, no limit."""
    values = {
        "method": "lora" if setting.method == "q4" else setting.method, "row_tokens": setting.width, "batch_size": setting.batch_size,
        "gradient_checkpointing": setting.checkpointing, "gradient_accumulation": setting.accumulation, "packing": setting.packing,
        "optimizer": setting.optimizer, "iterations": 2 * setting.accumulation, "checkpoint_every": 2 * setting.accumulation,
        "validate_every": 100, "schedule.warmup_updates": 0, "schedule.name": "constant",
    }  # fmt: skip
    return load_config(settings=[f"prepare.max_tokens={setting.width}", *(f"train.{key}={value}" for key, value in values.items())])


def build_real(real: Real, tiny: Path, folder: Path) -> Path:
    """A model of a real shape with random weights and the tiny base's tokenizer."""
    from mlx_lm.utils import load_tokenizer, quantize_model, save

    from gradus.backend import mx

    config = {**read_json(tiny / "config.json"), **real.architecture().config()}
    kind = importlib.import_module(f"mlx_lm.models.{config['model_type']}")
    model = kind.Model(kind.ModelArgs.from_dict(config))
    model.set_dtype(mx.bfloat16)
    if real.bits < 16:
        model, config = quantize_model(model, config, group_size=64, bits=real.bits)
    save(folder, str(tiny), model, load_tokenizer(tiny), config)
    return folder


def supervised(config: Config, base: Path, data: Path) -> float:
    """Share of the tokens of the largest batch whose next one is asked for."""
    from mlx_lm.utils import load_tokenizer

    from gradus.layout import Layout
    from gradus.train.data import read_sequences
    from gradus.train.memory import worst_batch

    train, width = config.train, config.prepare.max_tokens
    sequences = read_sequences(data / "train.jsonl", load_tokenizer(base), width)
    layout = Layout(train.batch_size, train.packing, train.row_tokens, width)
    return float(worst_batch(sequences, layout, config.run.seed, train.iterations).mask[:, 1:].mean())


def trained(config: Config, base: Path, data: Path, folder: Path) -> dict[str, float]:
    """What a real run of the training process tells of its memory, in 10^9 bytes; the batch whole, as on a GPU, with one update."""
    folder.mkdir()
    files = {split: str(data / f"{split}.jsonl") for split in ("train", "valid")}
    write_json(folder / "job.json", {"config": config.model_dump(), "base": str(base), "folder": str(folder), **files})
    command = [sys.executable, "-m", "gradus.train.worker", str(folder / "job.json")]
    streams = {"GRADUS_CPU_STREAMS": "1"} if config.train.memory.on_excess == "ignore" else {}
    done = subprocess.run(command, env={**os.environ, **streams, "PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{folder.name}: {done.stdout}{done.stderr}")
    memory: dict[str, float] = read_json(folder / "result.json")["memory"]
    return memory


def shapes(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Each real shape: its name, predicted and measured peak in 10^9 bytes."""
    tiny = build("wide", folder)[""]
    for number, real in enumerate(REAL):
        base, config = build_real(real, tiny, folder / f"real{number}"), real.config()
        predicted = training_bytes(real.architecture(), config, supervised(config, base, folder)) / 1e9
        yield str(real), predicted, trained(config, base, folder, folder / f"run{number}")["peak_gb"]
        shutil.rmtree(base)


def grid(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Each setting of the grid, as `shapes`, with the prediction of 06_train_mlx."""
    bases = {name: build(name, folder) for name in SHAPES}
    for number, setting in enumerate(GRID):
        base = bases[setting.shape]["q4" if setting.method == "q4" else ""]
        memory = trained(config_of(setting), base, folder, folder / f"run{number}")
        yield str(setting), memory["predicted_gb"], memory["peak_gb"]


def main() -> None:
    """Print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", action="store_true", help="models of real shapes, by the prediction of make doctor")
    chosen = shapes if parser.parse_args().shapes else grid
    errors = []
    with tempfile.TemporaryDirectory() as temporary:
        write_data(Path(temporary))
        print(f"{'setting':62} {'predicted':>11} {'measured':>11} {'error':>8}")
        for name, predicted, measured in chosen(Path(temporary)):
            errors.append(predicted / measured - 1)
            print(f"{name:62} {predicted * 1e3:8.1f} MB {measured * 1e3:8.1f} MB {errors[-1]:+8.1%}", flush=True)
    print(json.dumps({"settings": len(errors), "worst_relative_error": round(max(map(abs, errors)), 4)}))


if __name__ == "__main__":
    main()
