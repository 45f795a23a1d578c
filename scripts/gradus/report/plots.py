"""Pictures drawn as SVG from numbers alone; colours come from the page's style sheet, so both themes stay crisp.

Each plot is drawn once for wide and once for narrow screens (the page shows one of them): scaled text would be unreadable.
"""

from __future__ import annotations

from markupsafe import Markup

from gradus.report.drawing import Frame, Points, grid, stretched, svg
from gradus.report.numbers import decimal, letter, percent
from gradus.report.upstream import LossCurve, Sieved
from gradus.results import Comparison, Evaluation, Interval

WIDE, NARROW = (880, 300), (360, 260)


def loss_curve(curve: LossCurve) -> Markup | None:
    """Training and validation loss over iterations with the best point marked; None when there is no point to draw."""
    if not curve.train and not curve.valid:
        return None
    return Markup("\n").join(_loss_curve(curve, width, height, name) for (width, height), name in ((WIDE, "wide"), (NARROW, "narrow")))


def _loss_curve(curve: LossCurve, width: int, height: int, name: str) -> Markup:
    frame = _frame(curve, width, height)
    parts = [grid(frame, x_about=8 if name == "wide" else 4)]
    parts += [_line(frame, curve.train, "train"), _line(frame, curve.valid, "valid")]
    parts += [
        Markup('<circle class="dot" cx="{}" cy="{}" r="2.6"><title>{}</title></circle>').format(frame.x(x), frame.y(y), f"{x:g}: {decimal(y, 3)}")
        for x, y in curve.valid
    ]
    if curve.best:
        parts.append(_best(frame, curve.best.iteration, curve.best.loss))
    return svg(width, height, name, describe_curve(curve), Markup("").join(parts))


def describe_curve(curve: LossCurve) -> str:
    """The plot in one sentence, for those who cannot see it."""
    said = [
        f"{name} loss from {decimal(points[0][1])} at iteration {points[0][0]:g} to {decimal(points[-1][1])} at {points[-1][0]:g}"
        for name, points in (("training", curve.train), ("validation", curve.valid))
        if points
    ]
    best = f"; lowest validation loss {decimal(curve.best.loss, 3)} at iteration {curve.best.iteration}" if curve.best else ""
    return f"{', '.join(said).capitalize()}{best}."


def _frame(curve: LossCurve, width: int, height: int) -> Frame:
    points = [*curve.train, *curve.valid]
    low, high = min(y for _, y in points), max(y for _, y in points)
    room = (high - low) * 0.06 or max(abs(high) * 0.1, 0.1)
    x_low = min(0.0, *(x for x, _ in points))
    return Frame(width, height, x_low, max(x for x, _ in points) or 1.0, low - room, high + room)


def _line(frame: Frame, points: Points, css: str) -> Markup:
    joined = " ".join(f"{frame.x(x)},{frame.y(y)}" for x, y in points)
    return Markup('<polyline class="{}" points="{}"/>').format(css, joined)


def _best(frame: Frame, iteration: float, loss: float) -> Markup:
    """A ring around the best point with its number, clear of the edges and of the line: it falls towards the best point and rises behind it."""
    x, y = frame.x(iteration), frame.y(loss)
    anchor, shift = ("end", 6) if x > frame.width - 90 else ("start", -6) if x < frame.left + 60 else ("middle", 0)
    rises = x < frame.left + (frame.width - frame.left) / 3
    at = y + 24 if (rises and y + 30 < frame.height - frame.bottom) or y - 14 < frame.top + 8 else y - 14
    return Markup('<circle class="best" cx="{}" cy="{}" r="6"/><text class="label" x="{}" y="{}" text-anchor="{}">best {} at {:g}</text>').format(
        x, y, x + shift, at, anchor, decimal(loss, 3), iteration
    )


def grade_scale(evaluation: Evaluation) -> Markup:
    """The letters' ranges on a line from 0 to 100 with both models and their intervals on it."""
    return Markup("\n").join(_grade_scale(evaluation, width, name) for width, name in ((620, "wide"), (340, "narrow")))


