"""All GGUF files of an export: written, read back, and let through the fidelity gate one after the other."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.backend import mx, nn, tree_flatten
from gradus.config.export import GgufLimits
from gradus.export.gguf_check import FileCheck, check_file
from gradus.export.gguf_fidelity import check_drift, drift_of
from gradus.export.gguf_file import FILE_TYPES, About, context_length, write_gguf
from gradus.export.gguf_vocabulary import Vocabulary, read_vocabulary
from gradus.export.gguf_weights import Tensor, architecture_of, tensors_of
from gradus.export.kquants import quantize_file, quantize_tool
from gradus.fidelity import Drift, HeldOut
from gradus.models import load_with_config

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GgufSource:
    """A model folder, taken apart as GGUF needs it."""

    folder: Path
    model: nn.Module
    tokenizer: Any
    architecture: str
    tensors: list[Tensor]
    vocabulary: Vocabulary
    context: int


@dataclass(frozen=True)
class GgufFile:
    """One file and what was found out about it."""

    path: Path
    kind: str
    kept_in_16_bits: list[str]
    """Tensors whose rows are no multiple of the format's block; llama-quantize decides by itself and names none here."""
    check: FileCheck
    drift: Drift
    """Against base + adapter, as its numbers answer in MLX."""


def open_source(folder: Path) -> GgufSource:
    """Load a model that is to become GGUF. Raises UserError when llama.cpp could not run it as MLX does."""
    model, tokenizer, config = load_with_config(folder)
    architecture = architecture_of(model, str(folder))
    vocabulary = read_vocabulary(folder, model.args.vocab_size, config.get("bos_token_id"))
    tensors = tensors_of(model, architecture, str(folder))
    return GgufSource(folder, model, tokenizer, architecture, tensors, vocabulary, context_length(model))


def write_files(source: GgufSource, folder: Path, kinds: Sequence[str], about: About, held_out: HeldOut, limits: GgufLimits) -> list[GgufFile]:
    """Write `folder/<name>-<KIND>.gguf` for every kind.

    Raises:
        UserError: when llama-quantize is needed and missing. GradusError: when a file is not the model, or beyond the limits.
    """
    if any(kind not in FILE_TYPES for kind in kinds):
        quantize_tool()  # tell what is missing before anything is written
    folder.mkdir(parents=True)
    done = []
    for kind in kinds:
        path = folder / f"{about.name}-{kind.upper()}.gguf"
        kept = _write(source, path, kind, about)
        check = check_file(path, source.tensors, source.vocabulary)
        found = drift_of(path, _plain(source.folder), source.tokenizer, source.tensors, held_out)
        check_drift(found, kind, limits)
        done.append(GgufFile(path, kind, kept, check, found))
    return done


def _write(source: GgufSource, path: Path, kind: str, about: About) -> list[str]:
    if kind in FILE_TYPES:
        return write_gguf(path, kind, source.model, source.architecture, source.tensors, source.vocabulary, about)
    with _exact(source, path, about) as whole:
        quantize_file(quantize_tool(), whole, path, kind)
    return []


@contextmanager
def _exact(source: GgufSource, path: Path, about: About) -> Iterator[Path]:
    """The model without any rounding, in the floating-point type it has, for as long as llama-quantize reads it."""
    whole = path.with_name(f"{about.name}-whole.gguf")
    types = {str(value.dtype) for _, value in tree_flatten(source.model.parameters()) if mx.issubdtype(value.dtype, mx.floating)}
    kind = {"mlx.core.bfloat16": "bf16", "mlx.core.float16": "f16"}.get(types.pop(), "f32") if len(types) == 1 else "f32"
    try:
        write_gguf(whole, kind, source.model, source.architecture, source.tensors, source.vocabulary, about)
        yield whole
    finally:
        whole.unlink(missing_ok=True)


def _plain(folder: Path) -> nn.Module:
    """The model anew, without quantization: a place for the numbers of a file."""
    from mlx_lm.utils import dequantize_model

    model, _, config = load_with_config(folder)
    return dequantize_model(model) if "quantization" in config else model
