"""Peak memory before training: predicted from small real steps, checked by the worst one, kept below the machine's limit.

A step's peak is close to `a + tokens * (b + c * width)`: `a` is weights, optimizer state and gradients; `b` what a token
leaves behind for the backward pass, its share of the logits included; `c` the attention scores, which grow with the width of
a row. The coefficients depend on model, method, objectives, device and compiler, so they are measured, on steps of a few
of the rows of the worst batch of the run, or, when it has only few, on steps a quarter to three quarters as wide.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gradus.backend import cpu_streams, model_memory, mx, nn, optimizers, tree_flatten
from gradus.config.schema import Memory, Train
from gradus.errors import UserError
from gradus.files import size_label
from gradus.layout import Layout, plan_epoch
from gradus.train.checkpoint import Progress, restore_checkpoint, save_checkpoint
from gradus.train.checkpointing import checkpoint_layers
from gradus.train.data import Batch, Tokenized, make_batch, pieces
from gradus.train.loss import Forward, parts
from gradus.train.plan import Plan, read_plan, write_plan
from gradus.train.update import Step, make_step

log = logging.getLogger(__name__)
EPOCHS_SEEN = 32  # epochs whose batches are searched for the worst; later ones hardly differ


def limit_bytes(memory: Memory) -> int:
    """What training may take: the configured limit, or the machine's, times `limit_fraction`."""
    return int((memory.limit_gb * 1e9 or model_memory()) * memory.limit_fraction)


def worst_batch(sequences: Sequence[Tokenized], layout: Layout, seed: int, iterations: int) -> Batch:
    """The largest batch of the run, with as many supervised positions as any batch of so many tokens has, evenly over its rows."""
    lengths = [len(sequence) for sequence in sequences]
    supervised = [int(sequence.mask[1:].sum()) for sequence in sequences]
    largest, most, left = None, (0, 0), iterations
    for epoch in range(EPOCHS_SEEN):
        plan = plan_epoch(lengths, layout, seed, epoch)[:left]
        left -= len(plan)
        largest = max([*([largest] if largest else []), *plan], key=lambda rows: (len(rows.rows) * rows.width, rows.width))
        most = max([most, *((len(rows.rows) * rows.width, sum(supervised[i] for row in rows.rows for i in row)) for rows in plan)])
        if left <= 0:
            break
    assert largest is not None
    batch = make_batch(sequences, largest)
    return _supervise(batch, most[1] / (len(batch.tokens) * (largest.width - 1)))


def _supervise(batch: Batch, share: float) -> Batch:
    """The batch with this share of its predicted positions supervised, in every row the last ones."""
    width = batch.tokens.shape[1]
    mask = np.zeros_like(batch.mask)
    mask[:, max(width - round(share * (width - 1) + 0.49), 1) :] = 1
    return replace(batch, mask=mask)


