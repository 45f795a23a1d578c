"""Fenced code is found line by line, as CommonMark 4.5 has it."""

from __future__ import annotations

import pytest

from gradus.fences import OPEN, fence_marks, fenced, fenced_lines

LINES = ["a", "````", "```", "~~~~", "````x", "  `````\t", "b", "```js `c`", "\t~~~ a `b`", "~~~"]
MARKS = ["text", "opens", "inside", "inside", "inside", "closes", "text", "text", "opens", "closes"]


def test_a_fence_ends_at_one_of_its_own_kind_that_is_as_long_and_stands_alone() -> None:
    assert list(fence_marks(LINES)) == MARKS
    assert fenced_lines(LINES) == [mark != "text" for mark in MARKS]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_change_nothing(end: str) -> None:
    assert list(fence_marks(line + end for line in LINES)) == MARKS


def test_two_blocks_without_a_line_between_them_are_told_apart() -> None:
    assert list(fence_marks(["```", "a", "```", "```", "b", "```"])) == ["opens", "inside", "closes"] * 2


@pytest.mark.parametrize(("lines", "is_open"), [(["```"], True), (["```", "a"], True), (["```", "```"], False), (["a"], False)])
def test_the_last_mark_says_whether_a_fence_is_left_open(lines: list[str], is_open: bool) -> None:
    *_, last = fence_marks(lines)
    assert (last in OPEN) == is_open


@pytest.mark.parametrize("line", ["``", "`` `", "```a` b", "> ```"])
def test_what_opens_no_fence(line: str) -> None:
    assert fenced_lines([line, "a"]) == [False, False]


@pytest.mark.parametrize("indentation", ["    ", "\t", "\u00a0", "\u3000"])
def test_any_indentation_is_accepted(indentation: str) -> None:
    assert fenced_lines([f"{indentation}~~~", "a", f"{indentation}~~~", "b"]) == [True, True, True, False]


@pytest.mark.parametrize(("text", "fence"), [("a\n\n", "```"), ("``", "```"), ("```\na\n```", "````"), ("b `````", "``````")])
def test_a_written_fence_holds_any_text_byte_for_byte(text: str, fence: str) -> None:
    written = fenced(text, "python")
    assert written == f"{fence}python\n{text}\n{fence}"
    assert list(fence_marks(written.split("\n")))[-1] == "closes"
    assert set(list(fence_marks(written.split("\n")))[1:-1]) == {"inside"}
