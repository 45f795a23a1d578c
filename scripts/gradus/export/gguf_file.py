"""Write a model as one GGUF file, tensor by tensor, so that no second copy of the model is in memory."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradus.backend import nn
from gradus.errors import UserError
from gradus.export.gguf_vocabulary import Vocabulary
from gradus.export.gguf_weights import CURE, Tensor, rope_type

if TYPE_CHECKING:
    from gguf import GGMLQuantizationType, GGUFWriter

BLOCK = 32
# Formats by their name in the configuration, with their number as a file type (LlamaFileType).
FILE_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 7, "bf16": 32}
SPECIAL_KEYS = {"bos": "bos", "eos": "eos", "eot": "eot", "eom": "eom", "pad": "padding", "unk": "unknown"}


@dataclass(frozen=True)
class About:
    """What a GGUF file says of its model."""

    name: str
    licence: str
    base: str


def write_gguf(
    path: Path, kind: str, model: nn.Module, architecture: str, tensors: Sequence[Tensor], vocabulary: Vocabulary, about: About
) -> list[str]:
    """Write the file.

    Args:
        kind: a key of `FILE_TYPES`.

    Returns:
        The tensors that are kept in 16 bits because their rows are no multiple of the format's block of 32.

    Raises:
        UserError: when the model has something that GGUF cannot say.
    """
    from gguf import GGUFWriter
    from gguf.quants import quantize

    types = {tensor.name: type_of(tensor, kind) for tensor in tensors}
    with _room_for(path), closing(GGUFWriter(str(path), architecture)) as writer:
        _add_model(writer, model, kind, about, str(path))
        _add_vocabulary(writer, vocabulary)
        for tensor in tensors:
            _add_place(writer, tensor, types[tensor.name])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for tensor in tensors:
            # Values that 16 bits cannot hold are found when the file is read back.
            with np.errstate(over="ignore", invalid="ignore"):
                writer.write_tensor_data(quantize(tensor.read(), types[tensor.name]))
    return [tensor.name for tensor in tensors if len(tensor.shape) > 1 and tensor.shape[-1] % BLOCK and kind.startswith("q")]


@contextmanager
def _room_for(path: Path) -> Iterator[None]:
    """Say of a full disk that it is one, and where: NumPy tells only how much was written."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno or errno.ENOSPC, error.strerror or "No space left on device", str(path)) from error


def type_of(tensor: Tensor, kind: str) -> GGMLQuantizationType:
    """How a tensor is stored: vectors in float32, rows that make no whole blocks in float16, the rest as `kind` says.

    Embedding and output of a 4-bit file have 8 bits, for they suffer most; llama.cpp's own tool gives them 6.
    """
    from gguf import GGMLQuantizationType as Type

    if len(tensor.shape) == 1:
        return Type.F32
    if kind.startswith("q") and tensor.shape[-1] % BLOCK:
        return Type.F16
    if kind == "q4_0" and tensor.name in ("token_embd.weight", "output.weight"):
        return Type.Q8_0
    return Type[kind.upper()]


def _add_place(writer: GGUFWriter, tensor: Tensor, kind: GGMLQuantizationType) -> None:
    from gguf import GGML_QUANT_SIZES

    block, size = GGML_QUANT_SIZES[kind]
    count = int(np.prod(tensor.shape))
    # The element type counts only where no kind is given; uint8 would be taken for a shape in bytes.
    writer.add_tensor_info(tensor.name, tensor.shape, np.dtype(np.float32), count // block * size, raw_dtype=kind)


def _add_model(writer: GGUFWriter, model: nn.Module, kind: str, about: About, where: str) -> None:
    args: Any = model.args
    heads = args.num_attention_heads
    head = getattr(args, "head_dim", None) or args.hidden_size // heads
    writer.add_type("model")
    writer.add_name(about.name)
    if about.licence:
        writer.add_license(about.licence)
    if about.base:
        writer.add_string("general.base_model.0.name", about.base)
        writer.add_base_model_count(1)
    writer.add_file_type(FILE_TYPES[kind])
    writer.add_quantization_version(2)
    writer.add_context_length(context_length(model))
    writer.add_embedding_length(args.hidden_size)
    writer.add_block_count(args.num_hidden_layers)
    writer.add_feed_forward_length(args.intermediate_size)
    writer.add_head_count(heads)
    writer.add_head_count_kv(args.num_key_value_heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_layer_norm_rms_eps(args.rms_norm_eps)
    writer.add_vocab_size(args.vocab_size)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(args.rope_theta)
    _add_rope_scaling(writer, model, where)


def context_length(model: nn.Module) -> int:
    """Tokens that the exported model can attend to.

    llama.cpp attends to everything, so a model with a sliding window is the same model up to that window only.
    """
    args: Any = model.args
    length = int(getattr(args, "max_position_embeddings", None) or 2048)
    slides = "sliding_attention" in (getattr(args, "layer_types", None) or ())
    return min(length, int(args.sliding_window)) if slides else length


def _add_rope_scaling(writer: GGUFWriter, model: nn.Module, where: str) -> None:
    from gguf import RopeScalingType

    kind, scaling = rope_type(model), getattr(model.args, "rope_scaling", None) or {}
    if kind in ("default", "llama3"):  # the latter is a tensor
        return
    odd = {"beta_fast", "beta_slow", "mscale", "mscale_all_dim", "attention_factor"} & scaling.keys()
    if kind not in ("linear", "yarn") or odd:
        what = f"position scaling of type {kind}{' with ' + ', '.join(sorted(odd)) if odd else ''} is not written as GGUF"
        raise UserError(what, where=where, cure=CURE)
    writer.add_rope_scaling_type(RopeScalingType(kind))
    writer.add_rope_scaling_factor(scaling["factor"])
    if kind == "yarn":
        writer.add_rope_scaling_orig_ctx_len(scaling.get("original_max_position_embeddings", 4096))


def _add_vocabulary(writer: GGUFWriter, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    writer.add_token_merges(vocabulary.merges)
    for role, number in vocabulary.special.items():
        writer.add_uint32(f"tokenizer.ggml.{SPECIAL_KEYS[role]}_token_id", number)
    writer.add_add_bos_token(vocabulary.adds_bos)
    writer.add_add_eos_token(vocabulary.adds_eos)
    if vocabulary.chat_template:
        writer.add_chat_template(vocabulary.chat_template)
