"""11_quantize: smaller on disk, loaded again, and every figure is one of the files that were written."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradus.backend import device_name
from gradus.compare import Sample, answer_logits, logit_difference, questions_of, read_conversations, total_likelihood
from gradus.config import Config, load_config
from gradus.errors import GradusError, UserError
from gradus.fidelity import Drift, Observed, read_held_out
from gradus.models import Likelihood, generate_answers, load_model, with_plain_weights
from gradus.quantize import STEP
from gradus.quantize.calibration import Data, read_data
from gradus.quantize.grading import Graded
from gradus.quantize.learned import awq
from gradus.quantize.measure import Figures, Measured, generation_speed
from gradus.quantize.shrink import Layers, bits_per_weight, layers_of, shrink
from gradus.quantize.table import Row, table
from gradus.quantize.work import quantize
from gradus.step import StepContext

from ..evaluations import SCALE
from .conftest import SMALL

Quantize = Callable[..., tuple[dict[str, Any], StepContext]]
GRADED = "quantize.grade=true"


@pytest.fixture
def run_quantize(
    context_of: Callable[..., StepContext],
    prepared: Callable[[Path], Path],
    tiny_settings: list[str],
    graded_writer: Callable[[Path, Config], dict[str, Path]],
    spoken_writer: Callable[[Path, Path, Config], Path],
) -> Quantize:
    """Runs the step's work on a model folder, which counts as the graded model; gives quantization.json and the context."""

    def run(model: Path, *settings: str, edit: Callable[[Path], None] = lambda _: None) -> tuple[dict[str, Any], StepContext]:
        config, parts = load_config(settings=[*tiny_settings, *SMALL, *settings]), prepared(model)
        inputs = {"10_fuse/model": model, "10_fuse/held_out.json": spoken_writer(parts, model, config)}
        inputs |= {f"05_prepare/{part}.jsonl": parts / f"{part}.jsonl" for part in ("train", "test")} | graded_writer(parts, config)
        edit(parts)
        context = context_of(STEP, config, inputs)
        quantize(context)
        return json.loads((context.out / "quantization.json").read_text()), context

    return run


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def test_the_figures_are_those_of_the_files(tiny_base: Path, run_quantize: Quantize) -> None:
    record, context = run_quantize(tiny_base)
    folder = context.out / "model"
    model, tokenizer = load_model(folder)
    held_out = read_held_out(context.input("10_fuse/held_out.json"))
    likelihood = total_likelihood(model, tokenizer, held_out.conversations, held_out.max_tokens)
    assert record["after"]["loss"] == pytest.approx(likelihood.per_token)
    assert record["drift"]["loss_difference"] == pytest.approx(likelihood.per_token - held_out.graded.loss, abs=1e-5)
    assert (record["before"]["weight_bytes"], record["after"]["weight_bytes"]) == (size(tiny_base), size(folder))
    assert record["ratio"] == pytest.approx(size(tiny_base) / size(folder))
    assert record["before"]["loss"] != record["after"]["loss"]
    # Four bits a weight, and two numbers of 32 bits for each group of 32; the norms stay as they are.
    assert record["before"]["bits_per_weight"] == 32
    assert 6 < record["after"]["bits_per_weight"] < 6.3
    assert (record["layers_quantized"], record["layers_left"], record["kept"]) == (15, [], False)
    speed = json.loads((context.out / "speed.json").read_text())["tokens_per_second"]
    assert set(speed) == {"unquantized", "4"} and min(speed.values()) > 0
    assert {path.name for path in context.out.iterdir()} == {"model", "quantization.json", "quantization.png", "speed.json"}


def test_the_table_fits_a_terminal_and_tells_the_sizes_of_tiny_models_apart() -> None:
    layers, graded = Layers(15, {"4": 15}, ()), Graded(100.0, "A", (100.0,))

    def row(recipe: str, weight_bytes: int, objection: str = "") -> Row:
        figures = Figures(weight_bytes, 6.1, 3.0, 123456.789, 1.2)
        return Row(recipe, {}, layers, figures, 12.3, 0.1, 0.1, 0.9, 1.0, 4, Drift(0.1, 0.9, 4), objection, graded, None, 98_765.0)

    rows = [row("4", 98_304), row("dynamic_4_8", 139_712, "its loss is off")]
    said = Observed(Likelihood(1.0, 1, 1), [], [], Sample([], "", 1))
    before = Measured(replace(rows[0].after, weight_bytes=1_200_000_000), layers, 98_765.0, said, graded)
    found = table(before, rows, rows[0])
    assert [len(f"  {'unquantized'}  {line}") <= 80 for line in found.values()] == [True] * 4
    assert found == {
        "recipe": "    size  ratio  tokens/s  perplexity      grade  equal",
        "unquantized": "  1.2 GB           98,765  123456.789  A 100.0 %",
        "4 bits": " 98.3 kB  12.30    98,765  123456.789  A 100.0 %   100%  kept",
        "dynamic_4_8": "139.7 kB  12.30    98,765  123456.789  A 100.0 %   100%  too far",
    }
    ungraded = replace(rows[0], graded=None)
    assert "grade" not in table(replace(before, graded=None), [ungraded], ungraded)["recipe"]


