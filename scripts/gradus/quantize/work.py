"""The work of 11_quantize: quantize by every recipe, load each from disk, compare it with the fused model, keep one."""

from __future__ import annotations

import logging
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gradus.backend import device_name
from gradus.compare import copy_model, save_model
from gradus.config.delivery import Quantize
from gradus.fidelity import read_held_out
from gradus.files import read_json, write_json
from gradus.log import progress
from gradus.models import load_with_config
from gradus.quantize.calibration import Data, read_data
from gradus.quantize.grading import Graded, read_exam
from gradus.quantize.measure import Figures, Measured, Probe, measure
from gradus.quantize.plot import Bar, draw
from gradus.quantize.recipes import cook, is_learned
from gradus.quantize.table import Row, choose, named, row_of, table
from gradus.step import StepContext, Summary

KEPT = "as fused"
log = logging.getLogger(__name__)


def quantize(context: StepContext) -> Summary:
    """Work of step 11: `model/`, `quantization.json`, `quantization.png`, and `speed.json` with what differs from time to time.

    Raises:
        UserError: when a recipe cannot be honoured. GradusError: when the chosen model is too far from the graded one.
    """
    settings, fused = context.config.quantize, context.input("10_fuse/model")
    quantized = "quantization" in read_json(fused / "config.json")
    if quantized:
        log.warning("The fused model is quantized already and is kept as it is, for rounding twice only loses. Other bits: fuse.dequantize=true.")
    held_out, exam = read_held_out(context.input("10_fuse/held_out.json")), read_exam(context)
    probe = Probe(held_out, context.config.fidelity, settings.speed_tokens, None if quantized else settings.group_size, exam)
    folders = {KEPT: _copied(fused, context)} if quantized else _cooked(fused, context)
    before, measured = _measured(fused, folders, probe)
    rows = [
        row_of(recipe, _quantization(folders[recipe]), before, after, held_out.graded, context.config.fidelity.quantized, exam)
        for recipe, after in measured.items()
    ]
    row = choose(rows, "auto" if quantized else str(settings.chosen))
    folders[row.recipe].rename(context.out / "model")
    shutil.rmtree(context.out / "recipes")
    write_json(
        context.out / "quantization.json", _record(before, rows, row, kept=quantized) | {"sample": asdict(measured[row.recipe].observed.sample)}
    )
    write_json(context.out / "speed.json", _speed(before, rows))
    draw(_bars(before, rows, row), f"Kept: {named(row.recipe)}, {row.ratio:.1f} times smaller", context.out / "quantization.png")
    return _summary(before, rows, row, settings)


def _measured(fused: Path, folders: Mapping[str, Path], probe: Probe) -> tuple[Measured, dict[str, Measured]]:
    """The fused model and every quantized one, put to the same probe."""
    found = {}
    with progress("Measuring", 1 + len(folders)) as advance:
        for name, folder in {"unquantized": fused, **folders}.items():
            advance(0, name)
            found[name] = measure(folder, probe)
            advance(1, name)
    return found.pop("unquantized"), found


def _copied(fused: Path, context: StepContext) -> Path:
    folder = context.out / "recipes" / KEPT
    folder.parent.mkdir()
    copy_model(fused, folder)
    return folder


def _cooked(fused: Path, context: StepContext) -> dict[str, Path]:
    """Write a model folder for every recipe."""
    from gradus.models import load_tokenizer

    settings, seed, folders = context.config.quantize, context.config.run.seed, {}
    recipes = [str(recipe) for recipe in settings.recipes]
    learned = any(map(is_learned, recipes))
    train = context.input("05_prepare/train.jsonl")
    data = read_data(train, load_tokenizer(fused), settings.calibration, seed) if learned else Data([], seed)
    with progress("Quantizing", len(recipes)) as advance:
        for recipe in recipes:
            advance(0, named(recipe))
            model, tokenizer, config = load_with_config(fused)
            model, config = cook(recipe, model, config, settings, data)
            folders[recipe] = context.out / "recipes" / recipe
            save_model(folders[recipe], fused, model, tokenizer, config)
            advance(1, named(recipe))
    return folders


def _quantization(folder: Path) -> dict[str, Any]:
    """Bits and group size of a model folder; entries for single layers, which stand beside them, are left out."""
    return {key: value for key, value in read_json(folder / "config.json")["quantization"].items() if not isinstance(value, dict | bool)}


def _record(before: Measured, rows: Sequence[Row], chosen: Row, *, kept: bool) -> dict[str, Any]:
    """The chosen recipe, and the table of all."""
    grade = before.graded and {"percent": before.graded.percent, "letter": before.graded.letter}
    whole = {"kept": kept, "chosen": chosen.recipe, "before": asdict(before.figures), "grade_before": grade}
    return {**whole, **chosen.to_json(), "recipes": [row.to_json() for row in rows]}


def _speed(before: Measured, rows: Sequence[Row]) -> dict[str, Any]:
    speeds = {"unquantized": before.tokens_per_second} | {row.recipe: row.tokens_per_second for row in rows}
    return {"machine": f"{platform.system()} {platform.machine()}, {device_name()}", "tokens_per_second": speeds}


def _bars(before: Measured, rows: Sequence[Row], chosen: Row) -> list[Bar]:
    plain = _bar("unquantized", "unquantized", before.figures, before.tokens_per_second, before.graded)
    shrunk = [_bar(named(row.recipe), "kept" if row is chosen else "other", row.after, row.tokens_per_second, row.graded) for row in rows]
    return [plain, *shrunk]


def _bar(name: str, kind: str, figures: Figures, speed: float, graded: Graded | None) -> Bar:
    return Bar(name, kind, figures.weight_bytes, speed, figures.perplexity, graded.percent if graded else None)


def _summary(before: Measured, rows: Sequence[Row], chosen: Row, settings: Quantize) -> Summary:
    left = f", {len(chosen.layers.left)} left as they are" if chosen.layers.left else ""
    return {
        **table(before, rows, chosen),
        "layers": f"{chosen.layers.quantized} quantized{left}, in groups of {chosen.quantization['group_size']}",
        "kept": f"{chosen.recipe} (quantize.chosen {settings.chosen})",
        "loss": f"{chosen.drift.loss_difference:+.3g} nats a token against the graded model",
        "next token": f"the same at {chosen.same_next_token:.1%} of the places",
    }