@dataclass(frozen=True)
class Probe:
    """Runs real updates on any batch and tells their peak memory in bytes."""

    model: nn.Module
    optimizer: optimizers.Optimizer
    step: Step
    micro_batches: int
    """Of one update."""

    def peak(self, batch: Batch) -> int:
        """Bytes at the peak of an update on this batch; three micro-batches show all there is: first, middle, last."""
        mx.reset_peak_memory()
        pending, last = None, min(self.micro_batches, 3)
        for number in range(1, last + 1):
            loss, count, pending = self.step(parts(batch), pending, number == last)
            mx.eval(loss, count, pending, self.model.state, self.optimizer.state)
        return mx.get_peak_memory()

    def predict(self, batch: Batch) -> int:
        """Peak of an update on this batch, in bytes, from smaller ones: of fewer rows, or narrower ones when there are few rows."""
        rows, width = batch.tokens.shape
        streams = len(cpu_streams()) or 1
        few = min(2 * streams, rows // 2) if rows >= 2 * streams else rows
        share = float(batch.mask.sum()) / (rows * (width - 1))
        narrow = [max(width // 16, 4), max(width // 4, 8)]
        widths = np.array([*narrow, width] if few < rows else [*narrow, max(width // 2, 12), max(width * 3 // 4, 16)])
        places = widths - 1
        peaks = np.array([self.peak(_cut(batch, few, int(w), share)) for w in widths], float)
        constant = peaks[0] - places[0] * (peaks[1] - peaks[0]) / (places[1] - places[0])  # straight on to no token at all
        per_token = (peaks - constant) / (few * places)
        return int(constant + rows * (width - 1) * (per_token[-1] if few < rows else _straight_on(places[1:], per_token[1:], width - 1)))


def _straight_on(places: np.ndarray, values: np.ndarray, place: int) -> float:
    """Where a line through the values is at `place`; wide steps weigh more, since in narrow ones little is in flight."""
    slope, level = np.polyfit(places, values, 1, w=places)
    return float(max(level + slope * place, values[-1]))  # noise apart, attention scores only grow with the width


def _cut(batch: Batch, rows: int, width: int, share: float) -> Batch:
    lines = np.arange(rows) % len(batch.tokens)
    return _supervise(Batch(batch.tokens[lines, :width], batch.segments[lines, :width], batch.mask[lines, :width], batch.ids), share)


def preflight(model: nn.Module, optimizer: optimizers.Optimizer, train: Train, forward: Forward, worst: Batch, folder: Path) -> Plan:
    """Find a plan that fits, and keep it in the job's folder; a job that has one keeps to it.

    Steps are really taken. Weights, optimizer and random state are put back from a checkpoint written before, so training
    goes bit for bit as without.

    Raises:
        UserError: when it does not fit and may not, or cannot, be adapted.
    """
    plan = read_plan(folder)
    if plan.gradient_checkpointing and not train.gradient_checkpointing:
        checkpoint_layers(model, train.lora.dropout)
    if plan.checked_gb is not None:
        return plan
    plan = replace(plan, rows=len(worst.tokens), gradient_checkpointing=plan.gradient_checkpointing or train.gradient_checkpointing)
    write_plan(folder, plan)  # from here on a death for want of memory can be answered with smaller parts
    if train.memory.on_excess == "ignore":
        return plan
    _check_standing(model, optimizer, train)
    save_checkpoint(folder / "preflight", Progress(), model, optimizer, 1)
    plan = _fitting(model, optimizer, train, forward, worst, plan)
    restore_checkpoint(next((folder / "preflight").glob("[0-9]*")), model, optimizer)
    shutil.rmtree(folder / "preflight")
    mx.clear_cache()
    mx.reset_peak_memory()
    write_plan(folder, plan)
    return plan


def _check_standing(model: nn.Module, optimizer: optimizers.Optimizer, train: Train) -> None:
    """Refuse what no cutting of batches makes fit, before any of it is allocated: MLX knows the size of what it has not computed."""
    arrays = (value for _, value in tree_flatten([model.parameters(), optimizer.state]) if isinstance(value, mx.array))
    standing, limit = sum(value.nbytes for value in arrays), limit_bytes(train.memory)
    if standing > limit:
        what = f"weights, adapter and optimizer alone take {size_label(standing)}, limit {size_label(limit)}"
        adapters = f"Lower train.lora.rank ({train.lora.rank}), train fewer train.layers, or take a smaller or a 4-bit base"
        cure = "Take train.method=lora, train fewer train.layers, or take a smaller base" if train.method == "full" else adapters
        raise UserError(f"training does not fit into memory: {what}", where="train.memory", cure=cure)


def _fitting(model: nn.Module, optimizer: optimizers.Optimizer, train: Train, forward: Forward, worst: Batch, plan: Plan) -> Plan:
    limit = limit_bytes(train.memory)
    while True:
        probe = Probe(model, optimizer, make_step(model, optimizer, train, forward), train.gradient_accumulation * plan.slices)
        batch = pieces(worst, plan.slices)[0]
        predicted = probe.predict(batch)
        checked = probe.peak(batch) if predicted <= limit else None
        plan = replace(plan, predicted_gb=_gb(predicted), checked_gb=None if checked is None else _gb(checked), limit_gb=_gb(limit))
        needed = predicted if checked is None else checked
        if needed <= limit:
            return plan
        reason = f"{_gb(needed):.3g} GB needed, limit {_gb(limit):.3g} GB"
        smaller = plan.smaller(reason) if train.memory.on_excess == "adapt" else None
        if smaller is None:
            raise too_much(reason, train)
        if smaller.gradient_checkpointing and not plan.gradient_checkpointing:
            checkpoint_layers(model, train.lora.dropout)
        plan = smaller


def _gb(size: int) -> float:
    return round(size / 1e9, 6)


def too_much(reason: str, train: Train) -> UserError:
    """The refusal, with the numbers and the keys to change."""
    keys = f"Lower train.batch_size ({train.batch_size}) or prepare.max_tokens, train fewer train.layers, take a 4-bit base"
    more = "" if train.memory.on_excess == "adapt" else ", set train.gradient_checkpointing=true or train.memory.on_excess=adapt"
    return UserError(f"training does not fit into memory: {reason}", where="train.memory", cure=keys + more)
