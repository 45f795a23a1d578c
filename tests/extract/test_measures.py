"""Grounding: a number keeps the word after it, and a part what it is made of."""

from __future__ import annotations

import pytest

from gradus.config import load_config
from gradus.extract.grounding.evidence import Evidence
from gradus.extract.grounding.support import judge

GROUNDING = load_config().extract.teach.grounding
PUMP = """The filter is changed every 500 hours. Let the pump idle for a few minutes before the start, and check it 3 times a day.

The casing is of bronze, the impeller of cast iron, and the shaft of steel. The seal is made of rubber.

| part | hours |
| --- | --- |
| belt | 800 |
"""


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("The filter is changed every 500 hours.", True),
        ("The filter is changed every 500 operating hours.", True),
        ("The filter is changed every 500 minutes.", False),
        ("The pump is checked 3 hours a day.", False),
        ("The belt: 800 hours.", True),
        ("The impeller is of cast iron and the casing of bronze.", True),
        ("The casing is of cast iron, the impeller of bronze.", False),
        ("The shaft is of cast iron, and the casing is of bronze.", False),
    ],
)
def test_a_number_keeps_its_measure_and_a_part_its_matter(answer: str, kept: bool) -> None:
    assert ((judge(answer, Evidence(PUMP), GROUNDING).score or 0.0) >= GROUNDING.minimum) == kept


def test_an_announcement_counts_what_follows_and_no_measure() -> None:
    announcement = "The pump has 500 parts that matter for its filter:"
    told = PUMP + "\nIt has 40 parts.\n"
    assert "500 parts" in judge(announcement.replace(":", "."), Evidence(told), GROUNDING).reason
    assert "500 parts" not in judge(announcement, Evidence(told), GROUNDING).reason
