"""What belongs to no answer is told in time that grows with the text, also where it nearly looks like that."""

from __future__ import annotations

import time

import pytest

from gradus.extract.block import Block
from gradus.extract.furniture import without_furniture

BADGES = "![build](https://a.example/b.svg)\n" * 200


def reason(text: str) -> str:
    _, drops = without_furniture([Block("paragraph", text, 0, len(text))])
    return drops[0].reason if drops else ""


@pytest.mark.parametrize(
    ("text", "furniture"),
    [
        (BADGES, "a badge or picture"),
        ("[![build](b.svg)](https://a.example) ![more](c.svg)", "a badge or picture"),
        (BADGES + "Text below them.", ""),
        ("Lamp   »   Bulb   »   Base", "navigation"),
        ("a   »   " * 14 + "a: b", ""),
        ("home   /   " + "a   /   " * 13 + "a: b", ""),
    ],
    ids=range(6),
)
def test_it_is_told_at_once(text: str, furniture: str) -> None:
    start = time.process_time()
    assert reason(text) == furniture
    assert time.process_time() - start < 0.5
