"""The learning-rate range test: a real one on a tiny model, and its rule on losses whose answer is known."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from gradus.config import Config, load_config
from gradus.config.schema import FindLr
from gradus.errors import GradusError, UserError
from gradus.files import read_json, write_json
from gradus.step import config_part
from gradus.train import STEP
from gradus.train.find_lr import suggest

from .conftest import Command, JobMaker, events

QUICK = ("train.find_lr.updates=30", "train.find_lr.smooth=5", "train.find_lr.lowest=1e-5", "train.find_lr.highest=10.0")

FIND = FindLr(lowest=1e-6, highest=1.0, updates=60, smooth=5, explosion=1.25, margin=2.0)


def valley(steepest: float, lowest: float, count: int = 60) -> list[tuple[float, float]]:
    """Losses over the rates 1e-6 to 1: level, a smooth fall centred at `steepest`, level, an explosion behind `lowest`."""
    rates = [10 ** (-6 + 6 * i / (count - 1)) for i in range(count)]
    fall = [3 - 1.5 / (1 + math.exp(-3 * (math.log10(rate) - math.log10(steepest)))) for rate in rates]
    return [(rate, loss + max(0.0, math.log10(rate / lowest)) * 4) for rate, loss in zip(rates, fall, strict=True)]


def test_real_range_test_suggests_a_rate_and_touches_no_adapter(command: Command, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--find-lr", *QUICK) == 0
    folder = workspace / "reports" / "test" / "find_lr"
    found = read_json(folder / "find_lr.json")
    rates = [rate for rate, _ in found["points"]]
    factor = (10 / 1e-5) ** (1 / 29)
    assert rates == pytest.approx([1e-5 * factor**i for i in range(len(rates))])
    assert found["suggestion"] == float(f"{min(found['steepest']['learning_rate'], found['lowest']['learning_rate'] / 2):.2g}")
    assert found["rule"].endswith("divided by 2")
    # The first batch is seen before any update, so with its difficulty taken out it is at the level of the untouched model.
    assert found["points"][0][1] == pytest.approx(found["before"], abs=1e-4)
    assert found["lowest"]["loss"] < found["before"] - 0.05
    assert (folder / "find_lr.png").read_bytes().startswith(b"\x89PNG")
    assert not (workspace / "adapters").exists()
    assert not (folder / "scratch").exists()
    told = capsys.readouterr().out
    setting = f"train.learning_rate={found['suggestion']:g}"
    assert f"--set {setting}" in told
    assert load_config(settings=[setting]).train.learning_rate == found["suggestion"]
    assert command("--find-lr", *QUICK) == 0
    assert "up to date" in capsys.readouterr().out


def test_a_loss_that_is_no_number_ends_the_test_and_spoils_nothing(make_job: JobMaker) -> None:
    wild = (
        "optimizer=sgd",
        "max_grad_norm=0",
        "find_lr.highest=1e38",
        "find_lr.explosion=1e30",
        "find_lr.updates=24",
        "find_lr.smooth=3",
        "max_loss_rise=0",
    )
    job = make_job("wild", *(f"train.{setting}" for setting in (*wild, "iterations=24", "validate_every=24", "checkpoint_every=24")))
    write_json(job, {**read_json(job), "mode": "find_lr"})
    assert events(job)[0] == 0
    result = read_json(job.with_name("result.json"))
    assert "loss is" in result["stopped"]
    assert 6 <= len(result["points"]) < 24
    assert all(math.isfinite(loss) for _, loss in result["points"])


@pytest.mark.parametrize(("steepest", "lowest", "which"), [(1e-3, 3e-2, "steepest"), (1e-3, 1e-3, "margin")])
def test_the_rule_takes_the_lower_of_its_two_readings(steepest: float, lowest: float, which: str) -> None:
    found = suggest(valley(steepest, lowest), 3.0, FIND)
    assert found.steepest[0] == pytest.approx(steepest, rel=0.6)
    assert found.lowest[0] == pytest.approx(lowest, rel=0.5)
    assert found.rate == pytest.approx(found.steepest[0] if which == "steepest" else found.lowest[0] / 2, rel=0.05)


def test_losses_that_do_not_fall_give_no_suggestion() -> None:
    rising = [(10 ** (-6 + i / 10), 3 + i / 100) for i in range(60)]
    noise = [[(10 ** (-6 + i / 10), random.Random(seed * 100 + i).gauss(3, 0.2)) for i in range(60)] for seed in range(5)]
    for points in (rising, *noise):
        with pytest.raises(GradusError, match="the loss did not fall"):
            suggest(points, 3.0, FIND)
    with pytest.raises(GradusError, match="only 9 updates"):
        suggest(rising[:9], 3.0, FIND)


def test_the_test_settings_do_not_put_an_adapter_out_of_date(tiny_config: Config) -> None:
    keys = config_part(tiny_config, STEP.config_keys)
    assert "train.learning_rate" in keys
    assert "train.lora.rank" in keys
    assert not [key for key in keys if key.startswith(("train.find_lr", "train.sweep"))]


@pytest.mark.parametrize(
    ("setting", "what"), [("lowest=2.0", "lowest must be below highest"), ("smooth=4", "smooth must be odd"), ("smooth=61", "half")]
)
def test_impossible_settings_are_told(setting: str, what: str) -> None:
    with pytest.raises(UserError, match=what):
        load_config(settings=[f"train.find_lr.{setting}"])
