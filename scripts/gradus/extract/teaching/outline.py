"""The outline of a text: its sections as a tree, and the places where it may be cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gradus.extract.grounding.sentences import sentence_starts
from gradus.structure import block_parser

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"---[ \t]*\n.*?\n---[ \t]*(?:\n|$)", re.DOTALL)
_SOLID = {"fence", "code_block", "table_open", "html_block"}
_BREAK = re.compile(r"\r\n?|\n")
_PARAGRAPH_GAP = re.compile(r"\n[ \t]*\n\s*")


@dataclass
class Section:
    """A heading with everything below it, as offsets into the text; the root has level 0 and no title."""

    level: int
    title: str
    start: int
    body: int
    """Where the text below the heading begins."""
    end: int = 0
    children: list[Section] = field(default_factory=list)

    @property
    def body_end(self) -> int:
        """Where the first subsection begins, or the section ends."""
        return self.children[0].start if self.children else self.end


@dataclass(frozen=True)
class Outline:
    """`root` covers the whole text; `blocks` and `sentences` are sorted offsets at which a chunk may begin.

    `solid` are the ranges of code, tables and HTML blocks, which must stay whole: no offset lies inside of one.
    """

    root: Section
    blocks: list[int]
    sentences: list[int]
    solid: list[tuple[int, int]]


def outline_of_text(text: str) -> Outline:
    """The outline of plain text: no sections, blocks are what blank lines separate."""
    blocks = [0, *(match.end() for match in _PARAGRAPH_GAP.finditer(text))]
    ends = [*blocks[1:], len(text)]
    sentences = [start + at for start, end in zip(blocks, ends, strict=True) for at in sentence_starts(text[start:end])]
    return Outline(Section(0, "", 0, 0, len(text)), blocks, sentences, [])


def outline_of_markdown(text: str) -> Outline:
    """The outline of Markdown; front matter is left out of the headings, not of the text."""
    front = _FRONT_MATTER.match(text)
    shift = front.end() if front else 0
    lines = [shift, *(shift + match.end() for match in _BREAK.finditer(text[shift:]))]
    tokens = block_parser().parse(text[shift:])
    blocks: set[int] = {0, shift}
    sentences: list[int] = []
    solid: list[tuple[int, int]] = []
    for token in _outside_tables(tokens):
        start, end = (_offset(lines, at, len(text)) for at in token.map or (0, 0))
        if token.type == "inline":
            sentences += [start + at for at in sentence_starts(text[start:end])]
        elif token.level == 0 or token.type == "list_item_open":
            blocks.add(start)
        if token.type in _SOLID:
            solid.append((start, end))
    return Outline(_tree(tokens, lines, len(text)), sorted(blocks), sorted(set(sentences) - blocks), solid)


def _offset(lines: list[int], number: int, length: int) -> int:
    return lines[number] if number < len(lines) else length


def _outside_tables(tokens: list[Token]) -> Iterator[Token]:
    """The tokens with a place, without the rows and cells of tables and the text of headings."""
    inside = False
    for number, token in enumerate(tokens):
        if not inside and token.map and not (number and tokens[number - 1].type == "heading_open"):
            yield token
        inside = token.type == "table_open" or inside and token.type != "table_close"


def _tree(tokens: list[Token], lines: list[int], length: int) -> Section:
    root = Section(0, "", 0, 0)
    path = [root]
    for number, token in enumerate(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map:
            start, body = (_offset(lines, at, length) for at in token.map)
            section = Section(int(token.tag[1]), tokens[number + 1].content.strip(), start, body)
            while path[-1].level >= section.level:
                path.pop().end = start
            path[-1].children.append(section)
            path.append(section)
    for section in path:
        section.end = length
    return root
