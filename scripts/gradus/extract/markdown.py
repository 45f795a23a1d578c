"""A Markdown text as blocks that know their place in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gradus.extract.block import Block, Kind
from gradus.extract.code import language_of
from gradus.fences import fenced
from gradus.structure import parser

if TYPE_CHECKING:
    from markdown_it.token import Token

BOLD_LINE = 7
"""Level of a heading that is a paragraph of bold text only."""
_KINDS: dict[str, Kind] = {
    "paragraph_open": "paragraph",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "html_block": "html",
    "blockquote_open": "quote",
}
_BOLD = re.compile(r"(\*\*|__)((?:(?!\1).)+)\1")
_REFERENCE = re.compile(r"\[([^\[\]]+)\]\[([^\[\]]*)\]")
_FRONT_MATTER = re.compile(r"---\n(?:.*\n){0,60}?(?:---|\.\.\.)(?=\n|$)")


def without_front_matter(text: str) -> str:
    """The same text with its YAML front matter blanked out; every other character keeps its place."""
    match = _FRONT_MATTER.match(text)
    return blanked(text, 0, match.end()) if match else text


def blanked(text: str, start: int, end: int) -> str:
    """`text` with spaces in place of all characters of a range except line ends."""
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]


def blocks_of_markdown(text: str, offset: int = 0) -> list[Block]:
    """Top-level blocks in order; rules (`---`) and link targets give none. Code comes fenced, its content byte for byte.

    Args:
        offset: what to add to every position.
    """
    env: dict[str, Any] = {}
    tokens = parser().parse(text, env)
    starts = _line_starts(text)
    found = [_block(token, tokens[number + 1 : number + 2], text, starts) for number, token in enumerate(tokens) if token.level == 0 and token.map]
    shown = [_resolved(block, env.get("references", {})) for block in found if block is not None]
    return [replace(block, start=block.start + offset, end=block.end + offset) for block in shown]


def items_of(block: Block) -> Iterator[tuple[str, list[Block]]]:
    """Marker and blocks of every item of a list; the blocks are dedented by the width of the marker and carry the item's span."""
    lines, starts = block.text.split("\n"), _line_starts(block.text)
    depth = 0
    for token in parser().parse(block.text):
        if token.type == "list_item_open" and token.map and depth == 1:
            yield _item(lines[token.map[0] : token.map[1]], block, starts[token.map[0]])
        depth += token.nesting if token.type.endswith(("bullet_list_open", "ordered_list_open", "bullet_list_close", "ordered_list_close")) else 0


def _item(lines: list[str], block: Block, at: int) -> tuple[str, list[Block]]:
    match = re.match(r"\s*(?:[-*+]|\d+[.)])(?:\s+(?=\S)|\s*)", lines[0])
    marker = match[0] if match else ""
    width = len(marker)
    inner = [lines[0][width:], *(line[width:] if line[:width].isspace() else line.lstrip() for line in lines[1:])]
    start = block.start + at
    end = min(start + len("\n".join(lines).rstrip()), block.end)
    return marker.strip(), [replace(b, start=start, end=end) for b in blocks_of_markdown("\n".join(inner))]


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts


def _block(token: Token, following: list[Token], text: str, starts: list[int]) -> Block | None:
    assert token.map is not None
    start, end = starts[token.map[0]], min(starts[token.map[1]] - 1, len(text))
    source = text[start:end].rstrip()
    end = start + len(source)
    if token.type in ("fence", "code_block"):
        return _code(token, start, end)
    if token.type == "heading_open":
        level = int(token.tag[1])
        return Block("heading", f"{'#' * level} {following[0].content}", start, end, level) if following[0].content.strip() else None
    if token.type not in _KINDS or not source.strip():
        return None
    if (
        token.type == "paragraph_open"
        and (match := _BOLD.fullmatch(source.strip()))
        and not match[2].rstrip().endswith((":", ".", "?", "!", ",", ";"))
    ):
        return Block("heading", source.strip(), start, end, BOLD_LINE)
    kind = _KINDS[token.type]
    return Block(kind, source.strip() if kind == "paragraph" else source, start, end)


def _code(token: Token, start: int, end: int) -> Block | None:
    content = token.content.removesuffix("\n")
    language = token.info.split()[0].strip("{}.") if token.info.split() else language_of(content)
    return Block("code", fenced(content, language), start, end) if content.strip() else None


def _resolved(block: Block, references: dict[str, Any]) -> Block:
    """`[text][name]` with its target in place, for the line that defines it stays behind."""

    def target(match: re.Match[str]) -> str:
        known = references.get(" ".join((match[2] or match[1]).split()).upper())
        return f"[{match[1]}]({known['href']})" if known else match[0]

    return replace(block, text=_REFERENCE.sub(target, block.text)) if references and block.kind in ("paragraph", "list", "table") else block
