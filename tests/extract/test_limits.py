"""Cutting answers at whole paragraphs, and the checks of their form."""

from __future__ import annotations

import pytest

from gradus.extract.limits import cut, fault_of, first_sentence, pieces_of, without_dangling
from gradus.extract.unwrap import unwrap

ANSWER = "One sentence. Another one.\n\nA list:\n\n- first\n- second\n  with more\n- third\n- fourth\n\n```python\na = 1\n\nb = 2\n```\n\nThe end."


@pytest.mark.parametrize("limit", range(1, len(ANSWER) + 5))
def test_every_cut_is_whole(limit: int) -> None:
    short = cut(ANSWER, limit)
    assert len(short) <= limit
    assert ANSWER.startswith(short)
    assert short.count("```") % 2 == 0
    assert not short.endswith((":", "- ", "\n"))
    assert fault_of(short) == ""


def test_cuts_keep_as_much_as_is_whole() -> None:
    assert cut(ANSWER, len(ANSWER)) == ANSWER
    assert cut(ANSWER, ANSWER.index("```") + 9).endswith("- fourth")
    assert cut(ANSWER, 60) == "One sentence. Another one.", "two items of a list of four are not worth keeping"
    assert cut(ANSWER, 20) == "One sentence."
    assert cut("```python\n" + "x = 1\n" * 50 + "```", 100) == ""
    assert cut("word " * 50, 100) == ""


def test_pieces_join_to_the_whole() -> None:
    assert "".join(pieces_of(ANSWER)) == ANSWER
    assert [piece.strip() for piece in pieces_of(ANSWER)][-2] == "```python\na = 1\n\nb = 2\n```"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Return it. Then go.", "Return it."),
        ("Take e.g. the first. Then go.", "Take e.g. the first."),
        ("Use `a. B` here. Then go.", "Use `a. B` here."),
        ("Version 1.2 is out! Yes.", "Version 1.2 is out!"),
        ("No end", "No end"),
    ],
)
def test_first_sentences(text: str, expected: str) -> None:
    assert first_sentence(text) == expected


def test_announcements_at_the_end_go() -> None:
    assert without_dangling("Text.\n\n**Example**\n\n### Title\n\nLike this:") == "Text."
    assert without_dangling("Text.\n\n```text\nkey:\n```") == "Text.\n\n```text\nkey:\n```"


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("Fine `code` and **bold**.\n\n```python\n`x\n```", ""),
        ("```python\nx = 1", "a code fence is not closed"),
        ("See :func:`foo` for it.", "markup that was not understood"),
        ("This is a `broken span.", "a code span or emphasis is not closed"),
        ("This is **half bold.", "a code span or emphasis is not closed"),
        ("List of things:\n\n- \n- b", "an empty list item"),
        ("norm det trace rank solve invert", "a list of names without a sentence"),
        ("The sum is\n\n   a\n-------- times b", "a drawing made of characters"),
    ],
)
def test_faults(answer: str, fault: str) -> None:
    assert fault_of(answer) == fault


def test_unwrapping_joins_paragraphs_and_nothing_else() -> None:
    text = (
        "A line\nand more\n\n- item\n  goes on\n- next\n\n```\na\nb\n```\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n"
        "hard  \nbreak\n\n    code\n    more\n\n> quote\n> two\n\n# Title\ntext"
    )
    assert unwrap(text) == (
        "A line and more\n\n- item goes on\n- next\n\n```\na\nb\n```\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n"
        "hard  \nbreak\n\n    code\n    more\n\n> quote\n> two\n\n# Title\ntext"
    )