def _grade_scale(evaluation: Evaluation, width: int, name: str) -> Markup:
    frame = Frame(width, 130, 0, 100, 0, 1, left=8, right=8, top=0, bottom=0)
    parts = [_bands(frame, evaluation)]
    parts += [
        _whisker(frame, model.percent, model.interval, who, y) for who, model, y in (("tuned", evaluation.tuned, 30), ("base", evaluation.base, 98))
    ]
    base, tuned = evaluation.base, evaluation.tuned
    spoken = f"Base {percent(base.percent)}, tuned {percent(tuned.percent)} on a scale from 0 to 100."
    return svg(width, 130, name, spoken, Markup("").join(parts))


def _bands(frame: Frame, evaluation: Evaluation) -> Markup:
    """One box a letter; a box too small for its letter stays blank."""
    steps = sorted(evaluation.rubric.scale, key=lambda step: step.percent)
    ends = [step.percent for step in steps[1:]] + [100.0]
    parts = []
    for index, (step, end) in enumerate(zip(steps, ends, strict=True)):
        x, width = frame.x(step.percent), frame.x(end) - frame.x(step.percent)
        mine = " mine" if step.letter == evaluation.grade.letter else ""
        parts.append(Markup('<rect class="band shade{}{}" x="{}" y="50" width="{:.1f}" height="26"/>').format(index % 2, mine, x, width))
        if width >= 9 * len(step.letter):
            text = Markup('<text class="letter{}" x="{:.1f}" y="68" text-anchor="middle">{}</text>')
            parts.append(text.format(mine, x + width / 2, letter(step.letter)))
    return Markup("").join(parts)


def _whisker(frame: Frame, value: float, interval: Interval, who: str, y: int) -> Markup:
    x = frame.x(value)
    anchor = "start" if x < 80 else "end" if x > frame.width - 80 else "middle"
    edge = max(0.0, min(float(frame.width), x))
    label_y = y - 14 if y < 50 else y + 25
    return Markup(
        '<line class="whisker {who}" x1="{}" x2="{}" y1="{y}" y2="{y}"/><circle class="point {who}" cx="{x}" cy="{y}" r="6"/>'
        '<text class="label" x="{}" y="{}" text-anchor="{}">{} {}</text>'
    ).format(frame.x(interval.low), frame.x(interval.high), edge, label_y, anchor, who, percent(value), who=who, x=x, y=y)


def duel_bar(duel: Comparison) -> Markup:
    """Questions won, tied and lost as one bar in three parts. Decoration: the numbers stand beside it."""
    total = duel.wins + duel.ties + duel.losses
    parts, start = [], 0.0
    for css, number in (("won", duel.wins), ("tied", duel.ties), ("lost", duel.losses)):
        width = 100 * number / total if total else 0.0
        parts.append(Markup('<rect class="{}" x="{:.2f}" width="{:.2f}" height="10"/>').format(css, start, width))
        start += width
    return stretched(10, Markup("").join(parts))


def quality(sieved: Sieved) -> Markup | None:
    """How many examples have which quality score, kept below and removed on top; from the lowest score there is to 1."""
    kept, removed = sieved.kept.histogram, sieved.removed.histogram
    counts = [a + b for a, b in zip(kept, removed, strict=True)]
    if not any(counts):
        return None
    first = next(i for i, count in enumerate(counts) if count)
    bins = len(counts)
    frame = Frame(460, 200, first / bins, 1, 0, max(counts) * 1.05, left=52)
    gap = 2 if bins - first <= 20 else 1
    width = frame.x((first + 1) / bins) - frame.x(first / bins) - gap
    parts = [grid(frame, x_about=5)]
    for index in range(first, bins):
        x, stay = frame.x(index / bins) + gap / 2, kept[index]
        parts += [_column(frame, css, x, width, low, high) for css, low, high in (("kept", 0, stay), ("removed", stay, counts[index]))]
    spoken = f"Histogram of the quality score from {first / bins:g} to 1: {sum(kept)} examples kept, {sum(removed)} removed."
    return svg(460, 200, "", spoken, Markup("").join(parts))


def _column(frame: Frame, css: str, x: float, width: float, low: float, high: float) -> Markup:
    top = frame.y(high)
    return Markup('<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="{:.1f}"/>').format(css, x, top, width, frame.y(low) - top)
