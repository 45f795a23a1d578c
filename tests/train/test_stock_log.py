"""Logs that stock `mlx_lm.lora` really wrote: the same training recorded four times, with both formats of output."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from gradus.config import load_config
from gradus.errors import UserError
from gradus.train.stock_log import Report, curve_of, draw_log, read_reports

LOGS = sorted((Path(__file__).parent / "logs").glob("*.log"))
TRAIN = [5.838, 5.335, 5.072, 4.839, 4.707, 4.888, 4.850, 4.953, 4.899, 4.778, 4.905, 4.696]
VALID = [(1, 6.235), (20, 4.930), (40, 4.835), (60, 4.739)]


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "lora.log"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_logs_of_both_formats_are_there() -> None:
    assert [path.stem for path in LOGS] == [f"mlx_lm_{version}_{kind}" for version in ("0.28", "0.32") for kind in ("piped", "terminal")]


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_every_format_gives_the_same_curve(path: Path) -> None:
    curve = curve_of(read_reports(path), path.name)
    assert list(curve.train) == list(zip(range(5, 61, 5), TRAIN, strict=True))
    assert list(curve.valid) == VALID
    assert curve.best == (60, 4.739)
    assert curve.source == "log"


def test_terminal_log_has_codes_and_bars() -> None:
    """What makes the test above worth something."""
    raw = next(path for path in LOGS if path.stem == "mlx_lm_0.32_terminal").read_bytes().decode()
    assert "\x1b[2K" in raw
    assert "\x1b[1A" in raw
    assert "░" in raw


def test_numbers_as_the_formats_write_them(tmp_path: Path) -> None:
    rows = ["  iter   train_loss     tok/s     tokens", "     1    val 3.100    2.30s", "    10    2.345 ▼    3,456      1.2k"]
    table = read_reports(written(tmp_path, "\n".join([*rows, "  1000    2.000 ▲       99  1234.5k", ""])))
    assert table == [Report(1, "valid", 3.1), Report(10, "train", 2.345), Report(1000, "train", 2.0)]
    text = "Iter 1: Val loss 3.1, Val took 2.3s\nIter 10: Train loss 2.345e-1, Learning Rate 1.000e-05, It/sec 1.2, Trained Tokens 1234\n"
    assert read_reports(written(tmp_path, text)) == [Report(1, "valid", 3.1), Report(10, "train", 0.2345)]


@pytest.mark.parametrize(
    "text",
    [
        "Calculating loss...: 100%|███| 4/4 [00:00<00:00, 239.79it/s]Iter 1: Val loss 3.100, Val took 2.3sIter 10: Train loss 2.500, It/sec 1.2\n",
        "train ███░░░  10% ·    9/100     1    val 3.100    2.30s\ntrain ███░░░  10% ·   10/100    10    2.500 ▼      346      1.2k\n",
        "train ░░  0% ·  0/100\r\x1b[2K\x1b[1A\x1b[2K  \x1b[38;5;244m   1\x1b[0m    \x1b[1;35mval\x1b[0m \x1b[1m3.100\x1b[0m    2.30s\r\n"
        "\x1b]0;title\x07   10    \x1b[1;32m2.500 ▼\x1b[0m    346      1.2k\r\n",
    ],
    ids=["bar before text", "bar before row", "terminal codes"],
)
def test_reports_that_share_a_line_with_a_bar(text: str, tmp_path: Path) -> None:
    curve = curve_of(read_reports(written(tmp_path, text)), "log")
    assert (list(curve.train), list(curve.valid)) == ([(10, 2.5)], [(1, 3.1)])


@pytest.mark.parametrize("text", ["", "nothing 10 2.345\n", "Epoch 1: loss 2.3\n", b"\xff\xfe\x00\x01"], ids=["empty", "other", "trainer", "binary"])
def test_log_without_a_loss_names_the_file_and_what_was_looked_for(text: str | bytes, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"lora\.log: no loss of mlx_lm\.lora found \(looked for lines 'Iter 10: Train loss"):
        read_reports(written(tmp_path, text))


def test_missing_log(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.log: cannot read the log \(No such file or directory\)"):
        read_reports(tmp_path / "none.log")


def test_last_of_several_runs_is_taken(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = "Iter 10: Train loss 9.0\nIter 20: Train loss 8.0\nIter 10: Train loss 2.0\nIter 20: Train loss 1.0\n"
    assert list(curve_of(read_reports(written(tmp_path, text)), "log").train) == [(10, 2.0), (20, 1.0)]
    assert "the log holds 2 runs; the last one is drawn" in caplog.text


def test_diverged_losses_are_left_out_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    reports = read_reports(written(tmp_path, "Iter 10: Train loss 2.0\nIter 20: Train loss nan\nIter 30: Val loss inf\n"))
    assert math.isnan(reports[1].loss)
    assert list(curve_of(reports, "log").train) == [(10, 2.0)]
    assert "2 of 3 losses are nan or inf" in caplog.text
    with pytest.raises(UserError, match="every loss is nan or inf"):
        curve_of(reports[1:], "log")


def test_drawing_a_log_writes_curve_and_picture(tmp_path: Path) -> None:
    config = load_config(settings=[f"paths.workspace={tmp_path / 'w'}", "run.name=old"])
    folder = tmp_path / "w" / "reports" / "old" / "from_log"
    assert "would write" in draw_log(config, LOGS[0], dry_run=True)
    assert not (tmp_path / "w").exists()
    text = draw_log(config, LOGS[0])
    assert text.splitlines()[0].startswith("12 training and 4 validation losses in ")
    assert str(folder / "loss_curve.json") in text
    assert {path.name for path in folder.iterdir()} == {"loss_curve.json", "loss_curve.png"}
    assert json.loads((folder / "loss_curve.json").read_text())["best"] == {"iteration": 60, "loss": 4.739}
