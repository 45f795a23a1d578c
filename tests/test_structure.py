"""Markdown structure is read from the parse tree, whatever the text."""

from __future__ import annotations

import time

import pytest

from gradus.structure import STRUCTURES, parse, structures


def test_it_counts_what_a_reader_sees() -> None:
    text = "# Title\n\n**Returns** the sum, and __also__ more.\n\n1. one\n2. two\n   - inner\n\n"
    text += "| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nx = 1\n```\n\n~~~\ny\n~~~\n"
    found = parse(text)
    assert (found.bold, found.items, found.headings, found.tables) == (2, 3, 1, 1)
    assert (found.fences, found.named_fences, found.open_fences) == (2, 1, 0)
    assert "Returns the sum, and also more." in found.text
    assert "**" not in found.text
    assert found.code == ("x = 1\n", "y\n")


def test_structures_without_content_are_none() -> None:
    found = parse("# \n\n- \n-\n\n** **\n\n****\n\n```\n```\n")
    assert (found.bold, found.items, found.headings, found.fences) == (0, 0, 0, 0)


def test_marks_inside_code_are_code() -> None:
    found = parse("```\n**no** \n# no\n- no\n```\n\n`**no**`")
    assert (found.bold, found.items, found.headings) == (0, 0, 0)
    assert found.code == ("**no** \n# no\n- no\n", "**no**")


@pytest.mark.parametrize(
    ("text", "open_fences"),
    [
        ("```python\nx\n```", 0),
        ("```python\nx", 1),
        ("```python\nx\n", 1),
        ("```python\nx\n\n\n", 1),
        ("```\na\n```\ntext\n```", 1),
        ("````\n```\n````", 0),
        ("````\n```\n", 1),
        ("- ```\n  x\n  ```\n- y", 0),
        ("- ```\n  x\n- y", 1),
        ("> ```\n> x\n\ny", 1),
        ("```", 1),
        ("no fence", 0),
    ],
)
def test_it_knows_an_unclosed_fence(text: str, open_fences: int) -> None:
    assert parse(text).open_fences == open_fences


def test_html_is_text() -> None:
    found = parse("<script>alert(1)</script>\n\n<b>no</b>")
    assert found.bold == 0
    assert "<script>alert(1)</script>" in found.text


LONG = ["#" * 100_000, "*" * 100_000, "[" * 20_000, "> " * 20_000, "`" * 50_001, "- " * 5_000, "|" * 20_000]


@pytest.mark.parametrize("text", [*LONG, "a\x00b", "\ud800"])
def test_hostile_text_is_read_fast(text: str) -> None:
    start = time.perf_counter()
    found = parse(text)
    assert time.perf_counter() - start < 5
    assert found.headings == 0
    assert found.visible <= len(text)


def test_nothing_has_no_structure() -> None:
    found = parse(" \n\t\n")
    assert (found.text.strip(), found.visible, found.code) == ("", 0, ())


def test_which_structures_there_are() -> None:
    assert structures("# Title\n\n**bold**\n\n- item\n\n| a |\n|---|\n| 1 |\n\n```\nx\n```\n") == set(STRUCTURES)
    assert structures("# \n\n- \n\n```\n```\n\n****") == set()
    assert structures("plain") == set()
