"""The picture of the recipes: size, speed, perplexity and grade, a bar each, the unquantized model on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

KEPT, OTHER, PLAIN, INK, FAINT = "#2f6f8f", "#9db8c7", "#c9ced6", "#2e3440", "#8a93a3"
INKED = dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK)
STYLE = {**INKED, "font.size": 10, "axes.edgecolor": FAINT, "axes.titlelocation": "left", "axes.titlesize": 10}


@dataclass(frozen=True)
class Bar:
    """One model in the picture; `percent` is None when it was not graded."""

    name: str
    kind: str
    """`unquantized`, `kept` or `other`."""
    bytes: int
    tokens_per_second: float
    perplexity: float
    percent: float | None


def draw(bars: Sequence[Bar], title: str, path: Path) -> None:
    """Write the picture as PNG."""
    unit, size = ("MB", 1e6) if max(bar.bytes for bar in bars) >= 1e6 else ("kB", 1e3)
    panels = [
        (f"Size, {unit}", "{:,.1f}", [bar.bytes / size for bar in bars]),
        ("Speed, tokens/s", "{:,.0f}", [bar.tokens_per_second for bar in bars]),
        ("Perplexity (less is better)", "{:,.2f}", [bar.perplexity for bar in bars]),
    ]
    percents = [bar.percent for bar in bars if bar.percent is not None]
    if len(percents) == len(bars):
        panels.append(("Grade, %", "{:.1f}", percents))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(2.9 * len(panels) + 1, 1.3 + 0.36 * len(bars)), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        for axes, (name, form, values) in zip(figure.subplots(1, len(panels), sharey=True), panels, strict=True):
            _panel(axes, bars, name, form, values)
        figure.suptitle(title, x=0.01, ha="left", weight="bold", size=12)
        figure.savefig(path, metadata={"Software": None})


def _panel(axes: Axes, bars: Sequence[Bar], name: str, form: str, values: Sequence[float]) -> None:
    colours = [{"kept": KEPT, "unquantized": PLAIN}.get(bar.kind, OTHER) for bar in bars]
    drawn = axes.barh(range(len(bars)), values, color=colours, height=0.62)
    axes.bar_label(drawn, [form.format(value) for value in values], padding=4, size=9, color=INK)
    axes.set(title=name, xlim=(0, 1.35 * max(*values, 1e-9)), xticks=[], yticks=range(len(bars)))
    axes.set_yticklabels([f"{bar.name} (kept)" if bar.kind == "kept" else bar.name for bar in bars])
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
