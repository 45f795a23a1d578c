"""Takes a Markdown answer apart, since rules made for web prose misfire on code, tables and headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gradus.code_spans import inside_spans, without_spans
from gradus.fences import OPEN, Mark, fence_marks

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_HEADING = re.compile(r"^ {0,3}#{1,6}(?:\s|$)")
_LABEL = re.compile(r"^\s*\*\*[^*]*[^*.!?。]\*\*:?\s*$")  # a bold sentence is no label
_ITEM = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)])\s+(?=\S)")
_BOLD = re.compile(r"\*\*(?=\S)[^*\n]+(?<=\S)\*\*")


@dataclass(frozen=True)
class Segment:
    """A stretch of the text: a fenced block with its fences, or what stands between two of them."""

    text: str
    code: bool
    closed: bool = True


@dataclass(frozen=True)
class Anatomy:
    """The parts of an answer."""

    text: str
    paragraphs: tuple[str, ...]
    """Blocks of running text, without headings, tables, code blocks and inline code."""
    items: tuple[str, ...]
    """List items, likewise."""
    inline_code: tuple[str, ...]
    code_blocks: tuple[str, ...]
    tables: tuple[tuple[str, ...], ...]
    headings: int
    """Headings, and lines that are nothing but a bold label."""
    bold: int
    open_fence: bool
    empty_sections: int
    """Headings and labels that nothing follows before the next one or the end."""
    last_line: str
    """The last line that is not empty; '' when the text ends with a code block or a table."""

    @property
    def prose(self) -> str:
        """All paragraphs and list items."""
        return "\n\n".join(self.paragraphs + self.items)

    @property
    def structured(self) -> bool:
        """Whether anything but plain paragraphs helps the reader."""
        return bool(self.headings or self.bold or self.items or self.code_blocks or self.tables)


def segments(text: str) -> Iterator[Segment]:
    """Split at code fences (CommonMark 4.5, any indentation); the parts put together are the text again."""
    part: list[str] = []
    mark: Mark = "text"
    lines = _LINE.findall(text)
    for line, mark in zip(lines, fence_marks(lines), strict=True):
        if mark == "opens" and part:
            yield Segment("".join(part), code=False)
            part = []
        part.append(line)
        if mark == "closes":
            yield Segment("".join(part), code=True)
            part = []
    if part:
        yield Segment("".join(part), code=mark in OPEN, closed=mark not in OPEN)


def dissect(text: str) -> Anatomy:
    """Take a Markdown text apart."""
    parts = list(segments(text.strip()))
    blocks = tuple(part.text for part in parts if part.code)
    between = "".join("\n\n" if part.code else part.text for part in parts)
    lines = [line for line in between.splitlines() if line.strip()]
    tables = tuple(_tables(between))
    prose = list(_prose_blocks(between))
    return Anatomy(
        text=text,
        paragraphs=tuple(block for block, in_list in prose if not in_list),
        items=tuple(block for block, in_list in prose if in_list),
        inline_code=tuple(inside_spans(between)),
        code_blocks=blocks,
        tables=tables,
        headings=sum(_is_title(line) for line in lines),
        bold=len(_BOLD.findall(between)),
        open_fence=any(not part.closed for part in parts),
        empty_sections=_empty_sections(parts),
        last_line="" if not lines or parts[-1].code or lines[-1].lstrip().startswith("|") else lines[-1].strip(),
    )


def _is_title(line: str) -> bool:
    return bool(_HEADING.match(line) or _LABEL.match(line))


def _tables(text: str) -> Iterator[tuple[str, ...]]:
    rows: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.lstrip().startswith("|"):
            rows.append(line.strip())
        elif rows:
            yield tuple(rows)
            rows = []


def _prose_blocks(text: str) -> Iterator[tuple[str, bool]]:
    """Paragraphs and list items in order, each with whether it is an item."""
    block: list[str] = []
    in_list = False
    for line in [*text.splitlines(), ""]:
        opens_item = bool(_ITEM.match(line))
        ends = not line.strip() or _is_title(line) or line.lstrip().startswith("|")
        if (ends or opens_item) and block:
            yield without_spans("\n".join(block)).strip(), in_list
            block = []
        if opens_item or not ends:
            in_list = opens_item if not block else in_list
            block.append(_ITEM.sub("", line).strip())


def _empty_sections(parts: list[Segment]) -> int:
    """Titles followed by another title of the same form or by nothing; a heading may open with a label or a subheading."""
    empty, open_title = 0, ""
    for part in parts:
        for line in ["code"] if part.code else part.text.splitlines():
            if _is_title(line):
                empty += bool(open_title) and _rank(line) <= _rank(open_title)
                open_title = line
            elif line.strip():
                open_title = ""
    return empty + bool(open_title)


def _rank(title: str) -> int:
    """Level of a heading, 7 for a bold label."""
    marks = len(title.strip()) - len(title.strip().lstrip("#"))
    return marks or 7
