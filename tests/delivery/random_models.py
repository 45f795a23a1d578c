"""Tiny models of other architectures with random weights, in the classes of mlx-lm; and a tokenizer that llama.cpp knows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from gradus.export import gguf_pretokenizer as known

SHAPE: dict[str, float] = {"hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 96, "num_attention_heads": 4, "num_key_value_heads": 2}
SHAPE |= {"rms_norm_eps": 1e-5, "max_position_embeddings": 256, "rope_theta": 10000.0}
KINDS: dict[str, dict[str, Any]] = {
    "llama": {"tie_word_embeddings": False, "attention_bias": True},
    "mistral": {"tie_word_embeddings": False, "head_dim": 32},
    "qwen2": {"tie_word_embeddings": True},
    "qwen3": {"tie_word_embeddings": True, "head_dim": 32},
}


def qwen_tokenizer(base: Path, folder: Path) -> Path:
    """A copy of a model folder whose tokenizer cuts texts as Qwen's does; its merges stay."""
    shutil.copytree(base, folder)
    data = json.loads((folder / "tokenizer.json").read_text())
    data["pre_tokenizer"]["pretokenizers"][0]["pattern"] = {"Regex": known.QWEN2}
    (folder / "tokenizer.json").write_text(json.dumps(data))
    return folder


def random_model(base: Path, folder: Path, kind: str, **changes: Any) -> Path:
    """A model folder of that type, with the tokenizer of `base` made Qwen's."""
    import importlib

    from gradus.backend import mx, tree_flatten

    qwen_tokenizer(base, folder)
    (folder / "pretraining.json").unlink()
    old = json.loads((folder / "config.json").read_text())
    config = {**SHAPE, **KINDS[kind], "model_type": kind, **{key: old[key] for key in ("vocab_size", "bos_token_id", "eos_token_id")}, **changes}
    module = importlib.import_module(f"mlx_lm.models.{'llama' if kind == 'mistral' else kind}")
    mx.random.seed(5)
    model = module.Model(module.ModelArgs.from_dict(config))
    weights = {name: 0.2 * mx.random.normal(value.shape) + (value.ndim == 1 and "norm" in name) for name, value in tree_flatten(model.parameters())}
    mx.save_safetensors(str(folder / "model.safetensors"), weights, metadata={"format": "mlx"})
    (folder / "config.json").write_text(json.dumps(config))
    return folder
