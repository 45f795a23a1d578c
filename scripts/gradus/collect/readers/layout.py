"""Lines with places and letter sizes to Markdown: what a page of print shows, as far as places and sizes tell it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

from gradus.collect.readers.printed import Line, Page, same_columns, table_markdown, table_rows, with_rows_joined

_EDGE_LINES = 2  # lines at the top and bottom of a page that may be its header or footer
_FEWEST_PAGES = 3  # on which a repeated line is no coincidence
_LONGEST_HEADING = 200  # characters; large print longer than that is a paragraph
_HYPHENS = "\x02\ufffe\xad"  # what pdfium and soft hyphenation leave at a line end
_BULLET = re.compile(r"(?:[•◦▪‣●○■–∙·*]|\uf0b7|-)(?:\s+|$)")
_NUMBER = re.compile(r"\(?(\d{1,3}|[a-z])[.)]\s+(?=\S)")
_DOT_LEADER = re.compile(r"(?:\. ?){6,}\s*\w*$")  # a line of a table of contents
_SENTENCE_END = (".", "!", "?", ":", ";", "”", '"')
# Factors of the letter size, or of the usual distance between base lines where that is said. Typesetting is rarely exact.
_SAME_SIZE = 0.06  # sizes that differ by less are one: superscripts and rounding move the size of a line a little
_NEXT_LINE, _WIDEST_LEADING = 1.3, 1.35  # farther below than this many usual distances and letter sizes starts a new paragraph
_SAME_MARGIN = 0.3  # left edges that differ by less are one; letters begin with a little white of different width
_INDENT = 0.8  # the first line of a paragraph stands in by an em or so
_SHORT_LINE = 8  # a line that ends so far before the right margin is the last of its paragraph; ragged lines miss a word only
_EMPTY_LINE = 1.5  # usual distances, between lines of code
_FIXED_WIDTH = 0.6  # width of a letter of fixed pitch: that of Courier, and nearly that of the others

Kind = Literal["heading", "code", "item", "table", "paragraph"]


@dataclass
class Block:
    """Lines that belong together."""

    kind: Kind
    lines: list[Line]


def markdown_of_pages(pages: Sequence[Page], heading_size: float, repeated: float) -> str:
    """Markdown of a document.

    Args:
        heading_size: a line is a heading when its letters are so many times as large as most letters.
        repeated: share of the pages with the same edge line from which on it is a page header or footer.
    """
    large = heading_size * _body_size(pages)
    pages = _without_repeated(pages, repeated, large)
    levels = _levels(pages, large)
    words = Counter(re.findall(r"[\w-]+", "\n".join(line.text for page in pages for line in page.lines).lower()))
    blocks = _across_pages([list(_blocks(page, levels)) for page in pages])
    text = ""
    for above, block in zip([None, *blocks], blocks, strict=False):
        near = above is not None and above.kind == block.kind == "item"
        text += ("\n" if near else "\n\n") + _markdown(block, levels, words)
    return text.strip("\n")


def _body_size(pages: Sequence[Page]) -> float:
    """The size that most letters have."""
    sizes = Counter[float]()
    for line in (line for page in pages for line in page.lines):
        sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _without_repeated(pages: Sequence[Page], share: float, large: float) -> list[Page]:
    """Pages without headers and footers. Those of left and right pages may differ, so these are counted apart as well."""
    repeated = [set[str]() for _ in pages]
    for first, step in ((0, 1), (0, 2), (1, 2)):
        chosen = range(first, len(pages), step)
        counts = Counter(shape for number in chosen for shape in {shape for line in _edges(pages[number], large) for shape in _shapes(line, number)})
        common = {shape for shape, count in counts.items() if count >= max(_FEWEST_PAGES, share * len(chosen))}
        for number in chosen:
            repeated[number] |= common
    return [_stripped(page, _edges(page, large), number, repeated[number]) for number, page in enumerate(pages)]


def _edges(page: Page, large: float) -> list[Line]:
    """The first and last lines of a page. Large print is none of them: a chapter may start with its number."""
    ordered = sorted((line for line in page.lines if line.size < large), key=lambda line: -line.bottom)
    return ordered[:_EDGE_LINES] + ordered[_EDGE_LINES:][-_EDGE_LINES:]


def _shapes(line: Line, page: int) -> set[str]:
    """What may be the same on other pages: the line with its numbers left open, and how far a number at its end or start is from the page's."""
    numbers = {int(number) for number in re.findall(r"^\d{1,4}\b|\b\d{1,4}$", line.text)}
    return {re.sub(r"\d+", "#", line.text), *(f"page number {number - page:+}" for number in numbers)}


def _stripped(page: Page, edges: list[Line], number: int, common: set[str]) -> Page:
    gone = {id(line) for line in edges if _shapes(line, number) & common}
    return Page([line for line in page.lines if id(line) not in gone and not _DOT_LEADER.search(line.text)])


def _levels(pages: Sequence[Page], smallest: float) -> dict[float, int]:
    """Heading level by letter size, the largest first."""
    large = {line.size for page in pages for line in page.lines if line.size >= smallest and re.search(r"\w\w", line.text)}
    return {size: min(level, 6) for level, size in enumerate(sorted(large, reverse=True), 1)}


