"""On batches without padding, in the same order, our loop is stock mlx-lm's: same losses, same adapter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradus.backend import mx, optimizers
from gradus.config import load_config
from gradus.layout import Layout
from gradus.models import load_model
from gradus.train.data import Tokenized, training_batches
from gradus.train.loop import Job, Trainer
from gradus.train.loss import Forward
from gradus.train.method import make_optimizer, make_trainable, trainable_parameters

LENGTH, UPDATES = 24, 12
SETTINGS = ["train.packing=false", "train.batch_size=4", "train.schedule.name=constant", "train.schedule.warmup_updates=0", "train.max_grad_norm=0"]
SETTINGS += [f"train.iterations={UPDATES}", "train.report_every=1", f"train.validate_every={UPDATES}", f"train.checkpoint_every={UPDATES}"]
SETTINGS += ["train.optimizer=adam", "train.learning_rate=3e-4", "train.lora.rank=4"]
TRAIN = load_config(settings=SETTINGS).train


@pytest.fixture(scope="module")
def sequences() -> list[Tokenized]:
    random = np.random.default_rng(5)
    mask = (np.arange(LENGTH) >= 10).astype(np.int32)
    return [Tokenized(str(i), random.integers(3, 250, LENGTH).astype(np.int32), mask) for i in range(48)]


def ours(base: Path, sequences: list[Tokenized], folder: Path) -> tuple[list[float], dict[str, mx.array]]:
    model, _ = load_model(base)
    mx.random.seed(3)
    make_trainable(model, TRAIN)
    optimizer = make_optimizer(TRAIN)
    optimizer.init(model.trainable_parameters())
    job = Job(TRAIN, sequences, sequences[:4], Layout(4, False, 0, 0), Forward(packed=False, split_head=True), 9, folder)
    Trainer(job, model, optimizer, lambda _: None).run(lambda: False)
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [row["loss"] for row in rows if row["kind"] == "train"], trainable_parameters(model)


def stock(base: Path, sequences: list[Tokenized], folder: Path) -> tuple[list[float], dict[str, mx.array]]:
    from mlx_lm.tuner.callbacks import TrainingCallback
    from mlx_lm.tuner.trainer import TrainingArgs, train

    model, _ = load_model(base)
    mx.random.seed(3)
    make_trainable(model, TRAIN)
    seen: list[float] = []

    class Watch(TrainingCallback):
        def on_train_loss_report(self, info: dict[str, Any]) -> None:
            seen.append(info["train_loss"])

    def same_order(**_: object) -> Iterator[tuple[mx.array, mx.array]]:
        for _epoch, _place, batch in training_batches(sequences, Layout(4, False, 0, 0), 9, 0, 0):
            # Stock's mask covers targets from `offset` on, ours tokens from their first supervised one.
            yield mx.array(batch.tokens[:, :LENGTH]), mx.array([[10, LENGTH]] * len(batch.tokens))

    args = TrainingArgs(batch_size=4, iters=UPDATES, steps_per_report=1, steps_per_save=10**6, adapter_file=str(folder / "stock.safetensors"))
    optimizer = optimizers.Adam(learning_rate=TRAIN.learning_rate)
    train(model, optimizer, sequences, None, args, iterate_batches=same_order, training_callback=Watch())
    return seen, trainable_parameters(model)


def test_losses_and_adapter_equal_those_of_stock(tiny_base: Path, sequences: list[Tokenized], tmp_path: Path) -> None:
    our_losses, our_adapter = ours(tiny_base, sequences, tmp_path)
    stock_losses, stock_adapter = stock(tiny_base, sequences, tmp_path)
    assert len(our_losses) == len(stock_losses) == UPDATES
    assert our_losses == pytest.approx(stock_losses, abs=1e-4)
    assert our_losses[-1] != pytest.approx(our_losses[0], abs=1e-3)
    assert max(mx.abs(our_adapter[name] - stock_adapter[name]).max().item() for name in our_adapter) < 1e-4
