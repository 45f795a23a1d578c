"""Read the loss curve out of a saved log of stock `mlx_lm.lora`.

Two formats are known: lines of text (before mlx-lm 0.32)

    Iter 10: Train loss 2.345, Learning Rate 1.000e-05, It/sec 1.200, Tokens/sec 345.6, Trained Tokens 1234, Peak mem 3.4 GB
    Iter 1: Val loss 3.100, Val took 2.300s

and rows of a table (since 0.32), here a training and a validation report

      10    2.345 ▼      346      1.2k
       1    val 3.100    2.30s

A log that was recorded from a terminal also holds colour and cursor codes, and progress bars that share their line with
a report; both are removed first.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gradus.config import Config
from gradus.errors import UserError
from gradus.step import workspace_of
from gradus.train.curves import Curve, write_curve

log = logging.getLogger(__name__)

_NUMBER = r"[-+]?(?:\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?|nan|inf)"
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_TEXT = re.compile(rf"Iter (?P<iteration>\d+): (?P<kind>Train|Val) loss (?P<loss>{_NUMBER})")
_TABLE_TRAIN = re.compile(rf"(?<!\S)(?P<iteration>\d+)\s+(?P<loss>{_NUMBER})\s+(?:[^\w\s]\s+){_NUMBER}\s+{_NUMBER}k\b")
_TABLE_VALID = re.compile(rf"(?<!\S)(?P<iteration>\d+)\s+val\s+(?P<loss>{_NUMBER})\s+{_NUMBER}s\b")


@dataclass(frozen=True)
class Report:
    """One report of the log; `iteration` as the log numbers it."""

    iteration: int
    kind: Literal["train", "valid"]
    loss: float


def read_reports(path: Path) -> list[Report]:
    """All reports of a saved log, in its order.

    Raises:
        UserError: when the file cannot be read or holds no report.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UserError(f"cannot read the log ({error.strerror})", where=str(path), cure="Check the path behind --from-log") from error
    # What a carriage return overwrote counts as a line of its own.
    reports = [report for line in _ANSI.sub("", text).splitlines() for report in _reports_of(line)]
    if not reports:
        looked = "looked for lines 'Iter 10: Train loss …' and for rows '10  2.345 ▼  346  1.2k' under 'iter  train_loss'"
        raise UserError(f"no loss of mlx_lm.lora found ({looked})", where=str(path), cure="Save what mlx_lm.lora prints, stdout and stderr together")
    return reports


def _reports_of(line: str) -> Iterator[Report]:
    for match in _TEXT.finditer(line):
        yield Report(int(match["iteration"]), "train" if match["kind"] == "Train" else "valid", _number(match["loss"]))
    for match in _TABLE_TRAIN.finditer(line):
        yield Report(int(match["iteration"]), "train", _number(match["loss"]))
    for match in _TABLE_VALID.finditer(line):
        yield Report(int(match["iteration"]), "valid", _number(match["loss"]))


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def curve_of(reports: list[Report], name: str) -> Curve:
    """The curve of the last run in a log; earlier runs and losses that are no number are left out and named in a warning.

    Raises:
        UserError: when no loss of the run is a number.
    """
    run = _last_run(reports, name)
    finite = [report for report in run if math.isfinite(report.loss)]
    if len(finite) < len(run):
        log.warning("%s: %d of %d losses are nan or inf and are left out; the run diverged", name, len(run) - len(finite), len(run))
    if not finite:
        raise UserError("every loss is nan or inf, the run diverged", where=name, cure="Train again with a lower learning rate")
    train = tuple((report.iteration, report.loss) for report in finite if report.kind == "train")
    valid = tuple((report.iteration, report.loss) for report in finite if report.kind == "valid")
    return Curve(train, valid, source="log")


def _last_run(reports: list[Report], name: str) -> list[Report]:
    """The reports behind the last place where the iterations of one kind start again."""
    start, runs, last = 0, 1, {"train": -1, "valid": -1}
    for index, report in enumerate(reports):
        if report.iteration <= last[report.kind]:
            start, runs, last = index, runs + 1, {"train": -1, "valid": -1}
        last[report.kind] = report.iteration
    if runs > 1:
        log.warning("%s: the log holds %d runs; the last one is drawn", name, runs)
    return reports[start:]


def draw_log(config: Config, path: Path, *, dry_run: bool = False) -> str:
    """Draw the curves of a saved log into `reports/<run>/from_log/`; returns what to tell the user.

    Raises:
        UserError: when the log cannot be read or holds no loss.
    """
    curve = curve_of(read_reports(path), str(path))
    folder = workspace_of(config) / "reports" / config.run.name / "from_log"
    found = f"{len(curve.train)} training and {len(curve.valid)} validation losses in {path}"
    if curve.best is not None:
        found += f", best {curve.best[1]:.3f} at iteration {curve.best[0]:,}"
    if dry_run:
        return f"{found}\nwould write {folder / 'loss_curve.json'} and loss_curve.png"
    write_curve(curve, folder)
    return f"{found}\nwrote {folder / 'loss_curve.json'} and loss_curve.png"
