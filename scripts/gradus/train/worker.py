"""The child process that trains: `python -m gradus.train.worker JOB.json`.

It says what happens as JSON lines on standard output, writes its files into the job's folder, finishes its iteration
and writes a checkpoint when it is asked to stop, and stops by itself when its parent is gone.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import Any

from gradus.backend import device_name, mx, tree_flatten
from gradus.cli import machine_error
from gradus.config import Config
from gradus.errors import GradusError
from gradus.files import write_json
from gradus.layout import Layout
from gradus.models import load_model
from gradus.train.checks import check_values
from gradus.train.curriculum import curriculum_stages
from gradus.train.data import read_sequences
from gradus.train.group import Stop, join
from gradus.train.launch import BACKEND
from gradus.train.loop import Job, Trainer
from gradus.train.loss import Forward, can_split_head
from gradus.train.memory import checkpoint_layers, preflight, worst_batch
from gradus.train.method import adapter_config, make_optimizer, make_trainable
from gradus.train.objectives import make_objectives, vocabulary_of
from gradus.train.packing import check_isolation
from gradus.train.range_test import range_test, rising_rate
from gradus.train.start import load_start


def emit(event: dict[str, Any]) -> None:
    """One event to the parent; launched, begun on a new line, since a launcher mixes the output of its processes."""
    sys.stdout.write(("\n" if BACKEND in os.environ else "") + json.dumps(event) + "\n")
    sys.stdout.flush()


def say_nothing(_event: dict[str, Any]) -> None:
    """What the processes beside the leading one tell, apart from errors."""


def main(job_file: str) -> int:
    """Train as `job_file` says. Returns 0 when done, 130 when interrupted, 1 or 2 after an error told to the parent."""
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    try:
        return train_job(job, Stop(Path(job["folder"])))
    except GradusError as error:
        emit({"event": "error", "what": error.what, "where": error.where, "cure": error.cure, "exit_code": error.exit_code})
        return error.exit_code
    except (OSError, RuntimeError) as error:  # MLX says with a RuntimeError that the disk is full
        known = machine_error(error, Path(job_file).parent)
        if known is None:
            raise
        emit({"event": "error", "what": known.what, "where": known.where, "cure": known.cure, "exit_code": known.exit_code})
        return known.exit_code


def train_job(job: dict[str, Any], stop: Stop) -> int:
    """Load the model, make it trainable, train, and leave `result.json` in the job's folder."""
    config = Config.model_validate(job["config"])
    train, folder = config.train, Path(job["folder"])
    group = join(train.batch_size)
    finding = job.get("mode") == "find_lr"
    if not finding:
        check_values(train, Path(job["base"]), Path(job["train"]))
    model, tokenizer = load_model(job["base"])
    form = adapter_config(train, model, job["base"])
    if group.leads:
        write_json(folder / "adapter_config.json", form)
    sequences = read_sequences(Path(job["train"]), tokenizer, config.prepare.max_tokens)
    validation = read_sequences(Path(job["valid"]), tokenizer, config.prepare.max_tokens)
    if train.packing:
        check_isolation(model, len(tokenizer.get_vocab()))
    vocabulary = vocabulary_of(model)
    objectives = make_objectives(train.objectives, tokenizer, vocabulary)
    split_head = all(can_split_head(m) for m in (model, objectives.teacher) if m is not None)
    forward = Forward(packed=train.packing, split_head=split_head, objectives=objectives)
    stages = group.in_turn(lambda: curriculum_stages(train.curriculum, train.curriculum_stages, sequences, model, forward, folder))
    layout = Layout(train.batch_size, train.packing, train.row_tokens, config.prepare.max_tokens)
    mx.random.seed(config.run.seed)
    make_trainable(model, train)
    if "start" in job:
        load_start(model, Path(job["start"]), form)
    if train.gradient_checkpointing:
        checkpoint_layers(model)
    optimizer = make_optimizer(train, rising_rate(train.find_lr) if finding else None)
    optimizer.init(model.trainable_parameters())
    worst = group.share(worst_batch(sequences, layout, config.run.seed, train.iterations))
    plan = group.in_turn(lambda: preflight(model, optimizer, train, forward, worst, folder))
    if not group.leads:
        mx.random.seed(config.run.seed + group.rank)  # the weights are made: from here on only dropout draws
    tell = emit if group.leads else say_nothing
    job_of_run = Job(train, sequences, validation, layout, forward, config.run.seed, folder, stages, plan.slices, math.log(vocabulary))
    trainer = Trainer(job_of_run, model, optimizer, tell, group)
    tell({"event": "start", "iterations": train.iterations, "device": device_name(), "memory": plan.summary(None)})
    if finding:
        return range_test(trainer, stop)
    stopped = trainer.run(stop)
    if stopped == "interrupted" and group.size == 1:
        return 130
    if stopped == "interrupted":  # a launcher does not hand the code on, and one that is not 0 makes it kill the others
        tell({"event": "interrupted"})
        return 0
    if not group.leads:
        return 0
    progress = trainer.progress
    peak = round(mx.get_peak_memory() / 1e9, 4)
    write_json(folder / "result.json", {
        "stopped": stopped, "iterations": progress.iteration, "tokens": progress.tokens, "seconds": progress.seconds,
        "best": {"iteration": progress.best_iteration, "loss": progress.best_loss},
        "trainable_parameters": sum(v.size for _, v in tree_flatten(model.trainable_parameters())),
        "peak_memory_gb": peak, "memory": plan.summary(round(mx.get_peak_memory() / 1e9, 6)), "device": device_name(), "epochs": progress.epoch + 1,
    })  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