@pytest.mark.parametrize("bits", [4, 8])
def test_unpacked_weights_say_what_the_quantized_ones_say(tiny_base: Path, prepared: Callable[[Path], Path], bits: int) -> None:
    model, tokenizer = load_model(tiny_base)
    assert with_plain_weights(model) is model
    shrink(model, {}, bits=bits, group_size=32)
    plain = with_plain_weights(model)
    assert layers_of(model, 32).quantized == 15
    assert layers_of(plain, 32).quantized == (15 if device_name() != "cpu" else 0)
    conversations = read_conversations(prepared(tiny_base) / "valid.jsonl", 5, tokenizer)
    assert logit_difference(*(answer_logits(one, tokenizer, conversations, 32) for one in (model, plain))).largest < 1e-4
    a, b = (generate_answers(one, tokenizer, questions_of(conversations), max_tokens=24, batch_size=5) for one in (model, plain))
    assert a == b


def test_more_bits_are_closer_and_larger(tiny_base: Path, run_quantize: Quantize) -> None:
    record, _ = run_quantize(tiny_base, "quantize.recipes=[2, 4, 8]", "quantize.chosen=8")
    rows = {row["recipe"]: row for row in record["recipes"]}
    assert rows["2"]["logit_error"] > rows["4"]["logit_error"] > rows["8"]["logit_error"] > 0
    assert rows["2"]["after"]["weight_bytes"] < rows["4"]["after"]["weight_bytes"] < rows["8"]["after"]["weight_bytes"]
    assert record["chosen"] == "8"
    assert {key: record[key] for key in rows["8"]} == rows["8"]


RECIPES = {"mixed_4_6": {"4", "6"}, "dynamic_4_8": {"4", "8"}, "gptq_4": {"4", "6"}, "awq_4": {"4"}, "dwq_4": {"4"}}


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_gives_a_model_that_loads_with_its_bits(tiny_base: Path, run_quantize: Quantize, recipe: str) -> None:
    learning = ("quantize.calibration.sequences=8", "quantize.calibration.tokens=48", "quantize.dwq.batch_size=2")
    record, context = run_quantize(tiny_base, f"quantize.recipes=[{recipe}]", *learning)
    model, _ = load_model(context.out / "model")
    assert set(record["layers_by_bits"]) == RECIPES[recipe]
    assert record["layers_quantized"] == sum(record["layers_by_bits"].values()) == 15
    assert 6 < bits_per_weight(model) == record["after"]["bits_per_weight"] < 9
    assert 0 < abs(record["drift"]["loss_difference"]) < 0.5


def test_what_is_learned_helps(tiny_base: Path, run_quantize: Quantize) -> None:
    learning = ("quantize.calibration.sequences=24", "quantize.calibration.tokens=48", "quantize.dwq.batch_size=2", "quantize.dwq.learning_rate=1e-3")
    record, _ = run_quantize(tiny_base, "quantize.recipes=[3, dwq_3]", "quantize.dwq.epochs=8", *learning)
    plain, learned = record["recipes"]
    assert learned["after"]["weight_bytes"] == pytest.approx(plain["after"]["weight_bytes"], rel=0.01)
    assert learned["logit_error"] < plain["logit_error"]


def test_auto_keeps_the_smallest_within_the_limits(tiny_base: Path, run_quantize: Quantize) -> None:
    bound = "fidelity.quantized.min_equal_answers="
    record, context = run_quantize(tiny_base, "quantize.recipes=[8, 2]")
    assert (record["chosen"], record["objection"]) == ("2", "")
    middle = abs(record["drift"]["loss_difference"]) / 2
    record, context = run_quantize(tiny_base, "quantize.recipes=[8, 2]", f"fidelity.quantized.max_loss_difference={middle}", bound + "0.0")
    assert record["chosen"] == "8"
    assert "max_loss_difference" in record["recipes"][1]["objection"]
    assert json.loads((context.out / "model" / "config.json").read_text())["quantization"]["bits"] == 8


def test_a_chosen_model_beyond_the_limits_is_refused(tiny_base: Path, run_quantize: Quantize) -> None:
    line = r"quantize.chosen: .*by 2 does not .*its loss is .* \(fidelity.quantized.max_loss_difference 0.0001\)\. Take more bits"
    with pytest.raises(GradusError, match=line):
        run_quantize(tiny_base, "quantize.recipes=[8, 2]", "quantize.chosen=2", "fidelity.quantized.max_loss_difference=0.0001")
    with pytest.raises(GradusError, match=r"quantize.recipes: no recipe answers as base \+ adapter do; of the nearest one, 4"):
        run_quantize(tiny_base, "quantize.recipes=[4, 2]", "fidelity.quantized.max_loss_difference=0.0001")


