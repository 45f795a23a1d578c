"""What a sweep came to: one table and one figure, written into `reports/<run>/sweep/`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradus.files import write_json, write_text
from gradus.train.curves import INK, VALID_COLOUR, dress, save_figure
from gradus.train.sweep import Trained, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = ("best validation loss", "at iteration", "tokens/s", "seconds", "peak memory")


def write_comparison(trained: list[Trained], folder: Path) -> list[list[str]]:
    """Write `sweep.json`, `sweep.md` and, when a run succeeded, `sweep.png`; returns the table, heading first."""
    ranked = sorted(trained, key=lambda one: one.loss)
    rows = table(ranked)
    write_json(folder / "sweep.json", {"runs": [_to_json(one) for one in ranked]})
    write_text(folder / "sweep.md", _markdown(rows))
    if math.isfinite(ranked[0].loss):
        draw(ranked, folder / "sweep.png")
    else:
        (folder / "sweep.png").unlink(missing_ok=True)
    return rows


def table(ranked: list[Trained]) -> list[list[str]]:
    """Heading and one row a run, the best first; a failed run says why instead of numbers."""
    keys = list(ranked[0].combination.settings)
    rows = [["run", *keys, *COLUMNS]]
    for one in ranked:
        settings = [shown(value) for value in one.combination.settings.values()]
        rows.append([one.combination.name, *settings, *(_numbers(one) if not one.failed else [f"failed: {one.failed}", *[""] * (len(COLUMNS) - 1)])])
    return rows


def _numbers(one: Trained) -> list[str]:
    data = one.metadata
    return [
        f"{data['best']['loss']:.4f}", f"{data['best']['iteration']:,} of {data['iterations']:,}",
        f"{data['tokens_per_second']:,.0f}", f"{data['seconds']:,.1f}", f"{data['peak_memory_gb']:.2f} GB",
    ]  # fmt: skip


def as_text(rows: list[list[str]]) -> str:
    """The table for a terminal: columns lined up, settings and numbers to the right."""
    # What failed has no numbers; its message must not widen their column.
    widths = [max(len(row[column]) for row in rows if not row[column].startswith("failed")) for column in range(len(rows[0]))]
    lines = []
    for name, *cells in rows:
        aligned = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        lines.append("  ".join([name.ljust(widths[0]), *aligned]).rstrip())
    return "\n".join(lines)


def _markdown(rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    lines.insert(1, "| --- |" + " ---: |" * (len(rows[0]) - 1))
    return "# Sweep\n\nThe best run first. Losses are nats per supervised token.\n\n" + "\n".join(lines) + "\n"


def _to_json(one: Trained) -> dict[str, Any]:
    row: dict[str, Any] = {"run": one.combination.name, "settings": one.combination.settings}
    if one.failed:
        return {**row, "failed": one.failed}
    data = one.metadata
    kept = ("best", "iterations", "stopped", "tokens", "tokens_per_second", "seconds", "peak_memory_gb", "trainable_parameters")
    return {**row, **{key: data[key] for key in kept}, "valid": [list(point) for point in one.curve.valid]}


def draw(ranked: list[Trained], path: Path) -> None:
    """All validation curves, the best one emphasised; `ranked` starts with the best."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), dpi=150, layout="constrained", facecolor="white")
    axes = figure.subplots()
    best, *others = [one for one in ranked if not one.failed]
    axes.plot(*zip(*best.curve.valid, strict=True), color=VALID_COLOUR, linewidth=2.6, marker="o", markersize=4.5, zorder=9, label=_label(best))
    for number, one in enumerate(others):
        colour = colormaps["viridis"](number / max(len(others), 2))
        axes.plot(*zip(*one.curve.valid, strict=True), color=colour, linewidth=1.2, alpha=0.75, label=_label(one))
    dress(axes, "Validation loss of every run")
    _frame(axes, [one.curve.valid for one in ranked if not one.failed])
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), labelcolor=INK, fontsize=9, title="run: best loss")
    save_figure(figure, path)


def _label(one: Trained) -> str:
    return f"{one.combination.name.rpartition('-')[2]} {one.combination.label}: {one.loss:.3f}"


def _frame(axes: Axes, curves: list[Any]) -> None:
    """Keep a run that diverged from squeezing all others: no higher than a little above where the runs began."""
    low = min(loss for curve in curves for _, loss in curve)
    high = max(curve[0][1] for curve in curves)
    top = max(loss for curve in curves for _, loss in curve)
    high = min(top, high + 0.5 * (high - low))
    axes.set_ylim(low - 0.08 * (high - low), high + 0.08 * (high - low))
    if top > high:
        axes.annotate(f"highest loss: {top:.3g}, outside", (0.99, 0.97), xycoords="axes fraction", ha="right", va="top", color=INK, fontsize=9)
