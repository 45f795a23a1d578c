"""The child process that trains: `python -m gradus.train.worker JOB.json`.

It says what happens as JSON lines on standard output, writes its files into the job's folder, finishes its iteration
and writes a checkpoint when it is asked to stop, and stops by itself when its parent is gone.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gradus.backend import device_name, mx, nn
from gradus.cli import machine_error
from gradus.config import Config
from gradus.config.schema import Train
from gradus.errors import GradusError
from gradus.files import write_json
from gradus.layout import Layout
from gradus.models import load_model
from gradus.train.checkpointing import checkpoint_layers
from gradus.train.checks import check_values
from gradus.train.curriculum import curriculum_stages
from gradus.train.data import read_sequences
from gradus.train.group import Group, Stop, join
from gradus.train.launch import BACKEND
from gradus.train.loop import Job, Stopped, Trainer
from gradus.train.loss import Forward, can_split_head
from gradus.train.memory import preflight, worst_batch
from gradus.train.method import adapter_config, make_optimizer, make_trainable, trainable_parameters
from gradus.train.objectives import make_objectives, vocabulary_of
from gradus.train.packing import check_isolation
from gradus.train.plan import Plan
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
    group = join(config.train.batch_size)
    tell = emit if group.leads else say_nothing
    trainer, plan = _ready(job, config, group, tell)
    tell({"event": "start", "memory": plan.summary(None)})
    if _finds_rate(job):
        return range_test(trainer, stop)
    stopped = trainer.run(stop)
    if stopped == "interrupted" and group.size == 1:
        return 130
    if stopped == "interrupted":  # a launcher does not hand the code on, and one that is not 0 makes it kill the others
        tell({"event": "interrupted"})
    elif group.leads:
        write_json(trainer.job.folder / "result.json", _result(trainer, plan, stopped))
    return 0


def _finds_rate(job: dict[str, Any]) -> bool:
    return job.get("mode") == "find_lr"


def _ready(job: dict[str, Any], config: Config, group: Group, tell: Callable[[dict[str, Any]], None]) -> tuple[Trainer, Plan]:
    """The trainer with its model, trainable and found to fit, and how the batches are cut for that."""
    train, folder, max_tokens = config.train, Path(job["folder"]), config.prepare.max_tokens
    if not _finds_rate(job):
        check_values(train, Path(job["base"]), Path(job["train"]))
    model, tokenizer = load_model(job["base"])
    form = adapter_config(train, model, job["base"])
    if group.leads:
        write_json(folder / "adapter_config.json", form)
    sequences, validation = (read_sequences(Path(job[part]), tokenizer, max_tokens) for part in ("train", "valid"))
    vocabulary = vocabulary_of(model)
    forward = _forward(model, tokenizer, train, vocabulary)
    stages = group.in_turn(lambda: curriculum_stages(train.curriculum, train.curriculum_stages, sequences, model, forward, folder))
    layout = Layout(train.batch_size, train.packing, train.row_tokens, max_tokens)
    mx.random.seed(config.run.seed)
    make_trainable(model, train)
    if "start" in job:
        load_start(model, Path(job["start"]), form)
    if train.gradient_checkpointing:
        checkpoint_layers(model, train.lora.dropout)
    optimizer = make_optimizer(train, rising_rate(train.find_lr) if _finds_rate(job) else None)
    optimizer.init(model.trainable_parameters())
    worst = group.share(worst_batch(sequences, layout, config.run.seed, train.iterations))
    plan = group.in_turn(lambda: preflight(model, optimizer, train, forward, worst, folder))
    if not group.leads:
        mx.random.seed(config.run.seed + group.rank)  # the weights are made: from here on only dropout draws
    run = Job(train, sequences, validation, layout, forward, config.run.seed, folder, stages, plan.slices, math.log(vocabulary))
    return Trainer(run, model, optimizer, tell, group), plan


def _forward(model: nn.Module, tokenizer: Any, train: Train, vocabulary: int) -> Forward:
    """How this model is run; raises UserError when it cannot be packed, or its teacher is another kind."""
    if train.packing:
        check_isolation(model, len(tokenizer.get_vocab()))
    objectives = make_objectives(train.objectives, tokenizer, vocabulary)
    split_head = all(can_split_head(one) for one in (model, objectives.teacher) if one is not None)
    return Forward(packed=train.packing, split_head=split_head, objectives=objectives)


def _result(trainer: Trainer, plan: Plan, stopped: Stopped) -> dict[str, Any]:
    progress, peak_gb = trainer.progress, mx.get_peak_memory() / 1e9
    return {
        "stopped": stopped, "iterations": progress.iteration, "tokens": progress.tokens, "seconds": progress.seconds,
        "best": {"iteration": progress.best_iteration, "loss": progress.best_loss},
        "trainable_parameters": sum(value.size for value in trainable_parameters(trainer.model).values()),
        "peak_memory_gb": round(peak_gb, 4), "memory": plan.summary(round(peak_gb, 6)), "device": device_name(), "epochs": progress.epoch + 1,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