def _kind(line: Line, levels: dict[float, int]) -> Kind:
    if line.size in levels and len(line.text) <= _LONGEST_HEADING:
        return "heading"
    if line.fixed and not line.text.startswith(("•", "◦", "▪")):
        return "code"
    return "item" if _BULLET.match(line.text) or _NUMBER.match(line.text) else "paragraph"


def _blocks(page: Page, levels: dict[float, int]) -> Iterator[Block]:
    """Consecutive lines joined into blocks."""
    lines = with_rows_joined(page.lines)
    rows = table_rows(lines)
    gaps = [above.bottom - below.bottom for above, below in pairwise(lines) if above.size == below.size and above.bottom > below.bottom]
    usual = median(gaps) if gaps else 0.0
    right = max((line.right for line in lines), default=0.0)
    block: Block | None = None
    for number, line in enumerate(lines):
        kind = _kind(line, levels)
        kind = "table" if number in rows and kind != "code" else kind
        if block is not None and _continues(block, line, kind, usual, right):
            block.lines.append(line)
        else:
            if block is not None:
                yield block
            block = Block(kind, [line])
    if block is not None:
        yield block


def _continues(block: Block, line: Line, kind: Kind, usual: float, right: float) -> bool:
    """Whether a line goes on with the block above it."""
    above = block.lines[-1]
    gap = above.bottom - line.bottom
    if block.kind == "code":
        return kind == "code" and gap >= 0
    if "table" in (block.kind, kind):
        return block.kind == kind and same_columns(above, line)
    same_size = abs(above.size - line.size) < _SAME_SIZE * above.size
    if not same_size or gap <= 0 or gap > max(_NEXT_LINE * usual, _WIDEST_LEADING * line.size):
        return False
    if block.kind == "heading":
        return kind == "heading"
    if kind == "code" and block.kind == "paragraph":  # running text may have a line of names in fixed-pitch letters only
        return abs(above.left - line.left) < _SAME_MARGIN * line.size and not above.text.endswith(_SENTENCE_END)
    if kind != "paragraph" or above.bold != line.bold:
        return False
    if block.kind == "item":
        return line.left > block.lines[0].left + _SAME_MARGIN * line.size
    ended = above.text.endswith(_SENTENCE_END)
    indented = line.left > above.left + _INDENT * line.size
    short = above.right < right - _SHORT_LINE * above.size
    return not (ended and (indented or short))


def _across_pages(pages: Sequence[list[Block]]) -> list[Block]:
    """All blocks; a paragraph that a page break cuts in two is joined when its next part starts in the middle of a sentence."""
    joined: list[Block] = []
    for page in pages:
        for number, block in enumerate(page):
            last = joined[-1] if joined else None
            goes_on = number == 0 and last is not None and last.kind in ("paragraph", "item") and block.kind == "paragraph"
            if goes_on and last is not None and not last.lines[-1].text.endswith(_SENTENCE_END) and block.lines[0].text[:1].islower():
                last.lines += block.lines
            else:
                joined.append(block)
    return joined


def _markdown(block: Block, levels: dict[float, int], words: Counter[str]) -> str:
    if block.kind == "code":
        return _code(block.lines)
    if block.kind == "table":
        return table_markdown(block.lines)
    text = _joined([line.text for line in block.lines], words)
    if block.kind == "heading":
        return f"{'#' * levels[block.lines[0].size]} {text}" if re.search(r"\w", text) else text
    if block.kind == "item":
        return _BULLET.sub("- ", text, count=1)
    return f"**{text}**" if all(line.bold for line in block.lines) else text


def _joined(lines: list[str], words: Counter[str]) -> str:
    """Lines as running text, with words cut at a line end put together again."""
    text = lines[0]
    for line in lines[1:]:
        head = re.search(rf"(\w+)[-‐{_HYPHENS}]$", text)
        tail = re.match(r"\w+", line)
        if not head or not tail or not tail[0][:1].islower():
            text = f"{text} {line}"
        elif words[f"{head[1]}-{tail[0]}".lower()] > words[f"{head[1]}{tail[0]}".lower()]:
            text = f"{text[:-1]}-{line}"  # the document writes this word with a hyphen elsewhere
        else:
            text = text[:-1] + line
    return re.sub(rf"[{_HYPHENS}]", "-", text)


def _code(lines: list[Line]) -> str:
    """A fenced block with the indentation and the empty lines that the places show."""
    left = min(line.left for line in lines)
    gaps = [above.bottom - below.bottom for above, below in pairwise(lines) if above.bottom > below.bottom]
    usual = min(gaps, default=0.0)
    out = []
    for number, line in enumerate(lines):
        gap = lines[number - 1].bottom - line.bottom if number else 0.0
        out += [""] * (round(gap / usual) - 1 if usual and gap > _EMPTY_LINE * usual else 0)
        out.append(" " * round((line.left - left) / (_FIXED_WIDTH * line.size or 1)) + line.text)
    return "```\n" + "\n".join(out) + "\n```"
