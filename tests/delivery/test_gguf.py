"""GGUF files: every tensor is the model's, every vocabulary the tokenizer's, and what cannot be written is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradus.compare import total_likelihood
from gradus.config import load_config
from gradus.errors import GradusError, UserError
from gradus.export.gguf_check import check_file, error_bound
from gradus.export.gguf_export import GgufFile, GgufSource, open_source, write_files
from gradus.export.gguf_file import About, write_gguf
from gradus.export.gguf_pretokenizer import LLAMA3, QWEN2, pretokenizer_name
from gradus.export.gguf_vocabulary import read_vocabulary
from gradus.export.gguf_weights import architecture_of, halves_of_pairs, pairs_of_halves
from gradus.fidelity import HeldOut, Spoken
from gradus.models import generate_answers, load_model

from .random_models import KINDS, qwen_tokenizer, random_model

WRITTEN = ("f16", "bf16", "q8_0", "q4_0")
ABOUT = About("tiny", "", "")
LOOSE = [f"export.gguf.{group}.{key}" for group in ("sixteen_bits", "fewer_bits") for key in ("max_loss_difference=9", "min_equal_answers=0")]


@pytest.fixture(scope="session")
def folders(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model folder of each architecture. Do not write into them."""
    root = tmp_path_factory.mktemp("architectures")
    return {kind: random_model(tiny_base, root / kind, kind) for kind in KINDS}


def asked(folder: Path) -> HeldOut:
    """What the model in that folder says; it counts as the graded one."""
    talks = [[{"role": "user", "content": "What is sine?"}, {"role": "assistant", "content": text}] for text in ("It returns the **sum**.", "17.")]
    model, tokenizer = load_model(folder)
    answers = generate_answers(model, tokenizer, [talk[:1] for talk in talks], max_tokens=4, batch_size=2)
    return HeldOut(tuple(talks), 64, 4, Spoken(total_likelihood(model, tokenizer, talks, 64).per_token, tuple(a.text for a in answers)))


def write_all(source: GgufSource, folder: Path, kinds: list[str], *settings: str) -> list[GgufFile]:
    limits = load_config(settings=[*LOOSE, *settings]).export.gguf
    return write_files(source, folder, kinds, ABOUT, asked(source.folder), limits)


def write(source: GgufSource, path: Path, kind: str) -> list[str]:
    return write_gguf(path, kind, source.model, source.architecture, source.tensors, source.vocabulary, ABOUT)


