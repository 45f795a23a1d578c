"""Answering speed side by side: a loop of `mlx_lm.generate`, one question at a time, and the batches of 07_evaluate.

    python benchmarks/evaluate.py                 # about 2 minutes on 2 free cores
    python benchmarks/evaluate.py --rounds 1 --questions 16

The model has the shape of the built-in base; both sides answer the same questions greedily up to the same length,
alternating, each in a process of its own. The loop is taken at the better of one and all threads for its matrix
products. Loading and one warm-up answer are left out of both. Times are the median of the rounds; `speedup` is that of
the shape that gains less. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import pydoc_data.topics
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT / "scripts"))

BATCH = 16
SIDES = {"loop, 1 thread": 1, "loop, all threads": os.cpu_count(), "Gradus": 1}
RULE = "You explain the Python language. Answer in full sentences, with an example, and say what you do not know. "
FORMS = ("What does the documentation say about {}?", "{}", "Explain {} with an example.", "The statement {} is used to", "Why {}?")
SHAPES = {"questions alone": "", "after a long shared prompt": RULE * 20}


def main() -> int:
    """Make the model, run the children alternately, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each side runs (default 3)")
    parser.add_argument("--questions", type=int, default=32, help="questions of each shape (default 32)")
    parser.add_argument("--tokens", type=int, default=64, help="longest answer (default 64)")
    parser.add_argument("--child", nargs=2, metavar=("SIDE", "BASE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        side, model = args.child
        print(json.dumps(run(side, model, args.questions, args.tokens)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        base = build_base(Path(folder) / "base")
        rounds = [{side: child(side, base, args) for side in SIDES} for _ in range(args.rounds)]
    report(rounds)
    return 0


def build_base(folder: Path) -> Path:
    """A model of the built-in base's shape with the vocabulary of the help texts inside Python, and widely drawn weights.

    Speed does not depend on the weights. A little training gives a model that says the same to everything; with these every
    answer is another, and the smallest difference on the way would show.
    """
    from gradus.backend import mx
    from gradus.config import load_config
    from gradus.prepare.builtin import build_builtin

    build_builtin(list(pydoc_data.topics.topics.values()), load_config(settings=["model.builtin.steps=1"]).model.builtin, 1, folder)
    weights = folder / "model.safetensors"
    mx.random.seed(1)
    drawn = {name: mx.random.normal(old.shape) * 0.1 if old.ndim == 2 else mx.ones(old.shape) for name, old in mx.load(str(weights)).items()}
    mx.save_safetensors(str(weights), drawn, metadata={"format": "mlx"})
    return folder


def child(side: str, base: Path, args: argparse.Namespace) -> dict[str, Any]:
    """One side in a process of its own, with so many threads for its matrix products."""
    threads = str(SIDES[side])
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
    command = [sys.executable, __file__, "--child", side, str(base), "--questions", str(args.questions), "--tokens", str(args.tokens)]
    done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    for shape, result in found.items():
        print(f"{shape}: {side} {result['seconds']:.2f} s", file=sys.stderr, flush=True)
    return found


def run(side: str, base: str, questions: int, tokens: int) -> dict[str, Any]:
    """Seconds and answers of one side, by shape."""
    answer = batches(base, tokens) if side == "Gradus" else loop(base, tokens)
    topics = sorted(pydoc_data.topics.topics)
    results = {}
    for name, system in SHAPES.items():
        start = [{"role": "system", "content": system}] if system else []
        asked = [[*start, {"role": "user", "content": FORMS[i % len(FORMS)].format(topics[i % len(topics)])}] for i in range(questions)]
        answer(asked[:1])
        begun = time.perf_counter()
        answers = answer(asked)
        results[name] = {"seconds": time.perf_counter() - begun, "answers": answers}
    return results


def loop(base: str, tokens: int) -> Callable[[list[Any]], list[str]]:
    """The stock way: one question after the other, by what `generate` itself goes through.

    Its tokens are decoded as ours are: `generate` puts its text together token by token, and shows a byte 0 as another character.
    """
    from mlx_lm import load, stream_generate

    from gradus.chat import prompt_tokens

    model, tokenizer = load(base)[:2]

    def answer(messages: Any) -> str:
        told = stream_generate(model, tokenizer, prompt_tokens(tokenizer, messages), max_tokens=tokens)
        return str(tokenizer.decode([one.token for one in told if one.finish_reason != "stop"])).strip()

    return lambda asked: [answer(messages) for messages in asked]


def batches(base: str, tokens: int) -> Callable[[list[Any]], list[str]]:
    """Ours, as 07_evaluate calls it."""
    from gradus.models import generate_answers, load_model

    model, tokenizer = load_model(base)
    return lambda asked: [answer.text for answer in generate_answers(model, tokenizer, asked, max_tokens=tokens, batch_size=BATCH)]


def report(rounds: list[dict[str, dict[str, Any]]]) -> None:
    """The table for people and the JSON line."""
    print(f"\nGreedy answers on {os.cpu_count()} cores, batches of {BATCH}, median seconds of {len(rounds)} rounds\n")
    print(f"{'shape':<28}" + "".join(f"{side:>19}" for side in SIDES) + f"{'speedup':>9}  equal answers")
    speedups, equal, distinct = {}, [], 0
    for shape in SHAPES:
        seconds = {side: statistics.median(one[side][shape]["seconds"] for one in rounds) for side in SIDES}
        speedups[shape] = min(seconds[side] for side in SIDES if side != "Gradus") / seconds["Gradus"]
        answers = {side: rounds[0][side][shape]["answers"] for side in SIDES}
        same = [len(set(each)) == 1 for each in zip(*answers.values(), strict=True)]
        equal += same
        distinct += len(set(answers["Gradus"]))
        print(f"{shape:<28}" + "".join(f"{seconds[side]:>19.2f}" for side in SIDES) + f"{speedups[shape]:>9.1f}  {sum(same)} of {len(same)}")
    summary = {"speedup": round(min(speedups.values()), 2), "equal_answers": all(equal), "equal_share": sum(equal) / len(equal)}
    summary["distinct_answers"] = distinct
    print("\n" + json.dumps(summary | {f"speedup, {shape}": round(value, 2) for shape, value in speedups.items()}))


if __name__ == "__main__":
    sys.exit(main())