def test_grades_are_those_of_the_answers(tiny_base: Path, run_quantize: Quantize) -> None:
    from gradus.evaluate.exam import marker
    from gradus.results import read_answers

    record, context = run_quantize(tiny_base, "quantize.recipes=[8]", GRADED)
    rows = read_answers(context.input("07_evaluate/answers.jsonl"))
    model, tokenizer = load_model(context.out / "model")
    prompts = [[{"role": "user", "content": row.question}] for row in rows]
    marks = marker(context.config, rows)(generate_answers(model, tokenizer, prompts, max_tokens=64, batch_size=16))
    assert record["grade"]["percent"] == pytest.approx(sum(marks) / 5)
    assert record["grade"]["against_fused"]["difference"] == pytest.approx(record["grade"]["percent"] - record["grade_before"]["percent"])
    assert record["grade"]["letter"] == next(step.letter for step in SCALE if round(record["grade"]["percent"], 1) >= step.percent)


def test_there_is_no_grade_when_it_was_withheld_or_switched_off(tiny_base: Path, run_quantize: Quantize, evaluated: Callable[..., Path]) -> None:
    def withhold(parts: Path) -> None:
        evaluated(75.5, 50.0, "the controls broke").replace(parts / "evaluation.json")

    for record, _ in (run_quantize(tiny_base, GRADED, edit=withhold), run_quantize(tiny_base, "quantize.grade=false")):
        assert record["grade"] is record["grade_before"] is None


def test_another_grader_than_that_of_the_evaluation_is_refused(tiny_base: Path, run_quantize: Quantize) -> None:
    def spoil(parts: Path) -> None:
        rows = [json.loads(line) for line in (parts / "answers.jsonl").read_text().splitlines()]
        rows[2]["tuned"]["percent"] += 3.0
        (parts / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    with pytest.raises(GradusError, match=r"marked 3.0 points off its mark in the evaluation.*07_evaluate.py --force"):
        run_quantize(tiny_base, GRADED, edit=spoil)


def test_layers_that_do_not_fit_the_group_are_named(tiny_base: Path, run_quantize: Quantize) -> None:
    record, _ = run_quantize(tiny_base, "quantize.group_size=128")
    assert record["layers_quantized"] == 2
    assert len(record["layers_left"]) == 13
    assert {"name": "model.embed_tokens", "width": 64, "reason": "its width is no multiple of 128"} in record["layers_left"]


def test_learned_recipes_refuse_what_they_cannot_do(tiny_base: Path, run_quantize: Quantize) -> None:
    with pytest.raises(UserError, match=r"quantize.group_size: gptq_4 needs layers .* multiples of it, model\.\S+ is 64 wide"):
        run_quantize(tiny_base, "quantize.recipes=[gptq_4]", "quantize.group_size=128", "quantize.calibration.tokens=48")
    with pytest.raises(UserError, match=r"quantize.calibration.tokens: \d+ training tokens make 0 sequences of 5000"):
        run_quantize(tiny_base, "quantize.recipes=[awq_4]", "quantize.calibration.tokens=5000")
    with pytest.raises(UserError, match=r"quantize.recipes: mlx-lm's awq knows no model of type gpt2, it knows llama"):
        awq(load_model(tiny_base)[0], {"model_type": "gpt2"}, (4,), Data([[1, 2]], 1), load_config().quantize)


def test_calibration_is_training_data_of_one_length_and_the_same_every_time(tiny_base: Path, prepared: Callable[[Path], Path]) -> None:
    _, tokenizer = load_model(tiny_base)
    settings = load_config(settings=["quantize.calibration.sequences=3", "quantize.calibration.tokens=40"]).quantize.calibration
    train = prepared(tiny_base) / "train.jsonl"
    data = read_data(train, tokenizer, settings, 1)
    assert [len(row) for row in data.rows] == [40, 40, 40]
    assert "It returns the" in tokenizer.decode(data.rows[0])
    assert data == read_data(train, tokenizer, settings, 1) != read_data(train, tokenizer, settings, 2)


def test_a_model_that_is_quantized_already_is_kept(four_bit_base: Path, run_quantize: Quantize, caplog: pytest.LogCaptureFixture) -> None:
    record, context = run_quantize(four_bit_base, "quantize.recipes=[8]")
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
        _, context = run_quantize(tiny_base, GRADED)
        return {p.name: p.read_bytes() for p in context.out.rglob("*") if p.is_file() and p.name not in ("speed.json", "quantization.png")}

    assert contents() == contents()


def test_speed_counts_every_token_whether_or_not_the_model_would_stop(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokenizer = load_model(tiny_base)
    clock = iter(range(100))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))
    assert generation_speed(model, tokenizer, [{"role": "user", "content": "Hello"}], 5) == 5.0
