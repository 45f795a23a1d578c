"""Is a written GGUF file the model it was made from? Read back tensor by tensor, and asked held-out questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gradus.errors import GradusError
from gradus.export.gguf_vocabulary import Vocabulary
from gradus.export.gguf_weights import Tensor

if TYPE_CHECKING:
    from gguf import GGUFReader, ReaderTensor

HALF, HALF_LEAST = 2.0**-11, 2.0**-25
"""Rounding to float16: this share of a value, and at least so much near zero."""


@dataclass(frozen=True)
class FileCheck:
    """What was found in a file that was read back."""

    tensors: int
    relative_error: float
    """RMS of all values' difference over the RMS of the values."""
    share_of_bound: float | None
    """Largest difference over what the format allows at that place, at most 1; None for formats without a simple bound."""


def check_file(path: Path, tensors: Sequence[Tensor], vocabulary: Vocabulary) -> FileCheck:
    """Compare every tensor in the file with the model's, and the vocabulary.

    Raises:
        GradusError: when one is missing, differs by more than its format allows, or holds NaN or infinity.
    """
    from gguf import GGUFReader

    reader = GGUFReader(path)
    found = {tensor.name: tensor for tensor in reader.tensors}
    if found.keys() != {tensor.name for tensor in tensors}:
        raise _broken(path, "has other tensors than the model")
    _check_vocabulary(reader, vocabulary, path)
    squares, error, worst, bounded = 0.0, 0.0, 0.0, True
    for tensor in tensors:
        wanted, values = tensor.read(), values_of(found[tensor.name], tensor.shape)
        _check_numbers(wanted, values, tensor.name, path)
        difference = np.abs(values - wanted)
        bound = error_bound(wanted, found[tensor.name].tensor_type.name)
        if bound is None:
            bounded = False
        elif (difference > bound).any():
            raise _broken(path, f"the tensor {tensor.name} differs from the model's by up to {difference.max():.3g}, more than its format allows")
        else:
            worst = max(worst, float(np.divide(difference, bound, out=np.zeros_like(difference), where=bound > 0).max()))
        squares, error = squares + float(np.square(wanted, dtype=np.float64).sum()), error + float(np.square(difference, dtype=np.float64).sum())
    return FileCheck(len(tensors), (error / squares) ** 0.5 if squares else 0.0, worst if bounded else None)


def values_of(stored: ReaderTensor, shape: tuple[int, ...]) -> np.ndarray:
    """The numbers of a tensor in a file, in float32."""
    from gguf.quants import dequantize

    with np.errstate(invalid="ignore"):
        return np.asarray(dequantize(stored.data, stored.tensor_type), np.float32).reshape(shape)


def error_bound(values: np.ndarray, kind: str) -> np.ndarray | None:
    """How far each stored value may be from the true one, by the format's definition; None for K-quants.

    16 bits: half a unit in the last place. Q8_0 and Q4_0: blocks of 32 share a scale d, the largest absolute value over
    127 or 8. Q8_0 rounds to the nearest multiple, Q4_0 can be off by a whole d where +8 is cut to +7. The scale itself
    is rounded to float16.
    """
    size = np.abs(values)
    if kind == "F32":
        return np.zeros_like(size)
    if kind in ("F16", "BF16"):
        return np.maximum(size * (HALF if kind == "F16" else 2.0**-8), HALF_LEAST)
    if kind not in ("Q8_0", "Q4_0"):
        return None
    steps, off = (127, 0.5) if kind == "Q8_0" else (8, 1.0)
    blocks = size.reshape(-1, 32)
    scale = blocks.max(axis=1, keepdims=True) / steps
    slack = 1.001  # float32 arithmetic on the way
    bound = (off * scale + steps * np.maximum(scale * HALF, HALF_LEAST)) * slack
    return np.broadcast_to(bound, blocks.shape).reshape(size.shape)


def _check_numbers(wanted: np.ndarray, values: np.ndarray, name: str, path: Path) -> None:
    if not np.isfinite(wanted).all():
        raise GradusError(f"the model's own tensor {name} holds NaN or infinity", where=str(path), cure="Look at the training: it broke the weights")
    if not np.isfinite(values).all():
        what = f"the tensor {name} holds values up to {np.abs(wanted).max():.3g}, too large for this format"
        raise GradusError(what, where=str(path), cure="Take gguf-bf16 in export.formats: it has the range of float32")


def _check_vocabulary(reader: GGUFReader, vocabulary: Vocabulary, path: Path) -> None:
    wanted = {"tokens": vocabulary.tokens, "token_type": vocabulary.types, "merges": vocabulary.merges, "pre": vocabulary.pre}
    for key, value in wanted.items():
        field = reader.get_field(f"tokenizer.ggml.{key}")
        if (field.contents() if field else []) != value:
            raise _broken(path, f"holds another vocabulary than the tokenizer ({key})")


def _broken(path: Path, what: str) -> GradusError:
    return GradusError(f"the file {path.name} {what}", where=str(path), cure="Run 12_export again with --force, and report it when it happens again")
