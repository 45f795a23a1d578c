"""gradus.code_spans: what is inline code, and that no text takes long."""

from __future__ import annotations

import random
import re

import pytest

from gradus.code_spans import code_spans, inside_spans, without_spans

# As CommonMark says it, for small texts: any run is closed by the next one of its length, in its paragraph.
REFERENCE = re.compile(r"(?<!`)(`+)(?!`)((?:(?!\n\s*\n)[^`]|(?!\1(?!`))(?<!`)`+(?!`))+?)(?<!`)\1(?!`)")


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("a ``b`c`` d `e` f", ["b`c", "e"]),
        ("an open ` stays", []),
        ("`one\nparagraph` and `two\n \nof them`", ["one\nparagraph"]),
        ("`a`b`c`", ["a", "c"]),
        ("``a`", []),
    ],
)
def test_spans(text: str, inside: list[str]) -> None:
    assert inside_spans(text) == inside


def test_what_is_left_has_a_space_for_each() -> None:
    assert without_spans("a ``b`c`` d `e` f") == "a   d   f"
    assert without_spans("an open ` stays") == "an open ` stays"


def test_a_fenced_block_is_a_span_across_blank_lines() -> None:
    text = "See:\n\n```python\nx = 1\n\ny = `2`\n```\nDone."
    assert inside_spans(text, across_blank_lines=True) == ["python\nx = 1\n\ny = `2`\n"]
    assert inside_spans(text) == ["2"]


def test_random_texts_are_read_as_the_reference_reads_them() -> None:
    draw = random.Random(3)
    for _ in range(3000):
        text = "".join(draw.choices(["`", "``", "a", " ", "\n", "b\n"], k=draw.randint(0, 16)))
        assert list(code_spans(text)) == [match.span() for match in REFERENCE.finditer(text)], repr(text)


@pytest.mark.parametrize("text", ["Use `x and then " + "`" * 5000 + " here.", "".join("`" * length + "a" for length in range(300))])
def test_stray_backticks_cost_no_time(text: str) -> None:
    """With a regular expression 24 of them took seconds, and each further one twice as long."""
    assert list(code_spans(text)) == []
