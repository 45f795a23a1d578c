"""Does llama.cpp itself answer as MLX does? Exported GGUF files run by llama.cpp, token for token.

    python benchmarks/gguf.py --llama-python ~/llama/bin/python     # about 4 minutes on 2 cores
    python benchmarks/gguf.py --workspace . --run default           # a run that is there: its fused model and its questions

llama.cpp comes from PyPI (`pip install llama-cpp-python`, it is built for some minutes), best into an environment of its
own whose Python is named by --llama-python. Without --workspace, a small run is made first: built-in base, LoRA adapter,
fused. Then that model, and one model with random weights of each architecture, are exported by the code of 12_export.

Compared are the greedy answers to held-out questions, the negative log-likelihood of the reference answers, and the
tokens of many texts; a text with other tokens is listed. A model with random weights has no favourite word: its answers
part at the first near tie, so first token and likelihood tell more of it. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
# In place of this folder, where this file would be taken for the package gguf.
sys.path[0] = str(PROJECT / "scripts")
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

KINDS = ("f16", "q8_0", "q4_0")
STEPS = ("01_collect", "02_extract", "03_curate", "04_augment", "05_prepare", "06_train_mlx", "10_fuse")
SMALL = ["collect.python_docs=[numpy]", "model.base=builtin", "model.builtin.steps=200", "train.iterations=120", "monitor.report_to=[]"]
SHAPE: dict[str, float] = {"hidden_size": 96, "num_hidden_layers": 3, "intermediate_size": 160, "num_attention_heads": 4, "num_key_value_heads": 2}
SHAPE |= {"rms_norm_eps": 1e-5, "max_position_embeddings": 1024, "rope_theta": 10000.0}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 128}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256}
RANDOM: dict[str, dict[str, Any]] = {
    "llama": {"tie_word_embeddings": False, "attention_bias": True},
    "llama, scaled as 3.1": {"tie_word_embeddings": True, "rope_scaling": LLAMA3},
    "mistral": {"tie_word_embeddings": False, "head_dim": 32},
    "qwen2": {"tie_word_embeddings": True},
    "qwen2, YaRN": {"tie_word_embeddings": True, "rope_scaling": YARN},
    "qwen3": {"tie_word_embeddings": True, "head_dim": 32},
}
TEXTS = [
    "naïve Straße — “quoted” … 100 € 3.14159 1234567",
    "日本語のテキスト и немного кириллицы, ΕΛΛΗΝΙΚΑ, العربية, हिन्दी, ไทย",
    "emoji 🙂🚀👩‍👩‍👧 and combining é, zero\u200bwidth, non\u00a0breaking",
    "def f(x):\n    return {'a': [x, x**2]}  # it's, IT'S, we'll, WE'LL\n\n\tend\r\n\r\n   \n",
    "| a | b |\n|---|---|\n| **1** | `2` |\n\n\n\n   trailing   ",
    " leading, " + "x" * 300 + " " * 40 + "far\t\t\tend",
    "<|im_start|>user\nspecial tokens inside<|im_end|>\n<|im_start|>assistant\n",
]


def main() -> int:
    """Export, ask both, print the tables and the JSON line. With --answer it is the part that llama.cpp's Python runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llama-python", default=sys.executable, metavar="PATH", help="a Python that has llama-cpp-python (default: this one)")
    parser.add_argument("--workspace", type=Path, metavar="FOLDER", help="take the fused model of a finished run instead of making one")
    parser.add_argument("--run", default="default", metavar="NAME", help="the run in that workspace (default: default)")
    parser.add_argument("--questions", type=int, default=24, metavar="N", help="held-out questions (default 24)")
    parser.add_argument("--tokens", type=int, default=48, metavar="N", help="limit of a greedy answer (default 48)")
    parser.add_argument("--answer", nargs=2, type=Path, metavar=("JOB", "REPLY"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.answer:
        return answer_with_llama(*args.answer)
    if subprocess.run([args.llama_python, "-c", "import llama_cpp"], capture_output=True, check=False).returncode:
        parser.error(f"{args.llama_python} has no llama-cpp-python; install it with: {args.llama_python} -m pip install llama-cpp-python")
    if args.workspace and not (args.workspace / "models" / "fused" / args.run / "model").is_dir():
        parser.error(f"no fused model of the run {args.run} in {args.workspace}; make one with: python scripts/run_all.py --to 10_fuse")
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), args)
    return 0


