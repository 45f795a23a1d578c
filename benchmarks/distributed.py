"""Speed of one training process against two on this machine, over ring and over MPI.

    python benchmarks/distributed.py                      # about 2 minutes on 2 cores
    python benchmarks/distributed.py --iterations 10 --rounds 1

All train the same model on the same global batches. All use all cores: one process has a CPU stream a core, two have
half of the streams each; the BLAS has one thread a stream. MPI is left out when `mpirun` is not installed.
The last line is one JSON object: tokens/s of two processes over tokens/s of one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT / "scripts"))
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

WAYS = {"one process": [], "two over ring": ["processes=2"], "two over MPI": ["processes=2", "backend=mpi"]}
SETTINGS = ["batch_size=4", "memory.on_excess=ignore", "max_loss_rise=0", "schedule.warmup_updates=0", "validate_every=100000"]
MODEL = {"layers": 4, "hidden": 128, "heads": 4, "kv_heads": 2, "intermediate": 384, "vocabulary": 2048, "context": 512, "steps": 1, "batch_size": 1}


def main() -> int:
    """Prepare model and data, run each way in turn, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=40, help="updates of each run (default 40)")
    parser.add_argument("--rounds", type=int, default=2, help="how often each way runs (default 2)")
    args = parser.parse_args()
    ways = [way for way in WAYS if "MPI" not in way or shutil.which("mpirun")]
    speeds: dict[str, list[float]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        for turn in range(args.rounds):
            for number, way in enumerate(ways):
                speeds[way].append(tokens_per_second(Path(folder), f"run{turn}{number}", WAYS[way], args.iterations))
                print(f"{way}: {speeds[way][-1]:,.0f} supervised tokens/s", file=sys.stderr, flush=True)
    report(speeds)
    return 0


def prepare(folder: Path) -> None:
    """A small Qwen3 model and conversations of 30 to 400 tokens."""
    from gradus.config import load_config
    from gradus.prepare.builtin import build_builtin

    words = "the function returns a value of its list and adds one number to each before it sorts them by name".split()
    texts = [" ".join(words[(i * 7 + j * j) % len(words)] for j in range(20 + i * 13 % 240)) + "." for i in range(160)]
    config = load_config(settings=["model.base=builtin", *(f"model.builtin.{key}={value}" for key, value in MODEL.items())])
    build_builtin(texts, config.model.builtin, 7, folder / "base")
    for name, part in (("train", texts[:150]), ("valid", texts[150:])):
        rows = [[{"role": "user", "content": f"Case {i}?"}, {"role": "assistant", "content": text}] for i, text in enumerate(part)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps({"id": f"{name}{i}", "messages": row}) + "\n" for i, row in enumerate(rows)))


def tokens_per_second(folder: Path, name: str, launch: list[str], iterations: int) -> float:
    """Supervised tokens/s of a run, the median over its reports without the first."""
    from gradus.config import load_config
    from gradus.files import write_json
    from gradus.train.child import run_child

    settings = [f"train.{key}" for key in (*SETTINGS, f"iterations={iterations}", "report_every=2", *(f"launch.{key}" for key in launch))]
    settings[:0] = ["prepare.max_tokens=512", "train.checkpoint_every=100000"]
    job = folder / name / "job.json"
    job.parent.mkdir()
    files = {part: str(folder / f"{part}.jsonl") for part in ("train", "valid")}
    write_json(job, {"config": load_config(settings=settings).model_dump(), "base": str(folder / "base"), "folder": str(job.parent), **files})
    run_child(job, iterations)
    rows = map(json.loads, job.with_name("metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return statistics.median([row["tokens_per_second"] for row in rows if row["kind"] == "train"][1:])


def report(speeds: dict[str, list[float]]) -> None:
    """The table, and the JSON line that a program reads."""
    medians = {way: statistics.median(values) for way, values in speeds.items()}
    one = medians["one process"]
    cores = os.cpu_count() or 1
    print(f"Same global batch and all {cores} cores in each: one process with {cores} CPU streams, two with {max(cores // 2, 1)} each.\n")
    print("| way | supervised tokens/s | against one process |\n|---|---:|---:|")
    for way, speed in medians.items():
        print(f"| {way} | {speed:,.0f} | {speed / one:.2f} |")
    if "two over MPI" not in medians:
        print("\nMPI is left out: mpirun is not installed.")
    ratios = {key: round(medians[way] / one, 3) if way in medians else None for key, way in (("ring", "two over ring"), ("mpi", "two over MPI"))}
    print(json.dumps(ratios))


if __name__ == "__main__":
    sys.exit(main())
