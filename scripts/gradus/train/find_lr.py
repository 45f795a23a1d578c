"""`--find-lr`: the learning-rate range test (Smith 2017, arXiv:1506.01186), its figure and a suggestion by a stated rule.

It is a step of its own with the inputs of 06_train_mlx, so it is skipped when nothing changed and never touches an adapter.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass, replace
from math import log10
from pathlib import Path
from statistics import linear_regression, mean, median
from typing import TYPE_CHECKING, Any

from gradus.config import Config
from gradus.config.schema import FindLr
from gradus.errors import GradusError
from gradus.files import read_json, write_json
from gradus.step import Step, StepContext, Summary
from gradus.train import STEP as TRAIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

log = logging.getLogger(__name__)
CLEAR = 4.0
"""Standard errors by which the loss must have fallen: the lowest of many means is always a little below the first."""
Point = tuple[float, float]
"""Learning rate and loss."""


@dataclass(frozen=True)
class Suggestion:
    """What the losses say.

    At the steepest point an update gains most: that is the suggestion. The rate of the lowest loss is already where
    gains turn into damage, and noise can move the steepest point up to it, so the suggestion stays below it by a margin.
    The often quoted tenth of it proved too careful with warm-up, clipping and a falling schedule.
    """

    rate: float
    steepest: Point
    lowest: Point
    smoothed: list[Point]


def work(context: StepContext) -> Summary:
    """Run the test in a child process and write `find_lr.json` and `find_lr.png`."""
    from gradus.train.child import run_child
    from gradus.train.work import write_job

    find = context.config.train.find_lr
    config = range_config(context.config)
    scratch = context.out / "scratch"
    scratch.mkdir()
    job = write_job(replace(context, config=config, out=scratch), read_json(context.input("05_prepare/base.json")), "find_lr")
    run_child(job, 2 * config.train.iterations)  # every batch is measured first, then trained on
    result = read_json(scratch / "result.json")
    points = [(rate, loss) for rate, loss in result["points"]]
    shutil.rmtree(scratch)
    found = suggest(points, result["before"], find)
    if found.lowest == found.smoothed[-1]:
        log.warning("The loss was still falling at the highest rate tried: raise train.find_lr.highest")
    write_json(context.out / "find_lr.json", _to_json(context.config, points, found, result))
    draw(points, found, result["before"], context.out / "find_lr.png")
    return {
        "suggested rate": f"{found.rate:g}",
        "steepest fall": f"at {found.steepest[0]:.2g}",
        "lowest loss": f"{found.lowest[1]:.3f} at {found.lowest[0]:.2g}",
        "rule": rule(find),
        "updates": f"{len(points)} of {find.updates}; {result['stopped']}",
    }


STEP = Step(
    name="06_find_lr", title="find the learning rate", version=2, output="reports/{run}/find_lr", work=work,
    reads=TRAIN.reads, config_keys=(*TRAIN.config_keys, "train.find_lr"), outside=TRAIN.outside,
)  # fmt: skip


def rule(find: FindLr) -> str:
    """How the suggestion is found, in words."""
    return f"where the smoothed loss falls steepest, at most the rate of its lowest point divided by {find.margin:g}"


def range_config(config: Config) -> Config:
    """The configured run, as long as the test, with nothing in it that a test does not need."""
    train = config.train
    iterations = train.find_lr.updates * train.gradient_accumulation
    rare = dict.fromkeys(("iterations", "report_every", "validate_every", "checkpoint_every"), iterations)
    early = train.early_stopping.model_copy(update={"patience": 0})
    alone = train.launch.model_copy(update={"processes": 1, "hosts": []})  # one process makes the same updates as several
    return config.model_copy(update={"train": train.model_copy(update={**rare, "early_stopping": early, "launch": alone})})


def suggest(points: list[Point], before: float, find: FindLr) -> Suggestion:
    """Read a learning rate from the losses of a range test.

    Args:
        points: learning rates and losses, differences between the batches taken out.
        before: loss of the untouched model.
        find: `smooth` points are in a centred mean, and in the regression line (loss over log rate) that gives a slope.

    Raises:
        GradusError: when there are too few points, or the loss did not fall clearly: by four standard errors of a mean.
    """
    smooth, half = find.smooth, find.smooth // 2
    if len(points) < 2 * smooth:
        raise GradusError(f"only {len(points)} updates before the end", where="train.find_lr", cure="Lower train.find_lr.lowest or raise updates")
    means = _centred_means(points, half)
    lowest = min(range(len(means)), key=lambda i: means[i][1])
    # Median, not mean: the explosion at the end is no scatter. 1.48 makes it a standard deviation.
    scatter = 1.48 * median(abs(loss - around) for (_, loss), (_, around) in zip(points[half:-half], means, strict=True))
    slopes = {i: _slope(means[i - half : i + half + 1]) for i in range(half, min(lowest + 1, len(means) - half))}
    if not slopes or before - means[lowest][1] <= CLEAR * scatter / smooth**0.5:
        what = f"the loss did not fall between the rates {points[0][0]:.2g} and {points[-1][0]:.2g}"
        raise GradusError(what, where="train.find_lr", cure="Set lowest lower, or raise updates")
    steepest = min(slopes, key=lambda i: slopes[i])
    rate = min(means[steepest][0], means[lowest][0] / find.margin)
    return Suggestion(float(f"{rate:.2g}"), means[steepest], means[lowest], means)


def _centred_means(points: list[Point], half: int) -> list[Point]:
    """Means over full windows only; a running exponential mean would lag, and so suggest too high a rate."""
    return [(points[i][0], mean(loss for _, loss in points[i - half : i + half + 1])) for i in range(half, len(points) - half)]


def _slope(points: list[Point]) -> float:
    return linear_regression([log10(rate) for rate, _ in points], [loss for _, loss in points]).slope


def _to_json(config: Config, points: list[Point], found: Suggestion, result: dict[str, Any]) -> dict[str, Any]:
    return {
        "suggestion": found.rate,
        "rule": rule(config.train.find_lr),
        "steepest": {"learning_rate": found.steepest[0], "loss": found.steepest[1]},
        "lowest": {"learning_rate": found.lowest[0], "loss": found.lowest[1]},
        "before": result["before"],
        "stopped": result["stopped"],
        "method": config.train.method,
        "optimizer": config.train.optimizer,
        "points": [list(point) for point in points],
        "smoothed": [list(point) for point in found.smoothed],
    }


def draw(points: list[Point], found: Suggestion, before: float, path: Path) -> None:
    """Write the figure: losses over the rate (logarithmic), their smoothed line, the suggestion and what it came from."""
    from matplotlib.figure import Figure

    from gradus.train.curves import INK, TRAIN_COLOUR, dress, save_figure

    figure = Figure(figsize=(9, 5), dpi=150, layout="constrained", facecolor="white")
    axes = figure.subplots()
    axes.plot(*zip(*points, strict=True), color=TRAIN_COLOUR, linewidth=0.9, alpha=0.35)
    axes.plot(*zip(*found.smoothed, strict=True), color=TRAIN_COLOUR, linewidth=2, label="loss, smoothed")
    axes.axhline(before, color=INK, linewidth=1, linestyle=":", label="before training")
    _mark(axes, found)
    axes.set_xscale("log")
    losses = [loss for _, loss in found.smoothed]
    low, high = min(losses), max(before, min(max(losses), 2 * before - min(losses)))
    shown = [rate for rate, loss in found.smoothed if loss <= high + 0.15 * (high - low)]
    axes.set_xlim(points[0][0] / 1.3, 2 * shown[-1])
    axes.set_ylim(low - 0.25 * (high - low), high + 0.15 * (high - low))
    dress(axes, "Learning-rate range test", x="learning rate")
    axes.set_ylabel("loss (nats per token), batch differences taken out", color=INK)
    axes.get_legend().set_loc("lower left")
    save_figure(figure, path)


def _mark(axes: Axes, found: Suggestion) -> None:
    from gradus.train.curves import INK, VALID_COLOUR

    axes.plot(*found.steepest, marker="o", markersize=8, color="white", markeredgecolor=INK, linestyle="none", label="steepest fall")
    axes.plot(*found.lowest, marker="s", markersize=8, color="white", markeredgecolor=INK, linestyle="none", label="lowest loss")
    axes.axvline(found.rate, color=VALID_COLOUR, linewidth=1.6)
    axes.annotate(
        f"suggestion {found.rate:g}", (found.rate, 0.04), xycoords=("data", "axes fraction"), xytext=(7, 0), textcoords="offset points",
        color=VALID_COLOUR, fontsize=11, fontweight="bold", bbox={"facecolor": "white", "edgecolor": "none", "pad": 2},
    )  # fmt: skip
