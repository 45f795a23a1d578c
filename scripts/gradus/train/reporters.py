"""Hand the rows of `metrics.jsonl` on to TensorBoard, Weights & Biases or SwanLab while a run trains.

A thread of the parent process reads the file that the training process writes; training itself never waits for it.
Keys stay where those packages look for them (their own login or environment variables): they are neither read nor
logged here. What they write lies in `reports/<run>/<name>/`.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.config import Config
from gradus.errors import UserError
from gradus.step import workspace_of
from gradus.train.metrics import Row, read_rows

log = logging.getLogger(__name__)
SECONDS_BETWEEN_LOOKS = 2.0
PROJECT_NAME = "gradus"
OF_TRAINING = {"learning_rate", "tokens", "tokens_per_second", "peak_memory_gb", "seconds"}
CURES = {"wandb": "Run wandb login, or set WANDB_MODE=offline", "swanlab": "Run swanlab login, or set SWANLAB_MODE=offline"}


@dataclass(frozen=True)
class Reporter:
    """One package: `send(values, iteration)` gives it numbers, `close()` waits until they are written."""

    name: str
    send: Callable[[dict[str, float], int], None]
    close: Callable[[], None]


def _tensorboard(package: Any, config: Config, folder: Path) -> Reporter:
    # All rows are sent again when a run goes on: what an earlier process wrote is purged from step 0 on.
    writer = package.SummaryWriter(str(folder), purge_step=0)

    def send(values: dict[str, float], iteration: int) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, iteration)
        writer.flush()

    return Reporter("tensorboard", send, writer.close)


def _wandb(package: Any, config: Config, folder: Path) -> Reporter:
    settings = package.Settings(silent=True, console="off", disable_git=True, disable_code=True)
    run = package.init(project=PROJECT_NAME, name=config.run.name, dir=str(folder.parent), config=_told(config), settings=settings)
    return Reporter("wandb", lambda values, iteration: run.log(values, step=iteration), run.finish)


def _swanlab(package: Any, config: Config, folder: Path) -> Reporter:
    run = package.init(project=PROJECT_NAME, name=config.run.name, log_dir=str(folder), config=_told(config))
    return Reporter("swanlab", lambda values, iteration: run.log(values, step=iteration), package.finish)


PACKAGES: dict[str, tuple[str, str, Callable[[Any, Config, Path], Reporter]]] = {
    "tensorboard": ("tensorboardX", "tensorboardX tensorboard", _tensorboard),
    "wandb": ("wandb", "wandb", _wandb),
    "swanlab": ("swanlab", "swanlab", _swanlab),
}


def _told(config: Config) -> dict[str, Any]:
    """The settings that say what the run is; no paths."""
    return {"run": config.run.model_dump(), "train": config.train.model_dump(), "max_tokens": config.prepare.max_tokens}


def open_reporters(config: Config) -> list[Reporter]:
    """The configured reporters, ready.

    Raises:
        UserError: when a package is not installed or does not start, before any training.
    """
    names = list(dict.fromkeys(config.monitor.report_to))
    for name in names:
        module, packages, _ = PACKAGES[name]
        if importlib.util.find_spec(module) is None:
            raise UserError(f"{name} needs a package that is not installed", where="monitor.report_to", cure=f"pip install {packages}")
    opened: list[Reporter] = []
    for name in names:
        module, _, make = PACKAGES[name]
        folder = workspace_of(config) / "reports" / config.run.name / name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            opened.append(make(importlib.import_module(module), config, folder))
        except Exception as error:
            for reporter in opened:
                _safely(reporter, reporter.close)
            raise UserError(f"{name} does not start ({_words(error)})", where="monitor.report_to", cure=CURES.get(name, "Take it out")) from error
    return opened


@contextmanager
def reporting(config: Config, metrics: Path) -> Iterator[None]:
    """While the body runs, hand every row that appears in `metrics` on to the configured reporters.

    Raises:
        UserError: as `open_reporters`.
    """
    reporters = open_reporters(config)
    if not reporters:
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(target=_forward, args=(reporters, metrics, stop), name="reporters", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        for reporter in reporters:  # here, since some set signal handlers when they close, which only the main thread may
            _safely(reporter, reporter.close)


def _forward(reporters: list[Reporter], metrics: Path, stop: threading.Event) -> None:
    """Send each row once: one that is written again after a kill is the same, bit for bit. Those that fail leave the list."""
    sent: set[tuple[int, str]] = set()
    while reporters:
        last_look = stop.wait(SECONDS_BETWEEN_LOOKS)
        for row in read_rows(metrics):
            if (row["iteration"], row["kind"]) not in sent:
                sent.add((row["iteration"], row["kind"]))
                reporters[:] = [r for r in reporters if _safely(r, r.send, values_of(row), row["iteration"])]
        if last_look:
            break


def values_of(row: Row) -> dict[str, float]:
    """The numbers of a row as `train/loss`, `valid/loss`, `train/learning_rate`, …"""
    left_out = {"iteration", *(OF_TRAINING if row["kind"] == "valid" else ())}
    numbers = {key: value for key, value in row.items() if isinstance(value, int | float) and math.isfinite(value)}
    return {f"{row['kind']}/{key}": float(value) for key, value in numbers.items() if key not in left_out}


def _safely(reporter: Reporter, action: Callable[..., None], *arguments: object) -> bool:
    """Whether the action went well. A reporter that fails is told once and left out; the training goes on."""
    try:
        action(*arguments)
    except Exception as error:  # noqa: BLE001  foreign packages raise what they like
        log.warning("%s failed and gets no more rows: %s. The training goes on, metrics.jsonl has them all.", reporter.name, _words(error))
        return False
    return True


def _words(error: Exception) -> str:
    """The first line of an error, without any key that the environment holds."""
    text = f"{type(error).__name__}: {str(error).strip()}".splitlines()[0].removesuffix(": ")
    for name, value in os.environ.items():
        if name.endswith(("_API_KEY", "_TOKEN")) and len(value) > 4:
            text = text.replace(value, "***")
    return text
