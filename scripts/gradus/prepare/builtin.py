"""The built-in tiny base: a real Qwen3 model of one or two million parameters, made from the training documents.

It stands in where no model can be had from the hub, so that every later step works on real weights. It is a
demonstration: it has read a few megabytes for a few minutes.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gradus.backend import cpu_streams, mx, nn, on_streams, optimizers, tree_flatten, tree_map, tree_unflatten
from gradus.config.schema import Builtin
from gradus.cpu_attention import use_fast_attention
from gradus.cross_entropy import cross_entropy
from gradus.files import write_json
from gradus.log import progress
from gradus.prepare.tokenizer import END, PAD, train_tokenizer

VERSION = 4
"""Raised when the same texts, settings and seed would give another model, so that one made before is not taken for it."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pretraining:
    """How the built-in base came to be; `loss` is the mean over the last tenth of the steps, in nats per token."""

    steps: int
    tokens: int
    seconds: float
    loss: float
    parameters: int
    stopped_by_time: bool


def build_builtin(texts: Sequence[str], settings: Builtin, seed: int, folder: Path) -> Pretraining:
    """Train tokenizer and model on `texts` and put the finished model folder in place with one rename.

    Args:
        texts: documents of the training split only, so that held-out documents stay unseen.
        folder: where the model folder shall be; it appears whole or not at all.

    Returns:
        The figures of the pre-training, also written to `pretraining.json` in the folder.
    """
    work = folder.with_name(f".{folder.name}.work")
    shutil.rmtree(work, ignore_errors=True)
    vocabulary = train_tokenizer(texts, settings.vocabulary, work)
    config = _model_config(settings, vocabulary, work)
    mx.random.seed(seed)
    model = _new_model(config)
    result = pretrain(model, _token_stream(texts, work), settings, seed)
    write_json(work / "config.json", config)
    mx.save_safetensors(str(work / "model.safetensors"), dict(tree_flatten(model.parameters())), metadata={"format": "mlx"})
    write_json(work / "pretraining.json", asdict(result))
    shutil.rmtree(folder, ignore_errors=True)
    work.replace(folder)
    return result


def _model_config(settings: Builtin, vocabulary: int, folder: Path) -> dict[str, Any]:
    tokens = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
    ids = {token["content"]: token["id"] for token in tokens}
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "hidden_size": settings.hidden,
        "num_hidden_layers": settings.layers,
        "intermediate_size": settings.intermediate,
        "num_attention_heads": settings.heads,
        "num_key_value_heads": settings.kv_heads,
        "head_dim": settings.hidden // settings.heads,
        "rms_norm_eps": 1e-6,
        "vocab_size": math.ceil(vocabulary / 64) * 64,
        "max_position_embeddings": settings.context,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "bos_token_id": ids[PAD],
        "eos_token_id": ids[END],
        "pad_token_id": ids[PAD],
        "torch_dtype": "float32",
    }


def _new_model(config: dict[str, Any]) -> nn.Module:
    """A fresh model; weights are drawn with standard deviation 0.02 as GPT-2's are, the default of MLX is wider."""
    from mlx_lm.models.qwen3 import Model, ModelArgs

    use_fast_attention()
    model = Model(ModelArgs.from_dict(config))
    small = [(name, mx.random.normal(value.shape) * 0.02 if value.ndim == 2 else value) for name, value in tree_flatten(model.parameters())]
    model.load_weights(small)
    mx.eval(model.parameters())
    return model


