"""The loss curve's JSON and picture."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from gradus.train.curves import Curve, smoothed, write_curve

TRAIN = [(10, 3.0), (20, 2.5), (30, 2.0)]
VALID = [(0, 4.0), (20, 2.4), (30, 2.4)]


@pytest.mark.parametrize(
    ("curve", "best"),
    [(Curve(TRAIN, VALID), {"iteration": 20, "loss": 2.4}), (Curve(TRAIN, ()), None), (Curve((), VALID[:1]), {"iteration": 0, "loss": 4.0})],
    ids=["both", "no validation", "one point"],
)
def test_curve_is_written_as_json_and_picture(curve: Curve, best: object, tmp_path: Path) -> None:
    write_curve(curve, tmp_path)
    stored = json.loads((tmp_path / "loss_curve.json").read_text())
    assert stored == {"train": [list(p) for p in curve.train], "valid": [list(p) for p in curve.valid], "best": best, "source": "gradus"}
    picture = (tmp_path / "loss_curve.png").read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (1350, 750)
    assert {path.name for path in tmp_path.iterdir()} == {"loss_curve.json", "loss_curve.png"}


def test_same_curve_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_curve(Curve(TRAIN, VALID), tmp_path / name)
    assert (tmp_path / "a" / "loss_curve.png").read_bytes() == (tmp_path / "b" / "loss_curve.png").read_bytes()


def test_smoothing_neither_lags_nor_shifts() -> None:
    straight = [(i, 5.0 - 0.1 * i) for i in range(40)]
    assert [loss for _, loss in smoothed(straight)] == pytest.approx([loss for _, loss in straight])
    noisy = [(i, float(i % 2)) for i in range(40)]
    assert all(0.3 < loss < 0.7 for _, loss in smoothed(noisy)[5:-5])
    assert smoothed([]) == []
