"""Word differences: nothing of the text is lost, and what is marked differs."""

from __future__ import annotations

import pytest

from gradus.report.marks import mark


def marked(text: str, reference: str | None) -> list[str]:
    return [run.text for run in mark(text, reference, None) if run.from_reference]


@pytest.mark.parametrize("text", ["", "  ", "one two", "\n```py\nx = 1\n```\n", "<b>&amp;</b>", "naïve 東京\u202e x", "a" * 5000])
@pytest.mark.parametrize("other", ["", "one three", "```", None])
def test_the_runs_joined_are_the_text(text: str, other: str | None) -> None:
    assert "".join(run.text for run in mark(text, other, other)) == text


def test_only_what_differs_is_marked() -> None:
    assert marked("the sum of both", "the sum of all") == ["both"]
    assert marked("the sum", "the sum of all") == []
    assert marked("one and two here", "here") == ["one and two"]


def test_the_indentation_between_marked_lines_is_not_marked() -> None:
    assert marked("one\n    two", "") == ["one", "two"]


def test_order_counts() -> None:
    assert marked("b a", "a b") in (["b"], ["a"])


def test_nothing_to_compare_with_marks_nothing_and_an_empty_other_marks_every_word() -> None:
    assert marked("one two", None) == []
    assert marked("one two", "") == ["one two"]


def test_both_comparisons_are_kept_apart() -> None:
    runs = mark("left right", "left", "right")
    assert [(run.text, run.from_reference, run.from_other) for run in runs] == [("left", False, True), (" ", False, False), ("right", True, False)]
