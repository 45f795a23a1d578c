"""10_fuse: the written folder answers as base + adapter, and a lost adapter is caught."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradus.chat import prompt_tokens
from gradus.config import Config, load_config
from gradus.errors import GradusError
from gradus.fuse import STEP
from gradus.fuse.closeness import Closeness, too_far, too_much_lost
from gradus.fuse.work import fuse
from gradus.models import load_model
from gradus.step import StepContext

Fuse = Callable[..., tuple[dict[str, Any], Path]]
MakeAdapter = Callable[..., Path]
QUESTION = [{"role": "user", "content": "What does sine return?"}]


@pytest.fixture
def run_fuse(context_of: Callable[..., StepContext], prepared: Callable[[Path], Path], tiny_settings: list[str]) -> Fuse:
    """Runs the step's work on a base and an adapter; gives fuse.json and the model folder."""

    def run(base: Path, adapter: Path, *settings: str) -> tuple[dict[str, Any], Path]:
        folder = prepared(base)
        inputs = {f"06_train_mlx/{name}": adapter / name for name in ("adapters.safetensors", "adapter_config.json")}
        inputs |= {f"05_prepare/{name}": folder / name for name in ("base.json", "valid.jsonl")}
        context = context_of(STEP, load_config(settings=[*tiny_settings, *settings]), inputs)
        fuse(context)
        return json.loads((context.out / "fuse.json").read_text()), context.out / "model"

    return run


@pytest.mark.parametrize("method", ["lora", "dora", "full"])
def test_the_fused_folder_is_base_plus_adapter(tiny_base: Path, tmp_path: Path, adapter_maker: MakeAdapter, run_fuse: Fuse, method: str) -> None:
    from gradus.backend import mx

    adapter = adapter_maker(tiny_base, tmp_path / "adapter", method=method)
    record, folder = run_fuse(tiny_base, adapter)
    tuned, tokenizer = load_model(tiny_base, adapter)
    fused, _ = load_model(folder)
    base, _ = load_model(tiny_base)
    tokens = mx.array([prompt_tokens(tokenizer, QUESTION)])
    assert mx.allclose(fused(tokens), tuned(tokens), rtol=0, atol=1e-4).item()
    assert not mx.allclose(fused(tokens), base(tokens), rtol=0, atol=0.1).item()
    assert record["fidelity"]["lost_share"] < 1e-3
    assert record["fidelity"]["equal_answers"] == 1.0
    assert record["layers_fused"] == (0 if method == "full" else 14)
    assert record["weight_bytes"] == (folder / "model.safetensors").stat().st_size
    assert not (folder / "README.md").exists()


def test_the_same_input_gives_the_same_bytes(tiny_base: Path, adapter: Path, run_fuse: Fuse) -> None:
    def contents() -> dict[str, bytes]:
        _, folder = run_fuse(tiny_base, adapter)
        return {path.name: path.read_bytes() for path in [*folder.iterdir(), folder.parent / "fuse.json"]}

    assert contents() == contents()


def test_a_weak_adapter_lost_in_four_bits_is_caught(four_bit_base: Path, tmp_path: Path, adapter_maker: MakeAdapter, run_fuse: Fuse) -> None:
    weak = adapter_maker(four_bit_base, tmp_path / "weak", strength=0.0003)
    with pytest.raises(GradusError, match=r"fuse.dequantize: .*of the adapter's effect is lost.*fuse.dequantize=true"):
        run_fuse(four_bit_base, weak, "fuse.dequantize=false")


def test_a_strong_adapter_whose_loss_moves_is_refused_with_number_threshold_and_cure(
    four_bit_base: Path, tmp_path: Path, adapter_maker: MakeAdapter, run_fuse: Fuse
) -> None:
    strong = adapter_maker(four_bit_base, tmp_path / "strong", strength=0.1)
    wide = ("fuse.max_logit_difference=10.0", "fuse.max_lost_share=0.5", "fuse.dequantize=false")
    line = r"fuse.dequantize: .*its loss is [+-]0\.\d+ nats a token off .*\(fidelity.fused.max_loss_difference 0.02\)\. Set fuse.dequantize=true"
    with pytest.raises(GradusError, match=line):
        run_fuse(four_bit_base, strong, *wide)


