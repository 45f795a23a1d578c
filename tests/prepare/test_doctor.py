"""The doctor's page: what the batches will be, and how long training will take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gradus.config import Config, load_config
from gradus.layout import plan_epoch
from gradus.prepare.doctor import duration, training_section
from gradus.prepare.plan import Plan, expected_seconds, forward_passes, layout_of, make_plan


def settings(**train: object) -> Config:
    return load_config(settings=["prepare.max_tokens=128", *(f"train.{key}={str(value).lower()}" for key, value in train.items())])


def test_a_plan_by_hand() -> None:
    """Four examples, unpacked, two a batch: by length (20, 30 | 40, 100), by file (20, 100 | 30, 40)."""
    plan = make_plan([20, 100, 30, 40], [5, 5, 5, 5], settings(packing=False, batch_size=2, iterations=10))
    assert plan == Plan(
        batches=2, epochs=5.0, padding=round(1 - 190 / (2 * 32 + 2 * 128), 4), stock_padding=round(1 - 190 / (2 * 128 + 2 * 65), 4),
        shapes=2, stock_shapes=2,
    )  # fmt: skip


def test_examples_without_a_supervised_token_are_not_counted() -> None:
    config = settings(packing=False, batch_size=2, iterations=10)
    assert make_plan([20, 100, 77, 30, 40], [5, 5, 0, 5, 5], config) == make_plan([20, 100, 30, 40], [5, 5, 5, 5], config)


def test_stock_leaves_out_what_fills_no_batch() -> None:
    whole = make_plan([32, 32, 64, 64], [5] * 4, settings(packing=False, batch_size=2))
    more = make_plan([32, 32, 64, 64, 100], [5] * 5, settings(packing=False, batch_size=2))
    assert more.stock_padding == whole.stock_padding
    assert more.batches == whole.batches + 1


def test_packing_pads_less_than_stock_on_short_conversations() -> None:
    lengths = np.random.default_rng(1).integers(10, 90, 400).tolist()
    config = settings(batch_size=4, row_tokens=128)
    plan = make_plan(lengths, [n // 2 for n in lengths], config)
    assert plan.padding < 0.1 < plan.stock_padding
    batches = plan_epoch(lengths, layout_of(config), config.run.seed, 0)
    assert plan.batches == len(batches)
    assert plan.padding == round(1 - sum(lengths) / sum(len(b.rows) * b.width for b in batches), 4)


def test_the_expected_time_is_measured_and_grows_with_the_iterations(tiny_base: Path) -> None:
    lengths = [40, 60, 20, 33] * 8
    short, long = (expected_seconds(tiny_base, lengths, settings(row_tokens=64, iterations=n)) for n in (100, 10_000))
    assert 0 < short < 60
    assert long > 10 * short


def test_checkpointing_costs_another_forward_pass() -> None:
    assert forward_passes(settings(gradient_checkpointing=True)) == forward_passes(settings()) + 1


@pytest.mark.parametrize(("seconds", "words"), [(4.21, "4.2 seconds"), (600, "10 minutes"), (9000, "2.5 hours")])
def test_a_duration_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_the_page_states_the_settings_it_was_made_with() -> None:
    text = "\n".join(training_section(Plan(12, 20.83, 0.081, 0.374, 4, 9), 93.0, settings(iterations=250).train))
    for part in ("train.iterations=250", "| 8.1% | 37.4% |", "| 4 | 9 |", "12 batches an epoch, so 20.8 epochs", "About 2 minutes"):
        assert part in text
