"""Peak memory of training, evaluating and quantizing a model, predicted from its measures and the settings alone.

No weights are needed. Weights, adapter and optimizer are counted; what a step holds besides was fitted to the peaks that
MLX measured on models of many shapes (`benchmarks/memory_preflight.py --shapes` compares). 06_train_mlx measures the real
peak before it trains.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import yaml

from gradus.config import Config
from gradus.config.load import PROJECT
from gradus.config.schema import Builtin, Train
from gradus.layout import padded_positions

FACTS = PROJECT / "config" / "bases.yaml"
FLOAT32 = 4
OPTIMIZER_ARRAYS = {"adam": 2, "adamw": 2, "muon": 1, "sgd": 1, "adafactor": 0}
"""Arrays of the size of the trained weights that an optimizer keeps."""
LOGIT_BYTES = {2: 20, 4: 16}
"""Of each logit, by the bytes of a number: itself, and in 32 bits its softmax, the gradient of the chosen ones and their sum."""
BACKWARD_BYTES = {
    2: ((44.5, 62, 2, 7), (12, 69, 26, 20)),
    4: ((58.4, 43, 12, 12), (12, 56, 50, 28)),
}
"""By the bytes of a number: for each number of a token's feed-forward width, hidden width, queries and keys, once while the
feed-forward part runs backward and once while attention does. Fitted."""


@dataclass(frozen=True)
class Architecture:
    """A decoder with gated feed-forward layers, by the keys of its `config.json`; `bits` of a stored weight, in groups of
    `group_size` that share a scale and an offset of 16 bits each, or 16 or 32 without.
    """

    model_type: str
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    intermediate_size: int
    vocab_size: int
    tie_word_embeddings: bool
    bits: int
    group_size: int = 64

    @property
    def number(self) -> int:
        """Bytes of a number in activations."""
        return 4 if self.bits == 32 else 2

    @property
    def queries(self) -> int:
        """Width of all queries of a token, and of the attention's output."""
        return self.num_attention_heads * self.head_dim

    @property
    def keys(self) -> int:
        """Width of all keys of a token, and of all values."""
        return self.num_key_value_heads * self.head_dim

    def matrices(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of the linear layers of a block: query, key, value, output, gate, up, down."""
        width, inner = self.hidden_size, self.intermediate_size
        attention = [(width, self.queries), (width, self.keys), (width, self.keys), (self.queries, width)]
        return [*attention, (width, inner), (width, inner), (inner, width)]

    def block_parameters(self) -> tuple[int, int]:
        """Numbers in the matrices of a block, and in its norms."""
        head_norms = 2 * self.head_dim if self.model_type == "qwen3" else 0
        return sum(a * b for a, b in self.matrices()), 2 * self.hidden_size + head_norms

    def parameters(self) -> int:
        """Numbers in all weights."""
        return sum(self._counted())

    def weight_bytes(self, bits: int = 0) -> int:
        """Bytes of the weights, with the bits of a stored one or others."""
        bits = bits or self.bits
        stored = bits / 8 + (4 / self.group_size if bits < 16 else 0)
        matrices, norms = self._counted()
        return int(matrices * stored) + norms * self.number

    def _counted(self) -> tuple[int, int]:
        matrices, norms = self.block_parameters()
        embeddings = self.vocab_size * self.hidden_size * (1 if self.tie_word_embeddings else 2)
        return self.num_hidden_layers * matrices + embeddings, self.num_hidden_layers * norms + self.hidden_size

    def config(self) -> dict[str, Any]:
        """The `config.json` of such a model, as far as its shape goes."""
        shape = {key: value for key, value in asdict(self).items() if key not in ("bits", "group_size")}
        return {**shape, "rms_norm_eps": 1e-6, "rope_theta": 1e6, "max_position_embeddings": 40960}


@dataclass(frozen=True)
class Machine:
    """What a preset is for: gibibytes of memory, and the share of them that MLX may take."""

    memory_gb: int
    usable: float


def read_bases() -> dict[str, Architecture]:
    """The published bases by their names, smallest first."""
    return {name: Architecture(**row) for name, row in _facts()["bases"].items()}


def read_machines() -> dict[str, Machine]:
    """The machine that each preset is for."""
    return {name: Machine(**row) for name, row in _facts()["machines"].items()}


def _facts() -> dict[str, dict[str, dict[str, Any]]]:
    facts: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(FACTS.read_text(encoding="utf-8"))
    return facts


def builtin_architecture(settings: Builtin) -> Architecture:
    """The built-in base of these settings."""
    sizes = (settings.hidden, settings.layers, settings.heads, settings.kv_heads, settings.hidden // settings.heads)
    return Architecture("qwen3", *sizes, settings.intermediate, settings.vocabulary, True, 32)


def training_bytes(base: Architecture, config: Config, supervised: float = 1.0) -> int:
    """Peak of an update on the largest batch that the settings allow, in bytes: while the logits are there, in the backward
    pass of a block, or in the optimizer.

    Args:
        supervised: share of the tokens whose next one is asked for; all of them is the most that data can ask.
    """
    train, width = config.train, config.prepare.max_tokens
    tokens = train.batch_size * width
    layers = base.num_hidden_layers if train.layers == -1 else min(train.layers, base.num_hidden_layers)
    trained, number = _trained(base, train, layers)
    standing = base.weight_bytes() + trained * number * (OPTIMIZER_ARRAYS[train.optimizer] + (train.method != "full"))
    gradients = trained * number
    pending = gradients if train.gradient_accumulation > 1 else 0
    logits = padded_positions(round(supervised * tokens), tokens) * base.vocab_size * LOGIT_BYTES[base.number]
    held = tokens * base.hidden_size * base.number if train.gradient_checkpointing else tokens * _kept(base, train, width)
    backward = tokens * _backward(base, width) + max((layers - 1) * held, gradients)
    return standing + pending + max(layers * held + logits, backward, 3 * gradients)


def _trained(base: Architecture, train: Train, layers: int) -> tuple[int, int]:
    """How many numbers are trained, and the bytes of one."""
    if train.method == "full":
        return layers * sum(base.block_parameters()), base.number
    adapter = sum(train.lora.rank * (a + b) + (b if train.method == "dora" else 0) for a, b in base.matrices())
    return layers * adapter, FLOAT32


def _kept(base: Architecture, train: Train, width: int) -> int:
    """Bytes that a block keeps of a token for its backward pass when it is not computed again."""
    hidden, inner = base.hidden_size, base.intermediate_size
    numbers = 4 * hidden + 3 * base.queries + 3 * base.keys + 5 * inner + base.num_attention_heads * width
    adapted = train.method != "full" and base.number != FLOAT32  # adapters are in 32 bits, and what they read is converted
    return numbers * base.number + (FLOAT32 * (5 * hidden + base.queries + inner) if adapted else 0)


def _backward(base: Architecture, width: int) -> int:
    """Bytes a token while a block runs backward, what it keeps included: the larger of its feed-forward and its attention part."""
    sizes = (base.intermediate_size, base.hidden_size, base.queries, base.keys)
    parts = [sum(size * each for size, each in zip(sizes, fitted, strict=True)) for fitted in BACKWARD_BYTES[base.number]]
    return int(max(parts)) + 3 * base.num_attention_heads * width * base.number


def answering_bytes(base: Architecture, config: Config) -> int:
    """Peak of 07_evaluate at the most, in bytes: weights, and either the keys and values of a batch of conversations as long
    as they may be, or the logits of one such conversation.
    """
    longest = config.prepare.max_tokens + config.evaluate.max_tokens
    cache = config.evaluate.batch_size * longest * base.num_hidden_layers * 2 * base.keys * base.number
    logits = config.prepare.max_tokens * base.vocab_size * (base.number + 2 * FLOAT32)
    trained, number = _trained(base, config.train, base.num_hidden_layers if config.train.method != "full" else 0)
    return base.weight_bytes() + trained * number + max(cache, logits)


def rounding_bytes(base: Architecture, config: Config) -> int:
    """Peak of 11_quantize, in bytes: the fused model, in 16 bits when its base has few, and the largest copy made of it."""
    bits = max((int(recipe) for recipe in map(str, config.quantize.recipes) if recipe.isdigit()), default=8)
    whole = base.weight_bytes(max(base.bits, 16))
    return whole + base.weight_bytes(bits)
