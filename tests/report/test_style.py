"""The style sheet: colours of text stand out from every ground they are put on, in both themes."""

from __future__ import annotations

import re
from itertools import product

import pytest

from gradus.report.render import TEMPLATES

STYLE = (TEMPLATES / "style.css").read_text(encoding="utf-8")
LIGHT, DARK, PRINT = (
    dict(re.findall(r"--([\w-]+): (#\w+)", part))
    for part in (STYLE.split("@media")[0], STYLE.split("prefers-color-scheme: dark")[1].split("}")[0], STYLE.split("@media print")[1].split("}")[0])
)
TEXT = ("ink", "soft", "tuned", "good", "bad")
GROUNDS = ("page", "card", "track", "mark")


def luminance(colour: str) -> float:
    """Relative luminance after WCAG 2.2."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    red, green, blue = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_is_21() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", [LIGHT, DARK, PRINT], ids=["light", "dark", "print"])
def test_text_stands_out_from_its_ground(theme: dict[str, str]) -> None:
    pairs = [
        *product(TEXT[1:], GROUNDS[:3]),
        *product(("ink",), GROUNDS),
        ("warn-ink", "warn-page"),
        ("card", "tuned"),
        ("soft", "band-a"),
        ("soft", "band-b"),
    ]
    weak = {(text, ground): round(contrast(theme[text], theme[ground]), 2) for text, ground in pairs if contrast(theme[text], theme[ground]) < 4.5}
    assert weak == {}


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_focus_ring_and_the_bars_can_be_seen(theme: dict[str, str]) -> None:
    pairs = [("focus", "page"), ("focus", "card"), ("base", "page"), ("base", "card"), ("tuned", "track"), ("target", "track")]
    assert {pair for pair in pairs if contrast(theme[pair[0]], theme[pair[1]]) < 3} == set()


def test_every_theme_sets_every_colour() -> None:
    assert LIGHT.keys() == DARK.keys()
    assert LIGHT.keys() - PRINT.keys() == {"focus"}


def test_who_wants_little_motion_gets_none() -> None:
    assert "prefers-reduced-motion: reduce" in STYLE
    assert ":focus-visible" in STYLE
    assert "animation" not in STYLE


def test_a_long_name_takes_no_room_from_the_numbers_beside_it() -> None:
    assert "th[scope=row] { overflow-wrap: anywhere; }" in STYLE


def test_the_footer_takes_no_printed_page_of_its_own() -> None:
    assert "break-before: avoid" in STYLE.split("@media print")[1]
