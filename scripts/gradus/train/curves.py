"""The loss curve of a run, as `loss_curve.json` and `loss_curve.png`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gradus.files import temporary_of, write_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Point = tuple[int, float]
"""Iteration and loss (mean cross-entropy per supervised token, in nats)."""

TRAIN_COLOUR, VALID_COLOUR, INK = "#2f6f9f", "#d1662b", "#3a3a3a"


@dataclass(frozen=True)
class Curve:
    """Training and validation loss over iterations, in the order of iterations."""

    train: Sequence[Point]
    valid: Sequence[Point]
    source: Literal["gradus", "log"] = "gradus"
    """`gradus` for a run of ours, `log` when it was read from a saved log of mlx-lm."""

    @property
    def best(self) -> Point | None:
        """The point of lowest validation loss, the first of equals; None without validation."""
        return min(self.valid, key=lambda point: point[1], default=None)

    def to_json(self) -> dict[str, Any]:
        """The content of `loss_curve.json`."""
        best = self.best
        return {
            "train": [list(point) for point in self.train],
            "valid": [list(point) for point in self.valid],
            "best": None if best is None else {"iteration": best[0], "loss": best[1]},
            "source": self.source,
        }


def write_curve(curve: Curve, folder: Path) -> None:
    """Write `loss_curve.json` and `loss_curve.png` (1350 × 750 pixels) into `folder`, each whole or not at all."""
    write_json(folder / "loss_curve.json", curve.to_json())
    _draw(curve, folder / "loss_curve.png")


def smoothed(points: Sequence[Point]) -> list[Point]:
    """Centred moving mean over about a tenth of the points, so that the line does not lag as an exponential mean does."""
    half = max(1, len(points) // 20)
    means = []
    for index, (iteration, _) in enumerate(points):
        reach = min(half, index, len(points) - 1 - index)
        near = [loss for _, loss in points[index - reach : index + reach + 1]]
        means.append((iteration, sum(near) / len(near)))
    return means


def _draw(curve: Curve, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), dpi=150, layout="constrained", facecolor="white")
    axes = figure.subplots()
    _draw_train(axes, curve)
    _draw_valid(axes, curve)
    dress(axes, "Loss while training")
    save_figure(figure, path)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole or not at all; the same figure gives the same bytes."""
    temporary = temporary_of(path)
    try:
        figure.savefig(temporary, format="png", metadata={"Software": None})
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _draw_train(axes: Axes, curve: Curve) -> None:
    if not curve.train:
        return
    iterations, losses = zip(*curve.train, strict=True)
    axes.plot(iterations, losses, color=TRAIN_COLOUR, linewidth=0.9, alpha=0.35)
    means = smoothed(curve.train)
    axes.plot(iterations, [loss for _, loss in means], color=TRAIN_COLOUR, linewidth=2, label="training, smoothed")


def _draw_valid(axes: Axes, curve: Curve) -> None:
    best = curve.best
    if best is None:
        return
    iterations, losses = zip(*curve.valid, strict=True)
    axes.plot(iterations, losses, color=VALID_COLOUR, linewidth=2, marker="o", markersize=4.5, label="validation")
    axes.plot(*best, marker="o", markersize=12, markerfacecolor="none", markeredgecolor=VALID_COLOUR, markeredgewidth=1.8)
    right_half = best[0] > (iterations[0] + iterations[-1]) / 2
    axes.annotate(
        f"best {best[1]:.3f}\nat iteration {best[0]:,}",
        best, xytext=(-14 if right_half else 14, 30), textcoords="offset points", color=INK, fontsize=10,
        ha="right" if right_half else "left", va="bottom",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 2}, arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.8, "shrinkB": 7},
    )  # fmt: skip


def dress(axes: Axes, title: str, x: str = "iteration") -> None:
    """Title, labels, a quiet grid and the legend: what all figures of losses have in common."""
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel("loss (nats per token)", color=INK)
    axes.set_title(title, loc="left", color=INK, fontsize=13, fontweight="bold")
    axes.margins(x=0.02, y=0.12)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#bbbbbb")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=True, framealpha=1, edgecolor="white", loc="upper right", labelcolor=INK)
