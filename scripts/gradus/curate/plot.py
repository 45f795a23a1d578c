"""The picture of a curation: what went and why, and where the quality score was cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gradus.curate.curation import Curation

KEPT, REMOVED, INK, FAINT = "#2f6f8f", "#d08770", "#2e3440", "#8a93a3"
SHOWN_BINS = 20  # of the score, at the least
LABELS = {
    "bad_row": "Bad row",
    "empty": "Empty",
    "contaminated": "In a benchmark",
    "personal_data": "Personal data",
    "exact_duplicate": "Exact duplicate",
    "near_duplicate": "Near-duplicate",
    "low_quality": "Low quality",
}
INKED = dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK)
STYLE = {**INKED, "font.size": 10, "axes.edgecolor": FAINT, "axes.titlelocation": "left"}


def draw(curation: Curation, path: Path) -> None:
    """Write the picture as PNG; the same curation gives the same bytes."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 3.8), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.25])
        _reasons(left, curation)
        _scores(right, curation)
        figure.suptitle(f"Curation: {curation.kept:,} of {curation.examples:,} examples kept", x=0.01, ha="left", weight="bold", size=12)
        figure.savefig(path, metadata={"Software": None})


def _reasons(axes: Axes, curation: Curation) -> None:
    """How many stayed, and how many went for each reason."""
    bars = [("Kept", curation.kept, KEPT)]
    bars += [(LABELS[reason], count, REMOVED) for reason, count in curation.removed_by_reason.items()]
    names, counts, colours = zip(*bars, strict=True)
    drawn = axes.barh(names, counts, color=colours, height=0.62)
    labels = [f"{count:,}  ({100 * count / max(1, curation.examples):.1f} %)" for count in counts]
    axes.bar_label(drawn, labels, padding=4, color=INK, size=9)
    axes.invert_yaxis()
    axes.set(title="What stayed, what went and why", xlim=(0, max(*counts, 1) * 1.32), xticks=[])
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(length=0)


def _scores(axes: Axes, curation: Curation) -> None:
    """Score distribution, kept on top of removed, with the cut; the empty bins below the lowest score are left out."""
    removed, kept = curation.quality.removed.histogram, curation.quality.kept.histogram
    bins = len(kept)
    lowest = min(next(i for i in range(bins) if kept[i] or removed[i]), bins - SHOWN_BINS)
    edges = [i / bins for i in range(lowest, bins)]
    axes.bar(edges, kept[lowest:], width=0.94 / bins, align="edge", color=KEPT, label="kept")
    axes.bar(edges, removed[lowest:], width=0.94 / bins, align="edge", bottom=kept[lowest:], color=REMOVED, label="removed")
    axes.margins(y=0.15)  # room above the bars for the label of the cut
    if curation.score_cut is not None:
        axes.axvline(curation.score_cut, color=INK, linestyle="--", linewidth=1)
        place: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "xytext": (-6, 0), "textcoords": "offset points", "ha": "right", "va": "top"}
        axes.annotate(f"cut at {curation.score_cut:.3f}", (curation.score_cut, 0.97), size=9, **place)
    axes.set(title="Quality score", xlabel="weighted mean of the signals", ylabel="examples", xlim=(edges[0], 1))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.legend(frameon=False, loc="center left")
    axes.spines[["top", "right"]].set_visible(False)
