"""Drawings: well-formed, in their frame, honest about what is missing."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from gradus.report.drawing import bars, spread, ticks
from gradus.report.plots import describe_curve, duel_bar, grade_scale, loss_curve, quality
from gradus.report.upstream import Best, Distribution, LossCurve, Sieved

if TYPE_CHECKING:
    from tests.report.conftest import Case

LABEL_PIXELS = 13
CURVE = LossCurve([(10, 3.0), (100, 2.0)], [(0, 3.1), (50, 2.2), (100, 2.4)], Best(50, 2.2))


def drawings(markup: str | None) -> list[ET.Element]:
    assert markup is not None
    return list(ET.fromstring(f"<all>{markup}</all>"))  # noqa: S314  our own drawing


def of_class(svg: ET.Element, name: str) -> list[ET.Element]:
    return [node for node in svg.iter() if name in node.get("class", "").split()]


def test_the_loss_curve_is_drawn_for_wide_and_narrow_with_its_best_point_marked() -> None:
    wide, narrow = drawings(loss_curve(CURVE))
    for svg in (wide, narrow):
        width, height = (float(x) for x in svg.get("viewBox", "").split()[2:])
        (best,) = of_class(svg, "best")
        (valid,) = of_class(svg, "valid")
        points = [tuple(float(x) for x in pair.split(",")) for pair in valid.get("points", "").split()]
        assert (float(best.get("cx", "")), float(best.get("cy", ""))) == points[1]
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
        assert points[1][1] > points[2][1], "a lower loss stands lower in the picture"
        assert "best 2.200 at 50" in "".join(svg.itertext())


def test_those_who_cannot_see_it_are_told() -> None:
    wide, _ = drawings(loss_curve(CURVE))
    assert wide.get("role") == "img"
    assert wide.get("aria-label") == describe_curve(CURVE)
    assert "lowest validation loss 2.200 at iteration 50" in describe_curve(CURVE)


@pytest.mark.parametrize(
    "curve",
    [LossCurve([(1, 2.0)], []), LossCurve([], [(0, 2.0)], Best(0, 2.0)), LossCurve([(1, 0.0), (2, 0.0)], []), LossCurve([(1, 5e6), (2, 1e-3)], [])],
)
def test_one_point_no_validation_and_flat_losses_are_drawn_too(curve: LossCurve) -> None:
    assert len(drawings(loss_curve(curve))) == 2


def test_without_points_there_is_no_plot() -> None:
    assert loss_curve(LossCurve([], [])) is None
    assert quality(Sieved(Distribution(None, [0, 0]), Distribution(None, [0, 0]))) is None


@pytest.mark.parametrize(("low", "high"), [(0, 400), (1.9, 3.6), (0, 7), (0.001, 0.0011), (0, 5e6)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    found = ticks(low, high, 5)
    assert 2 <= len(found) <= 7
    assert all(low <= tick <= high for tick in found)
    steps = {round(b - a, 9) for a, b in pairwise(found)}
    assert len(steps) == 1


def test_the_grade_scale_has_every_letter_and_marks_ours(case: Case) -> None:
    wide, _ = drawings(grade_scale(case.evaluation))
    assert [node.text for node in of_class(wide, "letter")] == ["F", "C", "B", "A"]
    assert len(of_class(wide, "band")) == 4
    (point,) = of_class(wide, "tuned")[1:]
    (band,) = of_class(wide, "band")[2:3]
    assert "mine" in band.get("class", "")
    start = float(band.get("x", ""))
    assert start < float(point.get("cx", "")) < start + float(band.get("width", ""))


def test_the_labels_of_the_grade_scale_stand_clear_of_their_points(case: Case) -> None:
    for svg in drawings(grade_scale(case.evaluation)):
        labels, points = of_class(svg, "label"), of_class(svg, "point")
        for label, point in zip(labels, points, strict=True):
            baseline, centre, radius = (float(node.get(key, "")) for node, key in ((label, "y"), (point, "cy"), (point, "r")))
            below = baseline > centre
            gap = (baseline - LABEL_PIXELS) - (centre + radius) if below else (centre - radius) - baseline
            assert gap > 4
            assert baseline < float(svg.get("viewBox", "").split()[3])


def test_bars_stay_on_their_track_and_leave_out_what_was_not_measured() -> None:
    (svg,) = drawings(bars(1.7, None, 0.5))
    assert [float(node.get("width", "")) for node in of_class(svg, "base")] == [100.0]
    assert of_class(svg, "tuned") == []
    assert of_class(svg, "target")[0].get("x1") == "50.00"
    assert svg.get("aria-hidden") == "true"


def test_the_duel_is_drawn_to_scale(case: Case) -> None:
    (svg,) = drawings(duel_bar(replace(case.evaluation.comparison, wins=3, ties=0, losses=1)))
    assert [float(of_class(svg, name)[0].get("width", "")) for name in ("won", "tied", "lost")] == [75.0, 0.0, 25.0]


def test_the_histogram_counts_kept_and_removed() -> None:
    (svg,) = drawings(quality(Sieved(Distribution(0.9, [0, 0, 1, 9]), Distribution(0.5, [0, 3, 1, 0]))))
    assert "13 examples" not in (svg.get("aria-label") or "")
    assert "10 examples kept, 4 removed" in (svg.get("aria-label") or "")
    heights = [float(node.get("height", "")) for node in of_class(svg, "kept")]
    assert heights[2] > heights[1] > heights[0] == 0


def test_a_spread_shows_kept_above_and_removed_below_the_line() -> None:
    (drawing,) = drawings(spread([0, 4], [1, 0]))
    rects = [(rect.get("class"), rect.get("y"), rect.get("height")) for rect in drawing.iter("rect")]
    assert rects == [("kept", "1.00", "13.00"), ("removed", "14.00", "13.00")]
    assert "rect" not in spread([], [])
