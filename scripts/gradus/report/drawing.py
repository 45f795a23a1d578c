"""What the plots are drawn with: a frame of axes, ticks, bars. Colours come from the page's style sheet, so both themes stay crisp."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gradus.report.numbers import decimal

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Frame:
    """A plotting area in pixels over ranges of x and y."""

    width: int
    height: int
    x_low: float
    x_high: float
    y_low: float
    y_high: float
    left: int = 44
    right: int = 14
    top: int = 14
    bottom: int = 34

    def x(self, value: float) -> float:
        """Pixel column of a value."""
        return round(self.left + (value - self.x_low) / (self.x_high - self.x_low) * (self.width - self.left - self.right), 1)

    def y(self, value: float) -> float:
        """Pixel row of a value."""
        return round(self.height - self.bottom - (value - self.y_low) / (self.y_high - self.y_low) * (self.height - self.top - self.bottom), 1)


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) inside [low, high]; `about` is how many are wanted."""
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((factor * power for factor in (1, 2, 5) if factor * power >= raw * 0.999), 10 * power)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def grid(frame: Frame, x_about: int) -> Markup:
    """Horizontal lines with their numbers, the x axis with its numbers."""
    right, base = frame.width - frame.right, frame.height - frame.bottom
    line = Markup('<line class="grid" x1="{}" x2="{}" y1="{y}" y2="{y}"/><text class="tick" x="{}" y="{}" text-anchor="end">{}</text>')
    levels = [
        line.format(frame.left, right, frame.left - 8, frame.y(value) + 4, text, y=frame.y(value))
        for value, text in _numbered(frame.y_low, frame.y_high, 5)
    ]
    below = Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>')
    places = [below.format(frame.x(value), base + 20, text) for value, text in _numbered(frame.x_low, frame.x_high, x_about)]
    axis = Markup('<line class="axis" x1="{}" x2="{}" y1="{y}" y2="{y}"/>').format(frame.left, right, y=base)
    return Markup("").join([*levels, *places, axis])


def _numbered(low: float, high: float, about: int) -> list[tuple[float, str]]:
    """Ticks with their text, all with as many decimals as the longest needs."""
    values = ticks(low, high, about)
    digits = max((len(f"{value:.10g}".partition(".")[2]) for value in values), default=0)
    return [(value, decimal(value, digits)) for value in values]


def bars(base: float | None, tuned: float | None, target: float | None = None) -> Markup:
    """Two thin bars (base over tuned) on a track from 0 to 1, with a tick at the target. Decoration: the numbers stand beside it."""
    parts = [Markup('<rect class="track" x="0" y="0" width="100" height="12"/>')]
    for css, value, y, height in (("base", base, 1.5, 3.5), ("tuned", tuned, 6, 4.5)):
        if value is not None:
            parts.append(Markup('<rect class="{}" x="0" y="{}" width="{:.2f}" height="{}"/>').format(css, y, 100 * max(0.0, min(1.0, value)), height))
    if target is not None:
        parts.append(Markup('<line class="target" x1="{x:.2f}" x2="{x:.2f}" y1="0" y2="12"/>').format(x=100 * target))
    return stretched(12, Markup("").join(parts))


def bar(value: float, css: str) -> Markup:
    """One bar on a track from 0 to 1."""
    rects = Markup('<rect class="track" width="100" height="6"/><rect class="{}" width="{:.2f}" height="6"/>')
    return stretched(6, rects.format(css, 100 * max(0.0, min(1.0, value))))


def spread(kept: Sequence[int], removed: Sequence[int]) -> Markup:
    """Two histograms over the same bins, one up and one down from a line. Heights are square roots of shares, so that small ones show."""
    middle, width = 14, 100 / max(len(kept), 1)
    parts = [Markup('<line class="level" x1="0" x2="100" y1="{y}" y2="{y}"/>').format(y=middle)]
    for css, counts, up in (("kept", kept, True), ("removed", removed, False)):
        total = sum(counts)
        for index, count in enumerate(counts):
            height = (middle - 1) * math.sqrt(count / total) if count else 0.0
            rect = Markup('<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"/>')
            parts += [rect.format(css, index * width, middle - height if up else middle, width * 0.86, height)] if height else []
    return stretched(2 * middle, Markup("").join(parts))


def stretched(height: int, body: Markup) -> Markup:
    """A drawing 100 units wide that fills its cell."""
    return Markup('<svg class="bars h{h}" viewBox="0 0 100 {h}" preserveAspectRatio="none" aria-hidden="true">{}</svg>').format(body, h=height)


def svg(width: int, height: int, name: str, spoken: str, body: Markup) -> Markup:
    """An SVG image that says `spoken` to those who cannot see it; `name` is `wide`, `narrow` or '' for any screen."""
    return Markup('<svg class="plot {}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(name, width, height, spoken, body)
