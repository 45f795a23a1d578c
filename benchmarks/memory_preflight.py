"""How well the peak memory of training is predicted: a grid of real runs, each in a process of its own.

    python benchmarks/memory_preflight.py

Builds small models, trains each setting for two updates, and compares the prediction that was made before training with
the peak that MLX measured while it trained. The last line is JSON: the number of settings and the worst relative error.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
sys.path.insert(0, str(SCRIPTS))

from gradus.config import load_config  # noqa: E402
from gradus.config.schema import Config  # noqa: E402
from gradus.files import read_json, write_json, write_jsonl  # noqa: E402

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
    """Conversations of unequal length, from some words to more than the widest row."""
    draw = random.Random(1)
    for split, count in (("train", 300), ("valid", 2)):
        made = []
        for i, text in enumerate(texts(count)):
            words = text.split()[: draw.choice((4, 12, 30, 60, 120, 250))]
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


def measure(setting: Setting, base: Path, data: Path, folder: Path) -> tuple[float, float]:
    """Predicted and measured peak in 10^9 bytes, from a real run of the training process."""
    folder.mkdir()
    files = {split: str(data / f"{split}.jsonl") for split in ("train", "valid")}
    write_json(folder / "job.json", {"config": config_of(setting).model_dump(), "base": str(base), "folder": str(folder), **files})
    command = [sys.executable, "-m", "gradus.train.worker", str(folder / "job.json")]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{setting}: {done.stdout}{done.stderr}")
    memory = read_json(folder / "result.json")["memory"]
    return memory["predicted_gb"], memory["peak_gb"]


def main() -> None:
    """Print the table and the JSON line."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    errors = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_data(folder)
        bases = {name: build(name, folder) for name in SHAPES}
        print(f"{'setting':62} {'predicted':>10} {'measured':>10} {'error':>8}")
        for number, setting in enumerate(GRID):
            base = bases[setting.shape]["q4" if setting.method == "q4" else ""]
            predicted, measured = measure(setting, base, folder, folder / f"run{number}")
            errors.append(predicted / measured - 1)
            print(f"{setting!s:62} {predicted * 1e3:7.1f} MB {measured * 1e3:7.1f} MB {errors[-1]:+8.1%}", flush=True)
    print(json.dumps({"settings": len(errors), "worst_relative_error": round(max(map(abs, errors)), 4)}))


if __name__ == "__main__":
    main()
