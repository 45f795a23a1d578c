"""Markdown blocks: what all readers of documents make and what answers are put together from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["paragraph", "item", "code", "table", "heading", "list", "html", "quote"]


@dataclass(frozen=True)
class Block:
    """One Markdown block and the span of the source it was made from. A list is a run of `item` blocks, or one `list`."""

    kind: Kind
    text: str
    start: int
    end: int
    level: int = 0
    """Of a heading: 1 to 6, in a docstring 1 for the first underline style met; 7 is a paragraph of bold text only."""


def join(blocks: list[Block]) -> str:
    """Markdown of blocks: items of one list stand close, neighbouring code of one language shares a fence."""
    text = ""
    previous: Block | None = None
    for block in blocks:
        if previous is None:
            text = block.text
        elif _same_list(previous, block):
            text += "\n" + block.text
        elif _same_code(previous, block):
            fence = block.text[: -len(block.text.lstrip("`"))]
            text = text.removesuffix(fence) + "\n" + block.text.partition("\n")[2]
        else:
            text += "\n\n" + block.text
        previous = block
    return text


def _same_list(a: Block, b: Block) -> bool:
    return a.kind == b.kind == "item" and a.text[0].isdigit() == b.text[0].isdigit()


def _same_code(a: Block, b: Block) -> bool:
    return a.kind == b.kind == "code" and a.text.partition("\n")[0] == b.text.partition("\n")[0] and a.text.startswith("```")


def item(blocks: list[Block], marker: str = "- ", head: str = "") -> str:
    """A list item: `head` and the first block beside the marker, the other blocks indented below."""
    pad = " " * len(marker)
    if blocks and blocks[0].kind != "paragraph" and head:
        head = head.rstrip() + "\n\n"
    lines = (head + join(blocks)).rstrip().split("\n")
    return marker + "\n".join(pad + line if line and number else line for number, line in enumerate(lines))
