"""Training speed side by side: stock `mlx_lm.lora` and Gradus on the same data, model and number of tokens, alternating.

    python benchmarks/train_throughput.py                 # about 8 minutes on 2 free cores
    python benchmarks/train_throughput.py --rounds 1 --iterations 30

Both run in a child process of their own with the same BLAS, the same LoRA layers, optimizer and learning rate; an
update sees about as many tokens in both. Stock's supervised tokens are counted without the pad token that it trains
after each example. Validation loss is measured by one ruler (ours) in both, and its time is left out of both.
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import inspect
import itertools
import json
import math
import os
import pydoc_data.topics
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT / "scripts"))

MAX_TOKENS = 512
SETTINGS = [
    "train.method=lora",
    "train.optimizer=adam",
    "train.learning_rate=3e-4",
    "train.schedule.name=constant",
    "train.schedule.warmup_updates=0",
]
SETTINGS += ["train.max_grad_norm=0", "train.lora.rank=8", "train.lora.scale=20", f"prepare.max_tokens={MAX_TOKENS}"]
# Examples of stock's batch, and tokens of ours (batch_size * MAX_TOKENS): about the same number of tokens an update.
SHAPES = {
    "Q&A, median 60, longest 512": {"median": 60, "spread": 0.8, "stock_batch": 8, "our_rows": 1, "row_tokens": 256},
    "all 128": {"median": 128, "spread": 0.0, "stock_batch": 4, "our_rows": 1, "row_tokens": 128},
    "tiny, median 25": {"median": 25, "spread": 0.5, "stock_batch": 16, "our_rows": 1, "row_tokens": 128},
    "long, 300 to 512": {"median": 400, "spread": 0.12, "stock_batch": 4, "our_rows": 4, "row_tokens": 512},
}


# Threads of the BLAS. Ours has a stream a core instead; stock is taken at the better of the two.
SIDES = {"stock, 1 thread": 1, "stock, all threads": os.cpu_count(), "Gradus": 1}


def main() -> int:
    """Prepare model and data, run the children alternately, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=64, help="updates of each run on the first shape (default 64)")
    parser.add_argument("--rounds", type=int, default=2, help="how often each side runs on each shape (default 2)")
    parser.add_argument("--child", nargs=2, metavar=("SIDE", "JOB"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        import gradus.backend  # noqa: F401  the fast BLAS must be there before mlx_lm imports mlx, for stock as for ours

        side, job = args.child
        result = (run_ours if side == "Gradus" else run_stock)(json.loads(Path(job).read_text()))
        Path(job).with_suffix(".result.json").write_text(json.dumps(result))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        report(measure(Path(folder), args.iterations, args.rounds))
    return 0


def measure(folder: Path, iterations: int, rounds: int) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """All results: shape, side, one entry a round."""
    base = build_base(folder / "base")
    results: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for number, (name, shape) in enumerate(SHAPES.items()):
        data = folder / f"data{number}"
        write_data(data, base, shape)
        results[name] = {side: [] for side in SIDES}
        for turn in range(rounds):
            for side in SIDES:
                job = folder / f"{number}-{turn}-{list(SIDES).index(side)}.json"
                job.write_text(
                    json.dumps(
                        {
                            "base": str(base),
                            "data": str(data),
                            "folder": str(folder / f"run-{job.stem}"),
                            "iterations": iterations if number == 0 else max(iterations // 4, 8),
                            "to_loss": number == 0,
                            **shape,
                        }
                    )
                )
                results[name][side].append(child(side, job))
                print(f"{name}: {side} {results[name][side][-1]['tokens_per_second']:,.0f} supervised tokens/s", file=sys.stderr, flush=True)
    return results


def child(side: str, job: Path) -> dict[str, Any]:
    """One run in a process of its own, with so many threads for its matrix products."""
    threads = str(SIDES[side])
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
    command = [sys.executable, __file__, "--child", side, str(job)]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    result: dict[str, Any] = json.loads(job.with_suffix(".result.json").read_text())
    return result


def texts() -> list[str]:
    """Running text that is installed everywhere: pydoc topics and NumPy docstrings."""
    docs = [inspect.getdoc(value) or "" for _, value in sorted(vars(np).items(), key=lambda item: item[0])]
    return [text for text in [*docs, *pydoc_data.topics.topics.values()] if len(text) > 200]


def build_base(folder: Path) -> Path:
    """A Qwen3 model of about a million parameters, pre-trained for a few steps so that there is something to learn from."""
    from gradus.config import load_config
    from gradus.prepare.builtin import build_builtin

    size = {"layers": 4, "hidden": 128, "heads": 4, "kv_heads": 2, "intermediate": 384, "steps": 60}
    build_builtin(texts(), load_config(settings=[f"model.builtin.{k}={v}" for k, v in size.items()]).model.builtin, 1, folder)
    return folder


def write_data(folder: Path, base: Path, shape: dict[str, Any]) -> None:
    """Conversations whose token counts follow the shape: log-normal around the median, at most `MAX_TOKENS`."""
    from mlx_lm.utils import load_tokenizer

    from gradus.chat import render

    tokenizer = load_tokenizer(base)
    words = " ".join(texts()).split(" ")
    random = np.random.default_rng(1)
    folder.mkdir()
    for part, count in (("train", 1200), ("valid", 48)):
        with (folder / f"{part}.jsonl").open("w", encoding="utf-8") as stream:
            for _ in range(count):
                wanted = int(np.clip(shape["median"] * math.exp(random.normal(0, shape["spread"])), 20, MAX_TOKENS))
                start = int(random.integers(0, len(words) - 600))
                question = f"What follows {words[start][:12]}?"
                answer = " ".join(words[start + 1 : start + 1 + wanted])
                over = len(render(tokenizer, conversation(question, answer)).tokens) - wanted
                ids = tokenizer.encode(answer, add_special_tokens=False)
                row = conversation(question, tokenizer.decode(ids[: max(len(ids) - over, 1)]))
                stream.write(json.dumps({"id": str(start), "messages": row}) + "\n")


def conversation(question: str, answer: str) -> list[dict[str, str]]:
    """One question with its answer."""
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def setup(job: dict[str, Any]) -> SimpleNamespace:
    """Model, data and the validation ruler, the same for both sides."""
    from gradus.config import load_config
    from gradus.layout import Layout
    from gradus.models import load_model
    from gradus.train.data import read_sequences, validation_batches
    from gradus.train.loss import Forward, can_split_head, mean_loss

    iterations = job["iterations"]
    settings = [*SETTINGS, f"train.iterations={iterations}", f"train.batch_size={job['our_rows']}", f"train.row_tokens={job['row_tokens']}"]
    every = iterations // (8 if job["to_loss"] else 1)
    settings += [f"train.report_every={every}", f"train.validate_every={every}", f"train.checkpoint_every={iterations}"]
    train = load_config(settings=settings).train
    model, tokenizer = load_model(job["base"])
    data = {part: read_sequences(Path(job["data"]) / f"{part}.jsonl", tokenizer, MAX_TOKENS) for part in ("train", "valid")}
    layout = Layout(train.batch_size, train.packing, train.row_tokens, MAX_TOKENS)
    forward = Forward(packed=True, split_head=can_split_head(model))
    batches = validation_batches(data["valid"], Layout(4, True, 256, MAX_TOKENS))
    return SimpleNamespace(
        train=train, model=model, tokenizer=tokenizer, data=data, layout=layout, forward=forward, validate=lambda: mean_loss(model, batches, forward)
    )


def run_stock(job: dict[str, Any]) -> dict[str, Any]:
    """`mlx_lm.lora`'s `train_model` on the same data; times and tokens from its own callback."""
    from mlx_lm.lora import CONFIG_DEFAULTS, train_model
    from mlx_lm.tuner.callbacks import TrainingCallback
    from mlx_lm.tuner.datasets import load_local_dataset

    run = setup(job)
    validate = run.validate if job["to_loss"] else lambda: 0.0
    points = [(0.0, validate())]
    seen = {"seconds": 0.0, "tokens": 0}

    class Watch(TrainingCallback):  # type: ignore[misc]
        """Adds up stock's own times and measures the validation loss with our ruler."""

        def on_train_loss_report(self, info: dict[str, Any]) -> None:
            """One report of stock's loop."""
            seen["seconds"] += (info["trained_tokens"] - seen["tokens"]) / info["tokens_per_second"]
            seen["tokens"] = info["trained_tokens"]
            points.append((seen["seconds"], validate()))
            run.model.train()

    train, every = run.train, run.train.report_every
    overrides = {
        "model": job["base"], "iters": train.iterations, "batch_size": job["stock_batch"], "learning_rate": train.learning_rate, "num_layers": -1,
        "lora_parameters": train.lora.model_dump(), "mask_prompt": True, "max_seq_length": MAX_TOKENS + 1, "steps_per_report": every,
        "steps_per_eval": 10**9, "save_every": 10**9, "adapter_path": job["folder"], "fine_tune_type": "lora", "optimizer": "adam", "seed": 1,
    }  # fmt: skip
    args = SimpleNamespace(**{**CONFIG_DEFAULTS, **overrides})
    train_set, _, _ = load_local_dataset(Path(job["data"]), run.tokenizer, args)
    train_model(args, run.model, train_set, [], Watch())
    supervised = seen["tokens"] - train.iterations * job["stock_batch"]
    return {"tokens": supervised, "seconds": seen["seconds"], "tokens_per_second": supervised / seen["seconds"], "points": points}


def run_ours(job: dict[str, Any]) -> dict[str, Any]:
    """Our loop on the same data."""
    from gradus.backend import mx
    from gradus.train.loop import Job, Trainer
    from gradus.train.method import make_optimizer, make_trainable

    run = setup(job)
    folder = Path(job["folder"])
    folder.mkdir()
    mx.random.seed(1)
    make_trainable(run.model, run.train)
    optimizer = make_optimizer(run.train)
    optimizer.init(run.model.trainable_parameters())
    trainer = Trainer(
        Job(run.train, run.data["train"], run.data["valid"], run.layout, run.forward, 1, folder), run.model, optimizer, lambda event: None
    )
    trainer.run(lambda: False)
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    points = [(row["seconds"], row["loss"]) for row in rows if row["kind"] == "valid"]
    progress = trainer.progress
    return {"tokens": progress.tokens, "seconds": progress.seconds, "tokens_per_second": progress.tokens / progress.seconds, "points": points}


def seconds_to(points: list[tuple[float, float]], target: float) -> float:
    """When the validation loss first reached `target`, between two measurements by a straight line."""
    for (t0, l0), (t1, l1) in itertools.pairwise(points):
        if l1 <= target:
            return t0 + (t1 - t0) * (l0 - target) / (l0 - l1) if l0 > l1 else t1
    return points[-1][0]


def report(results: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
    """The table for people and the JSON line."""
    print(f"\nLoRA training on {os.cpu_count()} cores, supervised tokens/s (median of the rounds)\n")
    print(f"{'shape':<30}" + "".join(f"{side:>20}" for side in SIDES) + f"{'ratio':>8}")
    ratios = {}
    for name, sides in results.items():
        speeds = {side: statistics.median(run["tokens_per_second"] for run in runs) for side, runs in sides.items()}
        ratios[name] = speeds["Gradus"] / max(speed for side, speed in speeds.items() if side != "Gradus")
        print(f"{name:<30}" + "".join(f"{speed:>20,.0f}" for speed in speeds.values()) + f"{ratios[name]:>8.2f}")
    sides = next(iter(results.values()))
    target = max(min(loss for _, loss in run["points"]) for runs in sides.values() for run in runs)
    times = {side: statistics.median(seconds_to(run["points"], target) for run in runs) for side, runs in sides.items()}
    print(f"\nSeconds of training to validation loss {target:.3f}, first shape: " + ", ".join(f"{s} {t:.1f}" for s, t in times.items()) + "\n")
    best_stock = min(seconds for side, seconds in times.items() if side != "Gradus")
    summary = {"tokens_per_second_ratio": next(iter(ratios.values())), "time_to_loss_ratio": best_stock / times["Gradus"]}
    summary["lowest_ratio_of_any_shape"] = min(ratios.values())
    print(json.dumps({key: round(value, 3) for key, value in summary.items()}))


if __name__ == "__main__":
    sys.exit(main())
