"""The child process that trains: `python -m gradus.train.worker JOB.json`.

It says what happens as JSON lines on standard output, writes its files into the job's folder, finishes its iteration
and writes a checkpoint when it is asked to stop, and stops by itself when its parent is gone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from gradus.backend import device_name, mx, tree_flatten
from gradus.config import Config
from gradus.errors import GradusError
from gradus.files import write_json
from gradus.models import load_model
from gradus.train.data import Layout, read_sequences
from gradus.train.loop import Job, Trainer
from gradus.train.loss import Forward, can_split_head
from gradus.train.method import adapter_config, make_optimizer, make_trainable
from gradus.train.packing import check_isolation


def emit(event: dict[str, Any]) -> None:
    """One event to the parent."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


class Stop:
    """Turns true when a signal asked to stop or the parent process is gone."""

    def __init__(self) -> None:
        self.asked = False
        self.parent = os.getppid()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        self.asked = True

    def __call__(self) -> bool:
        return self.asked or os.getppid() != self.parent


def main(job_file: str) -> int:
    """Train as `job_file` says. Returns 0 when done, 130 when interrupted, 1 or 2 after an error told to the parent."""
    stop = Stop()
    try:
        return train_job(json.loads(Path(job_file).read_text(encoding="utf-8")), stop)
    except GradusError as error:
        emit({"event": "error", "what": error.what, "where": error.where, "cure": error.cure, "exit_code": error.exit_code})
        return error.exit_code


def train_job(job: dict[str, Any], stop: Stop) -> int:
    """Load the model, make it trainable, train, and leave `result.json` in the job's folder."""
    config = Config.model_validate(job["config"])
    train, folder = config.train, Path(job["folder"])
    model, tokenizer = load_model(job["base"])
    write_json(folder / "adapter_config.json", adapter_config(train, model, job["base"]))
    sequences = read_sequences(Path(job["train"]), tokenizer, config.prepare.max_tokens)
    validation = read_sequences(Path(job["valid"]), tokenizer, config.prepare.max_tokens)
    if train.packing:
        check_isolation(model, len(tokenizer.get_vocab()))
    forward = Forward(packed=train.packing, split_head=can_split_head(model))
    layout = Layout(train.batch_size, train.packing, train.row_tokens, config.prepare.max_tokens)
    mx.random.seed(config.run.seed)
    make_trainable(model, train)
    if train.gradient_checkpointing:
        from mlx_lm.tuner.trainer import grad_checkpoint

        grad_checkpoint(model.layers[0])
    optimizer = make_optimizer(train)
    optimizer.init(model.trainable_parameters())
    trainer = Trainer(Job(train, sequences, validation, layout, forward, config.run.seed, folder), model, optimizer, emit)
    emit({"event": "start", "iterations": train.iterations, "device": device_name()})
    stopped = trainer.run(stop)
    if stopped == "interrupted":
        return 130
    progress = trainer.progress
    write_json(folder / "result.json", {
        "stopped": stopped, "iterations": progress.iteration, "tokens": progress.tokens, "seconds": progress.seconds,
        "best": {"iteration": progress.best_iteration, "loss": progress.best_loss},
        "trainable_parameters": sum(v.size for _, v in tree_flatten(model.trainable_parameters())),
        "peak_memory_gb": round(mx.get_peak_memory() / 1e9, 4), "device": device_name(), "epochs": progress.epoch + 1,
    })  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
