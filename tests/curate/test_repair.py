"""Prose is mended, code is not touched."""

from __future__ import annotations

import pytest

from gradus.curate.repair import repair, repair_example
from gradus.records import Message

from .conftest import Make


@pytest.mark.parametrize(
    ("damaged", "mended", "names"),
    [
        ("The cafÃ© is openâ€™s sign.", "The café is open’s sign.", {"mojibake"}),
        ("zero\u200bwidth\ufeff and \x00null\x07", "zerowidth and null", {"control characters"}),
        ("\x1b[31mred\x1b[0m", "red", {"control characters"}),
        ("a\u00a0b\u2009c\r\nd", "a b c\nd", {"white space"}),
        ("one\n\n\n\ntwo \nthree  \nfour", "one\n\ntwo\nthree  \nfour", {"white space"}),
        ("  clean\n\ntext with `code`  ", "clean\n\ntext with `code`", set()),
        ("naïve “quotes” ﬁne ﬁ &amp; ＡＢ 日本語 👩‍💻", "naïve “quotes” ﬁne ﬁ &amp; ＡＢ 日本語 👩‍💻", set()),
    ],
)
def test_prose_is_mended(damaged: str, mended: str, names: set[str]) -> None:
    assert repair(damaged) == (mended, frozenset(names))


CODE = "```python\nx = 'cafÃ©'\u00a0\x00 \n\n\n\n# \u200b\r\n```"


def test_code_is_left_byte_for_byte() -> None:
    text, names = repair(f"Damaged cafÃ©:\n\n{CODE}\n\nand `Ã© \u00a0` inline.")
    assert text == f"Damaged café:\n\n{CODE}\n\nand `Ã© \u00a0` inline."
    assert names == {"mojibake"}


def test_an_open_fence_is_code_to_the_end() -> None:
    assert repair("a\u00a0b\n```\nc\u00a0d")[0] == "a b\n```\nc\u00a0d"


def test_question_answer_and_turns_are_mended(make: Make) -> None:
    example = make("What is a\u00a0cafÃ©?", "A\u200b place.", context=(Message("user", "Hi\x07"),))
    mended, names = repair_example(example)
    assert (mended.question, mended.answer, mended.context[0].content) == ("What is a café?", "A place.", "Hi")
    assert names == {"white space", "mojibake", "control characters"}
    assert (mended.id, mended.span) == (example.id, example.span)
