"""11_quantize: smaller on disk, loaded again, and every figure is one of the files that were written."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradus.compare import read_conversations, total_likelihood
from gradus.config import load_config
from gradus.errors import UserError
from gradus.models import load_model
from gradus.quantize import STEP
from gradus.quantize.measure import generation_speed
from gradus.quantize.work import quantize
from gradus.step import StepContext

Quantize = Callable[..., tuple[dict[str, Any], StepContext]]


@pytest.fixture
def run_quantize(context_of: Callable[..., StepContext], prepared: Callable[[Path], Path], tiny_settings: list[str]) -> Quantize:
    """Runs the step's work on a model folder; gives quantization.json and the context."""

    def run(model: Path, *settings: str) -> tuple[dict[str, Any], StepContext]:
        inputs = {"10_fuse/model": model, "05_prepare/valid.jsonl": prepared(model) / "valid.jsonl"}
        context = context_of(STEP, load_config(settings=[*tiny_settings, "quantize.speed_tokens=8", "quantize.answer_tokens=12", *settings]), inputs)
        quantize(context)
        return json.loads((context.out / "quantization.json").read_text()), context

    return run


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def test_the_figures_are_those_of_the_files(tiny_base: Path, run_quantize: Quantize) -> None:
    record, context = run_quantize(tiny_base)
    folder = context.out / "model"
    model, tokenizer = load_model(folder)
    talks = read_conversations(context.input("05_prepare/valid.jsonl"), context.config.quantize.questions, tokenizer)
    assert record["after"]["loss"] == pytest.approx(total_likelihood(model, tokenizer, talks, context.config.prepare.max_tokens).per_token)
    assert (record["before"]["weight_bytes"], record["after"]["weight_bytes"]) == (size(tiny_base), size(folder))
    assert record["ratio"] == pytest.approx(size(tiny_base) / size(folder))
    assert record["before"]["loss"] != record["after"]["loss"]
    # Four bits a weight, and two numbers of 32 bits for each group of 32; the norms stay as they are.
    assert record["before"]["bits_per_weight"] == 32
    assert 6 < record["after"]["bits_per_weight"] < 6.3
    assert (record["layers_quantized"], record["layers_left"], record["kept"]) == (15, [], False)
    speed = json.loads((context.out / "speed.json").read_text())["tokens_per_second"]
    assert min(speed.values()) > 0


def test_more_bits_are_closer(tiny_base: Path, run_quantize: Quantize) -> None:
    two, four, eight = (run_quantize(tiny_base, f"quantize.bits={bits}")[0] for bits in (2, 4, 8))
    assert two["logit_error"] > four["logit_error"] > eight["logit_error"] > 0
    assert two["after"]["weight_bytes"] < four["after"]["weight_bytes"] < eight["after"]["weight_bytes"]


def test_layers_that_do_not_fit_the_group_are_named(tiny_base: Path, run_quantize: Quantize) -> None:
    record, _ = run_quantize(tiny_base, "quantize.group_size=128")
    assert record["layers_quantized"] == 2
    assert len(record["layers_left"]) == 13
    assert {"name": "model.embed_tokens", "width": 64, "reason": "its width is no multiple of 128"} in record["layers_left"]


def test_a_model_that_is_quantized_already_is_kept(four_bit_base: Path, run_quantize: Quantize, caplog: pytest.LogCaptureFixture) -> None:
    record, context = run_quantize(four_bit_base, "quantize.bits=8")
    assert "quantized already" in caplog.text
    assert (record["kept"], record["quantization"]["bits"], record["layers_quantized"]) == (True, 4, 15)
    assert (record["ratio"], record["largest_logit_difference"], record["equal_answers"]) == (1.0, 0.0, 1.0)
    for path in four_bit_base.iterdir():
        assert (context.out / "model" / path.name).read_bytes() == path.read_bytes()


def test_a_group_size_that_fits_no_layer_is_the_users_mistake(tmp_path: Path, tiny_settings: list[str], run_quantize: Quantize) -> None:
    from gradus.prepare.builtin import build_builtin

    narrow = [f"model.builtin.{key}" for key in ("hidden=96", "heads=3", "kv_heads=3", "intermediate=96", "steps=1")]
    build_builtin(["The sum of its input. " * 400], load_config(settings=[*tiny_settings, *narrow]).model.builtin, 1, tmp_path / "narrow")
    with pytest.raises(UserError, match=r"quantize.group_size: no layer can be quantized, their widths are 96"):
        run_quantize(tmp_path / "narrow", "quantize.group_size=64")


def test_the_same_input_gives_the_same_bytes_but_for_the_speed(tiny_base: Path, run_quantize: Quantize) -> None:
    def contents() -> dict[str, bytes]:
        _, context = run_quantize(tiny_base)
        return {p.name: p.read_bytes() for p in context.out.rglob("*") if p.is_file() and p.name != "speed.json"}

    assert contents() == contents()


def test_speed_counts_every_token_whether_or_not_the_model_would_stop(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokenizer = load_model(tiny_base)
    clock = iter(range(100))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))
    assert generation_speed(model, tokenizer, [{"role": "user", "content": "Hello"}], 5) == 5.0
