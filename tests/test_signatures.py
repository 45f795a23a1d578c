"""gradus.signatures: argument lists are split where their arguments end."""

from __future__ import annotations

import pytest

from gradus.signatures import split_arguments


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("a", ["a"]),
        ("a: dict[str, int], b=(1, 2), /", ["a: dict[str, int]", "b=(1, 2)", "/"]),
        ("sep=', ', end=\"a, b\", x=')'", ["sep=', '", 'end="a, b"', "x=')'"]),
        (r"quote='\', ', b", [r"quote='\', '", "b"]),
        ("f=<function f>, it's, b", ["f=<function f>", "it's", "b"]),
    ],
)
def test_arguments_end_at_outer_commas(text: str, parts: list[str]) -> None:
    assert split_arguments(text) == parts
