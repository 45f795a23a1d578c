"""A loaded MLX model as the tensors and the hyperparameters of a GGUF file, one tensor at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gradus.backend import mx, nn, tree_flatten
from gradus.errors import UserError

# model_type -> llama.cpp's architecture; Mistral is a Llama there.
ARCHITECTURES = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
CURE = "Leave the gguf formats out of export.formats"


@dataclass(frozen=True)
class Tensor:
    """One tensor under its GGUF name, and how to get its values.

    `read` computes them in float32 when they are needed, in the order of GGUF; `source` is MLX's name of the parameter,
    '' for what MLX has no parameter for; `heads` is 0 or the number of heads whose rows were reordered.
    """

    name: str
    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]
    source: str
    heads: int = 0


def architecture_of(model: nn.Module, where: str) -> str:
    """llama.cpp's name of the model's architecture. Raises UserError for one that is not written."""
    kind = str(model.args.model_type)
    if kind not in ARCHITECTURES:
        what = f"models of type {kind} are not written as GGUF, only {', '.join(ARCHITECTURES)}"
        raise UserError(what, where=where, cure=f"{CURE}, or convert huggingface/ with llama.cpp's convert_hf_to_gguf.py")
    if getattr(model.args, "rope_traditional", False):
        raise UserError("rotary embeddings in their traditional order are not written as GGUF", where=where, cure=CURE)
    return ARCHITECTURES[kind]


def tensors_of(model: nn.Module, architecture: str, where: str) -> list[Tensor]:
    """All tensors, quantized layers de-quantized, under their GGUF names.

    llama.cpp turns neighbouring pairs of a Llama's queries and keys where MLX turns halves, so their rows are put into
    that order; Qwen's stay.
    """
    from gguf import MODEL_ARCH, MODEL_ARCH_NAMES, get_tensor_name_map

    number = next(key for key, name in MODEL_ARCH_NAMES.items() if name == architecture)
    names = get_tensor_name_map(MODEL_ARCH(number), len(model.layers))
    modules = dict(model.named_modules())
    found = []
    for name, value in tree_flatten(model.parameters()):
        path, _, leaf = name.rpartition(".")
        module = modules[path]
        if "scales" in module and leaf in ("scales", "biases"):
            continue
        target = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if target is None:
            raise UserError(f"GGUF has no place for the tensor {name}", where=where, cure=CURE)
        quantized = leaf == "weight" and "scales" in module
        heads = _heads_to_reorder(model, architecture, path)
        shape = (value.shape[0], _width(module)) if quantized else tuple(value.shape)
        found.append(Tensor(target, shape, _reader(module, leaf, quantized, heads), name, heads))
    scaled = _rope_factors(model)
    return [*found, Tensor("rope_freqs.weight", scaled.shape, lambda: scaled, "")] if scaled is not None else found


def _heads_to_reorder(model: nn.Module, architecture: str, path: str) -> int:
    if architecture != "llama" or not path.endswith(("q_proj", "k_proj")):
        return 0
    return int(model.args.num_attention_heads if path.endswith("q_proj") else model.args.num_key_value_heads)


def _width(module: nn.Module) -> int:
    return int(module.weight.shape[-1] * 32 // module.bits)


def _reader(module: nn.Module, leaf: str, quantized: bool, heads: int) -> Callable[[], np.ndarray]:
    def read() -> np.ndarray:
        value = module[leaf]
        if quantized:
            biases = module.get("biases")
            value = mx.dequantize(value, module.scales, biases, module.group_size, module.bits, module.mode)
        array = np.array(value.astype(mx.float32))
        return pairs_of_halves(array, heads) if heads else array

    return read


def pairs_of_halves(rows: np.ndarray, heads: int) -> np.ndarray:
    """Put the rows of each head from halves (0, 1, … | n, n+1, …) into pairs (0, n, 1, n+1, …); a bias likewise."""
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(rows.shape))


def halves_of_pairs(rows: np.ndarray, heads: int) -> np.ndarray:
    """Undo `pairs_of_halves`."""
    pairs = rows.reshape(heads, rows.shape[0] // heads // 2, 2, *rows.shape[1:])
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(rows.shape))


def rope_type(model: nn.Module) -> str:
    """How the model stretches its positions: `default`, `linear`, `llama3`, `yarn` …"""
    scaling = getattr(model.args, "rope_scaling", None) or {}
    return str(scaling.get("type") or scaling.get("rope_type") or "default")


def _rope_factors(model: nn.Module) -> np.ndarray | None:
    """What Llama 3.1 divides each frequency by, as MLX computed it: `(head_dim / 2,)`; None for other kinds of scaling."""
    if rope_type(model) != "llama3":
        return None
    rope = model.layers[0].self_attn.rope
    plain = model.args.rope_theta ** (np.arange(0, rope.dims, 2, dtype=np.float64) / rope.dims)
    factors: np.ndarray = (np.array(rope._freqs).astype(np.float64) / plain).astype(np.float32)
    return factors