def compare(folder: Path, args: argparse.Namespace) -> None:
    """Everything but the flags."""
    workspace = args.workspace or make_run(folder / "workspace")
    fused = workspace / "models" / "fused" / args.run / "model"
    models = {"run": fused} | {name: random_model(fused, folder / f"random{i}", name) for i, name in enumerate(RANDOM)}
    texts = [*TEXTS, *sample_texts(workspace)]
    results: dict[str, dict[str, dict[str, float]]] = {}
    mismatches: list[str] = []
    for name, model in models.items():
        results[name], wrong = compare_model(name, model, workspace, folder / f"work {name}", texts if name == "run" else TEXTS, args)
        mismatches += wrong
    report(results, mismatches, len(texts))


def make_run(workspace: Path) -> Path:
    """A small run with the built-in base up to its fused model."""
    settings = [part for setting in (*SMALL, f"paths.workspace={workspace}") for part in ("--set", setting)]
    for step in STEPS:
        print(f"{step} ...", file=sys.stderr, flush=True)
        command = [sys.executable, str(PROJECT / "scripts" / f"{step}.py"), *settings, "--log-level", "warning"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return workspace


def random_model(base: Path, folder: Path, name: str) -> Path:
    """A model folder of another architecture with random weights, and the tokenizer of `base`."""
    import importlib
    import shutil

    from gradus.backend import mx, tree_flatten

    shutil.copytree(base, folder)
    kind = name.partition(",")[0]
    old = json.loads((folder / "config.json").read_text())
    config = {**SHAPE, **RANDOM[name], "model_type": kind, **{key: old[key] for key in ("vocab_size", "bos_token_id", "eos_token_id")}}
    module = importlib.import_module(f"mlx_lm.models.{'llama' if kind == 'mistral' else kind}")
    mx.random.seed(5)
    shapes = tree_flatten(module.Model(module.ModelArgs.from_dict(config)).parameters())
    weights = {key: 0.15 * mx.random.normal(value.shape) + (value.ndim == 1 and "norm" in key) for key, value in shapes}
    for path in folder.glob("*.safetensors*"):
        path.unlink()
    mx.save_safetensors(str(folder / "model.safetensors"), weights, metadata={"format": "mlx"})
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def sample_texts(workspace: Path, count: int = 400) -> list[str]:
    """Texts of the run's documents, evenly spread, cut at 2000 characters."""
    from gradus.files import iter_jsonl

    texts = list(iter_jsonl(workspace / "data" / "01_collected" / "documents.jsonl", lambda row: str(row["text"])[:2000]))
    return texts[:: max(len(texts) // count, 1)][:count]


def compare_model(
    name: str, model: Path, workspace: Path, folder: Path, texts: list[str], args: argparse.Namespace
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Export one model, ask MLX and llama.cpp; the figures by format, and the texts with other tokens."""
    from gradus.chat import prompt_tokens, render
    from gradus.compare import questions_of, read_conversations
    from gradus.config import load_config
    from gradus.export.gguf_export import open_source, write_files
    from gradus.export.gguf_file import About
    from gradus.fidelity import HeldOut, Spoken
    from gradus.models import load_model

    print(f"{name}: exporting and asking ...", file=sys.stderr, flush=True)
    mlx_model, tokenizer = load_model(model)
    talks = read_conversations(workspace / "data" / "05_prepared" / "valid.jsonl", args.questions, tokenizer, 384)
    lifted = [f"export.gguf.{group}.{key}" for group in ("sixteen_bits", "fewer_bits") for key in ("max_loss_difference=99", "min_equal_answers=0")]
    unasked = HeldOut(tuple(talks[:1]), 384, 1, Spoken(0.0, ("",)))  # the gate of 12_export is not what is measured here
    limits = load_config(settings=lifted).export.gguf
    files = write_files(open_source(model), folder, KINDS, About("model", "", ""), unasked, limits)
    rendered = [render(tokenizer, talk) for talk in talks]
    job: dict[str, Any] = {"files": [str(file.path) for file in files], "tokens": args.tokens, "texts": texts}
    job["prompts"] = [prompt_tokens(tokenizer, question) for question in questions_of(talks)]
    job["references"] = [(item.tokens[:384], item.mask[:384]) for item in rendered]
    ours = answers_of_mlx(mlx_model, tokenizer, job)
    (folder / "job.json").write_text(json.dumps(job))
    command = [args.llama_python, __file__, "--answer", str(folder / "job.json"), str(folder / "reply.json")]
    subprocess.run(command, check=True)
    replies = json.loads((folder / "reply.json").read_text())
    encoded = [list(tokenizer.encode(text, add_special_tokens=False)) for text in texts]
    wrong = [f"{name}: {text[:80]!r}" for text, a, b in zip(texts, encoded, replies[0]["texts"], strict=True) if a != b]
    return {file.kind: figures(ours, reply) for file, reply in zip(files, replies, strict=True)}, wrong


def answers_of_mlx(model: Any, tokenizer: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Greedy tokens and the summed likelihood of the references, one at a time."""
    from mlx_lm.generate import generate_step

    from gradus.backend import mx, nn

    answers = []
    for prompt in job["prompts"]:
        made: list[int] = []
        for token, _ in generate_step(mx.array(prompt), model, max_tokens=job["tokens"]):
            if token in tokenizer.eos_token_ids:
                break
            made.append(int(token))
        answers.append(made)
    nats = 0.0
    for tokens, mask in job["references"]:
        row = mx.array([tokens])
        loss = nn.losses.cross_entropy(model(row[:, :-1]).astype(mx.float32), row[:, 1:]) * mx.array([mask[1:]])
        nats += float(loss.sum().item())
    return {"answers": answers, "nats": nats, "supervised": sum(sum(mask[1:]) for _, mask in job["references"])}


def answer_with_llama(job_file: Path, reply_file: Path) -> int:
    """The same with llama.cpp, for each file; runs in the Python that has it."""
    import numpy as np
    from llama_cpp import Llama  # type: ignore[import-not-found,unused-ignore]

    job = json.loads(job_file.read_text())
    longest = max(len(tokens) for tokens in (*job["prompts"], *(tokens for tokens, _ in job["references"])))
    replies: list[dict[str, Any]] = []
    for file in job["files"]:
        model = Llama(file, n_ctx=longest + job["tokens"] + 8, logits_all=True, verbose=False, n_threads=1)
        answers = []
        for prompt in job["prompts"]:
            made: list[int] = []
            for token in model.generate(prompt, temp=0.0, repeat_penalty=1.0, reset=True):
                if token == model.token_eos() or len(made) == job["tokens"]:
                    break
                made.append(int(token))
            answers.append(made)
        nats = 0.0
        for tokens, mask in job["references"]:
            model.reset()
            model.eval(tokens)
            scores = np.asarray(model.scores[: len(tokens)], np.float64)[:-1]
            largest = scores.max(axis=1)
            norm = largest + np.log(np.exp(scores - largest[:, None]).sum(axis=1))
            nats += float(((norm - scores[np.arange(len(scores)), tokens[1:]]) * np.array(mask[1:])).sum())
        # The tokenizer is the same in each file.
        texts = [] if replies else [model.tokenize(text.encode(), add_bos=False, special=True) for text in job["texts"]]
        replies.append({"answers": answers, "nats": nats, "texts": texts})
        model.close()
    reply_file.write_text(json.dumps(replies))
    return 0


def figures(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, float]:
    """How far llama.cpp's replies are from MLX's."""
    pairs = list(zip(ours["answers"], theirs["answers"], strict=True))
    return {
        "equal_answers": sum(a == b for a, b in pairs) / len(pairs),
        "first_token_equal": sum(a[:1] == b[:1] for a, b in pairs) / len(pairs),
        "nll_difference": (theirs["nats"] - ours["nats"]) / ours["supervised"],
    }


def report(results: dict[str, dict[str, dict[str, float]]], mismatches: list[str], texts: int) -> None:
    """The table, what was tokenized differently, and the JSON line that a program reads."""
    print("| model | format | equal answers | first token equal | nats a token, llama.cpp less MLX |\n|---|---|---:|---:|---:|")
    for name, kinds in results.items():
        for kind, row in kinds.items():
            print(f"| {name} | {kind} | {row['equal_answers']:.0%} | {row['first_token_equal']:.0%} | {row['nll_difference']:+.5f} |")
    print(f"\n{len(mismatches)} of {texts + len(RANDOM) * len(TEXTS)} texts have other tokens in llama.cpp.")
    print("\n".join(f"- {line}" for line in mismatches))
    if any(not math.isfinite(row["nll_difference"]) for kinds in results.values() for row in kinds.values()):
        print("A likelihood is no number.", file=sys.stderr)
    rounded = {name: {kind: {key: round(value, 6) for key, value in row.items()} for kind, row in kinds.items()} for name, kinds in results.items()}
    print(json.dumps({**rounded, "tokenization": {"texts": texts + len(RANDOM) * len(TEXTS), "mismatches": len(mismatches)}}))


if __name__ == "__main__":
    sys.exit(main())
