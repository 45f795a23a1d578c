"""What the tests of 09 to 12 share: adapters in mlx-lm's format for the tiny base, prepared files, a step's context."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from gradus.config import Config, load_config
from gradus.files import write_json, write_jsonl
from gradus.models import Answer
from gradus.pipeline import STEPS
from gradus.records import Base
from gradus.results import AnswerRow, ScoredAnswer
from gradus.step import Step, StepContext, services_of

from ..evaluations import evaluation
from .promoting import Promoting, inputs_of

MakeContext = Callable[[Step, Config, dict[str, Path]], StepContext]
SMALL = (
    "quantize.speed_tokens=4",
    "quantize.recipes=[4]",
    "quantize.grade=false",
    "fidelity.answer_tokens=12",
    "fidelity.quantized.max_loss_difference=2.0",
    "evaluate.embedding.model='off'",
    "evaluate.bootstrap_samples=100",
)
"""Settings that keep 10 and 11 quick. The tiny base is so small that four bits cost it much."""
QUESTIONS = ["What does sine return?", "Which value has x?", "How many is n?", "What does scan list?", "Show an example of sort."]


def make_adapter(base: Path, folder: Path, *, method: str = "lora", strength: float = 0.05, seed: int = 3) -> Path:
    """An adapter folder as training writes it, with random weights of that size."""
    from mlx_lm.tuner.utils import linear_to_lora_layers

    from gradus.backend import mx, tree_flatten
    from gradus.models import load_model

    mx.random.seed(seed)
    model, _ = load_model(base)
    parameters = {"rank": 4, "scale": 10.0, "dropout": 0.0}
    if method == "full":
        weights = {name: w + strength * mx.random.normal(w.shape) for name, w in tree_flatten(model.parameters()) if "mlp" in name}
    else:
        linear_to_lora_layers(model, -1, parameters, use_dora=method == "dora")
        weights = {name: w for name, w in tree_flatten(model.parameters()) if name.endswith((".lora_a", ".lora_b", ".m"))}
        weights |= {name: strength * mx.random.normal(w.shape) for name, w in weights.items() if name.endswith(".lora_b")}
    folder.mkdir(parents=True)
    mx.save_safetensors(str(folder / "adapters.safetensors"), weights)
    write_json(folder / "adapter_config.json", {"fine_tune_type": method, "num_layers": -1, "lora_parameters": parameters})
    return folder


@pytest.fixture(scope="session")
def adapter_maker() -> Callable[..., Path]:
    """`make_adapter`, for tests that want another method or strength."""
    return make_adapter


@pytest.fixture(scope="session")
def adapter(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter for the tiny base, strong enough to change its answers."""
    return make_adapter(tiny_base, tmp_path_factory.mktemp("adapters") / "lora")