def test_what_base_and_adapter_said_is_handed_on(tiny_base: Path, adapter: Path, run_fuse: Fuse) -> None:
    from gradus.compare import total_likelihood
    from gradus.fidelity import read_held_out
    from gradus.models import generate_answers

    record, folder = run_fuse(tiny_base, adapter)
    held_out = read_held_out(folder.parent / "held_out.json")
    model, tokenizer = load_model(tiny_base, adapter)
    talks = held_out.conversations
    assert held_out.graded.loss == pytest.approx(total_likelihood(model, tokenizer, talks, held_out.max_tokens).per_token)
    answers = generate_answers(model, tokenizer, [talk[:-1] for talk in talks], max_tokens=held_out.answer_tokens, batch_size=8)
    assert held_out.graded.answers == tuple(answer.text for answer in answers)
    assert len(talks) == record["fidelity"]["questions"] == 5
    assert abs(record["fidelity"]["loss_difference"]) < 1e-4


def test_auto_writes_what_four_bits_would_lose_unquantized(four_bit_base: Path, tmp_path: Path, adapter_maker: MakeAdapter, run_fuse: Fuse) -> None:
    weak = adapter_maker(four_bit_base, tmp_path / "weak", strength=0.0003)
    record, folder = run_fuse(four_bit_base, weak)
    assert (record["base_quantized"], record["dequantized"]) == (True, True)
    assert record["fidelity"]["lost_share"] < 0.01
    assert record["rejected"][0]["fidelity"]["lost_share"] > 0.5
    assert not {"quantization", "quantization_config"} & set(json.loads((folder / "config.json").read_text()))


def test_a_strong_adapter_survives_in_four_bits(four_bit_base: Path, tmp_path: Path, adapter_maker: MakeAdapter, run_fuse: Fuse) -> None:
    strong = adapter_maker(four_bit_base, tmp_path / "strong", strength=0.1)
    wide = (
        "fuse.max_logit_difference=10.0",
        "fuse.max_lost_share=0.5",
        "fidelity.fused.max_loss_difference=0.5",
        "fidelity.fused.min_equal_answers=0.0",
    )
    record, folder = run_fuse(four_bit_base, strong, *wide)
    assert (record["dequantized"], record["rejected"]) == (False, [])
    assert 0 < record["fidelity"]["lost_share"] < 0.5
    assert json.loads((folder / "config.json").read_text())["quantization"]["bits"] == 4


def test_an_adapter_without_effect_is_told(
    tiny_base: Path, tmp_path: Path, adapter_maker: MakeAdapter, run_fuse: Fuse, caplog: pytest.LogCaptureFixture
) -> None:
    record, _ = run_fuse(tiny_base, adapter_maker(tiny_base, tmp_path / "zero", strength=0.0))
    assert (record["fidelity"]["adapter_effect"], record["fidelity"]["lost_share"]) == (0.0, None)
    assert "The adapter changes nothing" in caplog.text


def test_the_limits(tiny_config: Config) -> None:
    limits = tiny_config.fuse
    good = Closeness(0.1, 0.01, 1.0, 0.01, 1.0, 0.0, 1.0, 8, 100)
    assert too_far(good, limits) == too_much_lost(good, limits) == ""
    assert "max_logit_difference" in too_far(replace(good, largest_logit_difference=limits.max_logit_difference * 1.01), limits)
    assert "max_logit_difference" in too_far(replace(good, largest_logit_difference=float("nan")), limits)
    assert "max_lost_share" in too_much_lost(replace(good, lost_share=limits.max_lost_share * 1.01), limits)
    assert "max_lost_share" in too_much_lost(replace(good, lost_share=float("nan")), limits)


def test_a_weak_adapter_on_a_float_base_is_told_not_refused(
    tiny_base: Path, tmp_path: Path, adapter_maker: MakeAdapter, run_fuse: Fuse, caplog: pytest.LogCaptureFixture
) -> None:
    from gradus.backend import mx
    from gradus.compare import save_model
    from gradus.models import load_with_config

    model, tokenizer, config = load_with_config(tiny_base)
    model.set_dtype(mx.bfloat16)
    save_model(tmp_path / "bfloat16", tiny_base, model, tokenizer, config)
    weak = adapter_maker(tmp_path / "bfloat16", tmp_path / "weak", method="dora", strength=0.0001)
    record, folder = run_fuse(tmp_path / "bfloat16", weak)
    assert record["fidelity"]["lost_share"] > 0.25
    assert "so weak that the rounding" in caplog.text
    assert {value.dtype for value in mx.load(str(folder / "model.safetensors")).values()} == {mx.bfloat16}


def test_a_broken_adapter_is_refused(tiny_base: Path, tmp_path: Path, adapter_maker: MakeAdapter, run_fuse: Fuse) -> None:
    with pytest.raises(GradusError, match=r"10_fuse: the fused model does not answer as base and adapter do: .*up to nan off"):
        run_fuse(tiny_base, adapter_maker(tiny_base, tmp_path / "nan", strength=float("nan")))
