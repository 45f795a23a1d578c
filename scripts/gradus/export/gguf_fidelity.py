"""The fidelity gate of GGUF files: their numbers, put back into the MLX model, answer what the graded model was asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gradus.backend import mx, nn
from gradus.compare import questions_of, total_likelihood
from gradus.config.export import GgufLimits
from gradus.errors import GradusError
from gradus.export.gguf_check import values_of
from gradus.export.gguf_weights import Tensor, halves_of_pairs
from gradus.fidelity import Drift, HeldOut, Spoken, drift, objection
from gradus.models import generate_answers

BATCH = 8


def drift_of(path: Path, model: nn.Module, tokenizer: Any, tensors: Sequence[Tensor], held_out: HeldOut) -> Drift:
    """How far a GGUF file is from the graded model.

    Args:
        model: the MLX model without quantization; its weights are replaced by those of the file.
    """
    model.load_weights(list(_parameters(path, tensors)), strict=False)
    questions = questions_of(held_out.conversations)
    answers = generate_answers(model, tokenizer, questions, max_tokens=held_out.answer_tokens, batch_size=BATCH)
    loss = total_likelihood(model, tokenizer, held_out.conversations, held_out.max_tokens).per_token
    return drift(held_out.graded, Spoken(loss, tuple(answer.text for answer in answers)))


def _parameters(path: Path, tensors: Sequence[Tensor]) -> Iterator[tuple[str, mx.array]]:
    from gguf import GGUFReader

    found = {tensor.name: tensor for tensor in GGUFReader(path).tensors}
    for tensor in tensors:
        if tensor.source:
            values: np.ndarray = values_of(found[tensor.name], tensor.shape)
            yield tensor.source, mx.array(halves_of_pairs(values, tensor.heads) if tensor.heads else values)


def check_drift(found: Drift, kind: str, limits: GgufLimits) -> None:
    """Raises GradusError with the number, its limit and the cure when a file is too far from the graded model."""
    name = "sixteen_bits" if kind in ("f16", "bf16") else "fewer_bits"
    what = objection(found, getattr(limits, name), f"export.gguf.{name}")
    if what:
        cure = "Take a format with more bits in export.formats, or move the limit"
        raise GradusError(f"the gguf-{kind} file is not the model that was graded: {what}", where="export.formats", cure=cure)