@pytest.fixture(scope="session")
def second_adapter(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another one."""
    return make_adapter(tiny_base, tmp_path_factory.mktemp("adapters") / "second", seed=9)


@pytest.fixture(scope="session")
def four_bit_base(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny base in 4 bits."""
    from gradus.compare import save_model
    from gradus.models import load_with_config
    from gradus.quantize.shrink import shrink

    folder = tmp_path_factory.mktemp("models") / "four_bit_base"
    model, tokenizer, config = load_with_config(tiny_base)
    model, config = shrink(model, config, bits=4, group_size=32)
    save_model(folder, tiny_base, model, tokenizer, config)
    return folder


def base_of(folder: Path) -> Base:
    """What 05_prepare would say of a base in that folder."""
    return Base("builtin", "built-in tiny base", str(folder), "abc123", "asked for by model.base", 100_000)


def write_prepared(folder: Path, base: Path) -> Path:
    """What 05_prepare leaves for a base, base.json and the three parts of the data, in `folder`."""
    folder.mkdir(exist_ok=True)
    write_json(folder / "base.json", asdict(base_of(base)))
    rows = [[{"role": "user", "content": q}, {"role": "assistant", "content": f"It returns the **sum** of `x`. {q}"}] for q in QUESTIONS]
    for part, times in (("train", 4), ("valid", 1), ("test", 1)):
        (folder / f"{part}.jsonl").write_text("".join(json.dumps({"messages": row, "id": str(i)}) + "\n" for i, row in enumerate(rows * times)))
    return folder


def write_graded(folder: Path, config: Config) -> dict[str, Path]:
    """What 07_evaluate leaves: an evaluation, and answers to the five test questions with the marks it gives them."""
    from gradus.evaluate.exam import marker

    said = ScoredAnswer("It returns the **sum** of its input.", True, 9, 0.0, 0.5, 0.5, {}, 2.0)
    rows = [AnswerRow(str(i), "what", "sine", f"doc{i}", q, f"It returns the **sum** of `x`. {q}", said, said) for i, q in enumerate(QUESTIONS)]
    marks = marker(config, rows)([Answer(said.text, said.finished, said.tokens)] * len(rows))
    rows = [replace(row, tuned=replace(said, percent=percent)) for row, percent in zip(rows, marks, strict=True)]
    write_json(folder / "evaluation.json", evaluation(base_of(Path("base")), 75.5, 50.0).to_json())
    write_jsonl(folder / "answers.jsonl", (row.to_json() for row in rows))
    return {f"07_evaluate/{name}": folder / name for name in ("evaluation.json", "answers.jsonl")}


def write_spoken(folder: Path, model: Path, config: Config) -> Path:
    """`held_out.json` of a model that counts as the graded one."""
    from gradus.compare import read_conversations
    from gradus.fidelity import HeldOut, observe, write_held_out
    from gradus.models import load_model

    loaded, tokenizer = load_model(model)
    talks = read_conversations(folder / "valid.jsonl", config.fidelity.questions, tokenizer)
    spoken = observe(loaded, tokenizer, talks, config.fidelity, config.prepare.max_tokens).spoken
    held_out = HeldOut(tuple(talks), config.prepare.max_tokens, config.fidelity.answer_tokens, spoken)
    write_held_out(folder / "held_out.json", held_out)
    return folder / "held_out.json"


@pytest.fixture(scope="session")
def graded_writer() -> Callable[[Path, Config], dict[str, Path]]:
    """`write_graded`."""
    return write_graded


@pytest.fixture(scope="session")
def spoken_writer() -> Callable[[Path, Path, Config], Path]:
    """`write_spoken`."""
    return write_spoken


def make_context(root: Path, step: Step, config: Config, inputs: dict[str, Path]) -> StepContext:
    """A step's context with an empty work folder."""
    assert set(inputs) == set(step.reads)
    out = root / "work" / step.name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    return StepContext(config, out, root / "target" / step.name, root / "workspace", inputs, services_of(step, STEPS))


@pytest.fixture
def prepared(tmp_path: Path) -> Callable[[Path], Path]:
    """`write_prepared` into a folder of the test's own."""
    return lambda base: write_prepared(tmp_path / "prepared", base)


@pytest.fixture
def context_of(tmp_path: Path) -> MakeContext:
    """`make_context` in a folder of the test's own."""
    return lambda step, config, inputs: make_context(tmp_path, step, config, inputs)


@pytest.fixture(scope="session")
def delivered(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, adapter: Path, tiny_settings: list[str]) -> dict[str, Path]:
    """Real outputs of 10_fuse and 11_quantize, and the base they come from. Do not write into them."""
    from gradus import fuse, quantize
    from gradus.fuse.work import fuse as run_fuse
    from gradus.quantize.work import quantize as run_quantize

    root = tmp_path_factory.mktemp("delivered")
    config = load_config(settings=[*tiny_settings, *SMALL])
    parts = write_prepared(root / "prepared", tiny_base)
    before = {f"05_prepare/{name}": parts / name for name in ("base.json", "valid.jsonl")}
    tuned = {f"06_train_mlx/{name}": adapter / name for name in ("adapters.safetensors", "adapter_config.json")}
    fused = make_context(root, fuse.STEP, config, before | tuned)
    run_fuse(fused)
    inputs = {"10_fuse/model": fused.out / "model", "10_fuse/held_out.json": fused.out / "held_out.json"}
    inputs |= {f"05_prepare/{part}.jsonl": parts / f"{part}.jsonl" for part in ("train", "test")} | write_graded(parts, config)
    quantized = make_context(root, quantize.STEP, config, inputs)
    run_quantize(quantized)
    return {
        "05_prepare/base.json": before["05_prepare/base.json"],
        "10_fuse/model": fused.out / "model",
        "10_fuse/fuse.json": fused.out / "fuse.json",
        "10_fuse/held_out.json": fused.out / "held_out.json",
        "11_quantize/model": quantized.out / "model",
        "11_quantize/quantization.json": quantized.out / "quantization.json",
    }


@pytest.fixture
def evaluated(tmp_path: Path) -> Callable[..., Path]:
    """Writes an `evaluation.json`: `evaluated(percent, base_percent, withheld=None)`; gives the file."""

    def write(percent: float, base_percent: float, withheld: str | None = None) -> Path:
        path = tmp_path / "evaluation.json"
        write_json(path, evaluation(base_of(Path("base")), percent, base_percent, withheld).to_json())
        return path

    return write


@pytest.fixture
def metadata(tmp_path: Path) -> Path:
    """A `run_metadata.json` as 06_train_mlx writes it, of what 09 and 12 read."""
    path = tmp_path / "run_metadata.json"
    training = {"created": "2026-01-01T00:00:00+00:00", "method": "lora", "iterations": 40, "stopped": "all iterations done", "tokens": 12_000}
    training |= {"dataset": {"train": "a" * 64, "valid": "b" * 64}, "packages": {"mlx": "0.32.4"}}
    training |= {"trainable_parameters": 1_000, "total_parameters": 100_000, "first_valid_loss": 4.2, "best": {"iteration": 40, "loss": 3.1}}
    write_json(path, {**training, "config": {"run": {"seed": 42}}})
    return path


@pytest.fixture
def promoting(
    tiny_config: Config,
    tiny_base: Path,
    adapter: Path,
    second_adapter: Path,
    metadata: Path,
    prepared: Callable[[Path], Path],
    evaluated: Callable[..., Path],
    context_of: MakeContext,
) -> Promoting:
    """09 with two candidates; the first one is graded 75.5 %, its base 50 %."""
    inputs = inputs_of(prepared(tiny_base), adapter, metadata, evaluated(75.5, 50.0))
    return Promoting(tiny_config, inputs, second_adapter / "adapters.safetensors", context_of)