def _token_stream(texts: Sequence[str], folder: Path) -> np.ndarray:
    """All documents as one int32 array, each closed by the end-of-sequence token."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    end = tokenizer.token_to_id(END)
    return np.concatenate([np.array([*encoding.ids, end], np.int32) for encoding in tokenizer.encode_batch(list(texts))])


def _windows(stream: np.ndarray, settings: Builtin, seed: int) -> Iterator[np.ndarray]:
    """Endless batches `(batch, length + 1)` of consecutive tokens: every window once an epoch, in a new order."""
    length = min(settings.sequence_length, len(stream) - 2)
    random = np.random.default_rng(seed)
    while True:
        starts = np.arange(random.integers(0, length), len(stream) - length - 1, length)
        starts = random.permutation(np.resize(starts, max(len(starts), settings.batch_size)))
        for first in range(0, len(starts) - settings.batch_size + 1, settings.batch_size):
            yield np.stack([stream[s : s + length + 1] for s in starts[first : first + settings.batch_size]])


def _optimizer(settings: Builtin) -> optimizers.MultiOptimizer:
    warmup = max(settings.steps // 20, 1)

    def schedule(peak: float) -> Any:
        decay = optimizers.cosine_decay(peak, max(settings.steps - warmup, 1), peak / 20)
        return optimizers.join_schedules([optimizers.linear_schedule(0.0, peak, warmup), decay], [warmup])

    matrices = optimizers.Muon(learning_rate=schedule(settings.learning_rate), momentum=0.95, weight_decay=0.01)
    others = optimizers.AdamW(learning_rate=schedule(settings.embedding_learning_rate), weight_decay=0.01, betas=[0.9, 0.95])
    return optimizers.MultiOptimizer([matrices, others], [_is_matrix])


def _is_matrix(name: str, weight: mx.array) -> bool:
    return weight.ndim == 2 and "embed" not in name


@dataclass(frozen=True)
class Share:
    """Some of the weights, by name, and the optimizer that updates them."""

    names: frozenset[str]
    optimizer: optimizers.MultiOptimizer


def _shares(model: nn.Module, settings: Builtin) -> list[Share]:
    """The weights dealt out to the CPU streams, for a step of Muon is a third of the work: the dearest first, each to the least laden."""
    weights = {name: (value.size * min(value.shape) if _is_matrix(name, value) else 0) for name, value in tree_flatten(model.parameters())}
    dealt: list[list[str]] = [[] for _ in cpu_streams() or (None,)]
    for name in sorted(weights, key=lambda name: -weights[name]):
        min(dealt, key=lambda names: sum(weights[name] for name in names)).append(name)
    return [Share(frozenset(names), _optimizer(settings)) for names in dealt]


def _update(model: nn.Module, gradient: Any, shares: Sequence[Share]) -> None:
    """One step of every optimizer, side by side; each weight becomes what it would become alone."""
    gradients = dict(tree_flatten(gradient))

    def updated(share: Share) -> Any:
        return share.optimizer.apply_gradients(tree_unflatten([(name, g) for name, g in gradients.items() if name in share.names]), model)

    for weights in on_streams(updated, shares):
        model.update(weights)


def _mean(gradients: list[Any], tokens: int) -> Any:
    return tree_map(lambda *values: sum(values) / tokens, *gradients)


def _train_on(batch: np.ndarray, model: nn.Module, gradients: Callable[..., Any], shares: Sequence[Share]) -> float:
    """One step; returns the loss in nats per token. The rows are dealt out to the CPU streams."""
    parts = [mx.array(part) for part in np.array_split(batch, min(len(cpu_streams()) or 1, len(batch)))]
    results = on_streams(partial(gradients, model), parts)
    tokens = batch[:, 1:].size
    loss = sum(result[0] for result in results) / tokens
    gradient, _ = optimizers.clip_grad_norm(_mean([result[1] for result in results], tokens), 1.0)
    _update(model, gradient, shares)
    mx.eval(model.parameters(), [share.optimizer.state for share in shares], loss)
    return float(loss.item())


def pretrain(model: nn.Module, stream: np.ndarray, settings: Builtin, seed: int) -> Pretraining:
    """Next-token training of all weights, linear warm-up and cosine decay.

    Matrices are trained with Muon (Jordan 2024), embeddings and norms with AdamW at a high rate. In one trial each (1.05 M
    parameters, 150 steps of 4 x 256 tokens) that ended at 4.69 nats, AdamW for all at a rate of 4e-3 at 5.84.

    The number of steps bounds it, so that the same seed gives the same weights; `max_minutes` is the safety line.
    """
    shares = _shares(model, settings)
    gradients = nn.value_and_grad(model, lambda m, batch: cross_entropy(m(batch[:, :-1]), batch[:, 1:]).sum())
    losses: list[float] = []
    start = time.monotonic()
    stopped = False
    with progress("Pre-training", settings.steps) as advance:
        for batch in _windows(stream, settings, seed):
            losses.append(_train_on(batch, model, gradients, shares))
            advance(1, f"loss {losses[-1]:.2f}")
            stopped = time.monotonic() - start > settings.max_minutes * 60
            if len(losses) == settings.steps or stopped:
                break
    if stopped:
        log.warning("Pre-training stopped after %d of %d steps by model.builtin.max_minutes.", len(losses), settings.steps)
    tail = losses[-max(len(losses) // 10, 1) :]
    parameters = sum(value.size for _, value in tree_flatten(model.parameters()))
    tokens = len(losses) * settings.batch_size * min(settings.sequence_length, len(stream) - 2)
    return Pretraining(len(losses), tokens, round(time.monotonic() - start, 1), sum(tail) / len(tail), parameters, stopped)