def fields(path: Path) -> dict[str, Any]:
    from gguf import GGUFReader

    return {name: field.contents() for name, field in GGUFReader(path).fields.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_each_architecture_in_each_format_is_the_model_within_the_formats_bounds(folders: dict[str, Path], tmp_path: Path, kind: str) -> None:
    files = {file.kind: file for file in write_all(open_source(folders[kind]), tmp_path / "gguf", [*WRITTEN])}
    assert {path.name for path in (tmp_path / "gguf").iterdir()} == {f"tiny-{name.upper()}.gguf" for name in WRITTEN}
    errors = [files[name].check.relative_error for name in WRITTEN]
    assert errors == sorted(errors)
    assert 0 < errors[0] < 3e-4
    assert all(0.5 < (file.check.share_of_bound or 0) <= 1 for file in files.values())
    assert abs(files["f16"].drift.loss_difference) < 2e-3
    assert files["f16"].drift.equal_answers == 1
    size = {name: file.path.stat().st_size for name, file in files.items()}
    assert size["f16"] == size["bf16"] > size["q8_0"] > size["q4_0"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_metadata_are_the_models(folders: dict[str, Path], tmp_path: Path, kind: str) -> None:
    write(open_source(folders[kind]), tmp_path / "m.gguf", "f16")
    found = fields(tmp_path / "m.gguf")
    name = "llama" if kind == "mistral" else kind
    head = 32 if "head_dim" in KINDS[kind] else 16
    assert found["general.architecture"] == name
    wanted = {"block_count": 2, "attention.head_count": 4, "attention.head_count_kv": 2, "attention.key_length": head, "context_length": 256}
    assert {key: found[f"{name}.{key}"] for key in wanted} == wanted
    assert found[f"{name}.rope.freq_base"] == 10000
    assert (found["tokenizer.ggml.model"], found["tokenizer.ggml.pre"], found["tokenizer.ggml.add_bos_token"]) == ("gpt2", "qwen2", False)
    tokens = found["tokenizer.ggml.tokens"]
    assert tokens[found["tokenizer.ggml.eos_token_id"]] == "<|im_end|>"
    assert [found["tokenizer.ggml.token_type"][tokens.index(text)] for text in ("<|im_start|>", "a")] == [3, 1]
    assert "<|im_start|>" in found["tokenizer.chat_template"]


def test_reordered_rows_turn_in_pairs_as_they_did_in_halves() -> None:
    """Rotary embedding of halves (MLX) and of neighbouring pairs (llama.cpp) of the same query, at one position."""
    generator, heads, size = np.random.default_rng(1), 3, 8
    weight, x = generator.normal(size=(heads * size, 5)), generator.normal(size=5)
    angle = 7 * 100.0 ** (-np.arange(size // 2) / (size // 2))
    cos, sin = np.cos(angle), np.sin(angle)
    first, second = np.split((weight @ x).reshape(heads, size), 2, axis=1)
    in_halves = np.concatenate([first * cos - second * sin, first * sin + second * cos], axis=1)
    pairs = (pairs_of_halves(weight, heads) @ x).reshape(heads, size // 2, 2)
    in_pairs = np.stack([pairs[..., 0] * cos - pairs[..., 1] * sin, pairs[..., 0] * sin + pairs[..., 1] * cos], axis=-1)
    np.testing.assert_allclose(in_pairs.reshape(heads, size), pairs_of_halves(in_halves.reshape(-1), heads).reshape(heads, size))
    np.testing.assert_array_equal(halves_of_pairs(pairs_of_halves(weight, heads), heads), weight)


def test_a_quantized_model_is_dequantized(four_bit_base: Path, tmp_path: Path) -> None:
    from gradus.backend import mx

    source = open_source(qwen_tokenizer(four_bit_base, tmp_path / "model"))
    layer = source.model.layers[0].mlp.up_proj
    values = mx.dequantize(layer.weight, layer.scales, layer.biases, layer.group_size, layer.bits)
    tensor = next(t for t in source.tensors if t.name == "blk.0.ffn_up.weight")
    np.testing.assert_array_equal(tensor.read(), np.array(values))
    assert tensor.shape == values.shape
    assert write_all(source, tmp_path / "gguf", ["q8_0"])[0].drift.loss_difference < 0.01


def test_a_damaged_file_is_told_by_its_tensor(folders: dict[str, Path], tmp_path: Path) -> None:
    from gguf import GGUFReader

    source, path = open_source(folders["qwen3"]), tmp_path / "m.gguf"
    write(source, path, "q8_0")
    place = next(tensor for tensor in GGUFReader(path).tensors if tensor.name == "blk.1.ffn_down.weight").data_offset
    data = bytearray(path.read_bytes())
    data[place + 10] ^= 0x40
    path.write_bytes(data)
    with pytest.raises(GradusError, match=r"blk\.1\.ffn_down\.weight differs from the model's by up to"):
        check_file(path, source.tensors, source.vocabulary)


@pytest.mark.parametrize(("value", "kind", "message"), [(1e5, "f16", "too large for this format.*gguf-bf16"), (float("nan"), "bf16", "model's own")])
def test_overflow_and_nan_are_found(folders: dict[str, Path], tmp_path: Path, value: float, kind: str, message: str) -> None:
    source = open_source(folders["qwen2"])
    source.model.layers[1].mlp.up_proj.weight[3, 5] = value
    write(source, tmp_path / "m.gguf", kind)
    with pytest.raises(GradusError, match=message):
        check_file(tmp_path / "m.gguf", source.tensors, source.vocabulary)


def test_rows_that_make_no_whole_blocks_stay_in_16_bits_and_are_named(tiny_base: Path, tmp_path: Path) -> None:
    source = open_source(random_model(tiny_base, tmp_path / "narrow", "qwen2", intermediate_size=80))
    assert write(source, tmp_path / "m.gguf", "q8_0") == ["blk.0.ffn_down.weight", "blk.1.ffn_down.weight"]
    assert check_file(tmp_path / "m.gguf", source.tensors, source.vocabulary).tensors == len(source.tensors)


def test_the_bounds_are_those_of_the_formats() -> None:
    values = np.zeros((1, 32), np.float32)
    values[0, 0] = 8.0
    bounds = {kind: error_bound(values, kind) for kind in ("Q4_0", "Q8_0", "F16")}
    found = {kind: float(bound[0, 5 if kind.startswith("Q") else 0]) for kind, bound in bounds.items() if bound is not None}
    assert found == {"Q4_0": pytest.approx(1.0, rel=6e-3), "Q8_0": pytest.approx(0.5 * 8 / 127, rel=0.15), "F16": 8 * 2.0**-11}
    assert error_bound(values, "Q4_K") is None


def test_scaled_positions(tiny_base: Path, tmp_path: Path) -> None:
    llama3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    source = open_source(random_model(tiny_base, tmp_path / "llama3", "llama", rope_scaling=llama3))
    factors = next(tensor for tensor in source.tensors if tensor.name == "rope_freqs.weight").read()
    assert (factors[0], factors[-1], len(factors)) == (1, 8, 8)
    assert (np.diff(factors) > -1e-5).all()
    linear = open_source(random_model(tiny_base, tmp_path / "linear", "qwen2", rope_scaling={"type": "linear", "factor": 2.0}))
    write(linear, tmp_path / "linear.gguf", "f16")
    found = fields(tmp_path / "linear.gguf")
    assert (found["qwen2.rope.scaling.type"], found["qwen2.rope.scaling.factor"]) == ("linear", 2.0)
    dynamic = open_source(random_model(tiny_base, tmp_path / "dynamic", "qwen2", rope_scaling={"type": "dynamic", "factor": 2.0}))
    with pytest.raises(UserError, match="position scaling of type dynamic is not written"):
        write(dynamic, tmp_path / "dynamic.gguf", "f16")


def test_a_sliding_window_ends_the_context(tiny_base: Path, tmp_path: Path) -> None:
    layers = ["sliding_attention", "full_attention"]
    assert open_source(random_model(tiny_base, tmp_path / "window", "llama", layer_types=layers, sliding_window=128)).context == 128


def test_an_unknown_architecture_is_refused(folders: dict[str, Path]) -> None:
    source = open_source(folders["qwen2"])
    source.model.args.model_type = "gpt_neox"
    with pytest.raises(UserError, match=r"models of type gpt_neox are not written as GGUF, only llama, mistral, qwen2, qwen3"):
        architecture_of(source.model, "x")


def tokenizer_with(pre: dict[str, Any] | None, **model: Any) -> dict[str, Any]:
    return {"model": {"type": "BPE", **model}, "pre_tokenizer": pre}


def split(pattern: str, **changes: Any) -> dict[str, Any]:
    piece = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False, **changes}
    return {"type": "Sequence", "pretokenizers": [piece, {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}]}


BYTES = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}


@pytest.mark.parametrize(
    ("pre", "ignore", "name"),
    [
        (split(QWEN2), False, "qwen2"),
        (split(LLAMA3), True, "llama-bpe"),
        (split(LLAMA3), False, "smaug-bpe"),
        (BYTES, False, "gpt-2"),
        ({"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, BYTES]}, False, "smollm"),
    ],
)
def test_known_pretokenizers(pre: dict[str, Any], ignore: bool, name: str) -> None:
    assert pretokenizer_name(tokenizer_with(pre, ignore_merges=ignore), "x") == name


@pytest.mark.parametrize(
    ("pre", "ignore"),
    [
        (split(QWEN2 + "|x"), False),
        (split(QWEN2), True),
        (split(QWEN2, behavior="Removed"), False),
        ({**BYTES, "add_prefix_space": True}, False),
        ({"type": "Metaspace"}, False),
        (None, False),
    ],
)
def test_unknown_pretokenizers_are_never_guessed(pre: dict[str, Any] | None, ignore: bool) -> None:
    with pytest.raises(UserError, match=r"llama\.cpp has no pre-tokenizer known to cut text as this tokenizer does"):
        pretokenizer_name(tokenizer_with(pre, ignore_merges=ignore), "x")


Change = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data["model"].update(byte_fallback=True), r"not a byte-level BPE tokenizer \(byte_fallback\)"),
        (lambda data: data["model"].update(type="Unigram"), r"not a byte-level BPE tokenizer \(Unigram\)"),
        (lambda data: data.update(normalizer={"type": "Lowercase"}), r"as this tokenizer does first \(Lowercase\)"),
        (lambda data: data["added_tokens"][0].update(lstrip=True), "takes the spaces around it"),
        (lambda data: data["model"]["merges"].append(["a b", "c"]), "a merge that GGUF cannot hold"),
    ],
)
def test_tokenizers_that_llama_cpp_would_read_differently_are_refused(
    folders: dict[str, Path], tmp_path: Path, change: Change, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gradus.export.gguf_vocabulary as vocabulary

    data = json.loads((folders["qwen3"] / "tokenizer.json").read_text())
    change(data)
    monkeypatch.setattr(vocabulary, "read_json", lambda path: data)  # some of these, transformers does not load
    with pytest.raises(UserError, match=message):
        read_vocabulary(folders["qwen3"], 512)


def test_a_composing_normalizer_is_warned_of(folders: dict[str, Path], tiny_base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = qwen_tokenizer(tiny_base, tmp_path / "nfc")
    data = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(data | {"normalizer": {"type": "NFC"}}))
    assert read_vocabulary(folder, 512).pre == "qwen2"
    assert "composed form (NFC)" in caplog.text


def test_a_file_too_far_from_its_model_fails_with_number_limit_and_cure(folders: dict[str, Path], tmp_path: Path) -> None:
    message = (
        r"the gguf-q4_0 file is not the model that was graded: its loss is [+-][\d.e-]+ nats a token off that of base \+ adapter "
        r"\(export\.gguf\.fewer_bits\.max_loss_difference 1e-06\)\. Take a format with more bits"
    )
    with pytest.raises(GradusError, match=message):
        write_all(open_source(folders["llama"]), tmp_path / "gguf", ["q4_0"], "export.gguf.fewer_bits.max_loss_difference=0.000001")
