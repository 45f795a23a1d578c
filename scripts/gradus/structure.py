"""Which Markdown structures a text has, read by a CommonMark parser."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

STRUCTURES = ("bold", "lists", "headings", "tables", "code")
_TOKENS = {
    "strong_open": "bold",
    "bullet_list_open": "lists",
    "ordered_list_open": "lists",
    "heading_open": "headings",
    "table_open": "tables",
    "fence": "code",
}


@cache
def parser() -> MarkdownIt:
    """CommonMark with tables; building it costs a millisecond, so one serves all."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def structures(text: str) -> set[str]:
    """The names of `STRUCTURES` that occur in `text`; `code` is a fenced block."""
    found = set()
    for token in parser().parse(text):
        for inner in (token, *(token.children or ())):
            if name := _TOKENS.get(inner.type):
                found.add(name)
    return found
