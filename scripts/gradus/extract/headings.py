"""Sections of a text: its headings, what stands below them and the headings above them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gradus.extract.block import Block

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_NUMBER = re.compile(
    rf"(?:(?i:Q|Question|Frage)\s*\d*\s*[:.)]|#?\d+(?:\.\d+)+[.):]?|#?\d+[.):]|\d+(?=\s(?!{_MONTH})[A-Z])|[IVX]{{1,4}}[.)]|[A-Z]\.(?=\s[A-Z])"
    r"|(?:§|(?i:Section|Chapter|Article))\s*\d+(?:\.\d+)*(?:[.:]|\s[-–—])?)\s+"
)


@dataclass(frozen=True)
class TextSection:
    """A heading and the blocks below it up to the next heading; level 0 is the text before the first."""

    level: int
    title: str
    """Without numbering, emphasis and link targets."""
    heading: Block | None
    blocks: list[Block]
    above: tuple[str, ...]
    """Titles of the headings that this one stands under, the outermost first."""

    @property
    def is_question(self) -> bool:
        return self.title.endswith("?")


def sections_of_blocks(blocks: list[Block]) -> list[TextSection]:
    """All sections in order; the first has level 0 and no title."""
    heads = [number for number, block in enumerate(blocks) if block.kind == "heading"]
    first = TextSection(0, "", None, blocks[: heads[0]] if heads else blocks, ())
    sections = [first]
    path: list[tuple[int, str]] = []
    for head, end in zip(heads, [*heads, len(blocks)][1:], strict=True):
        block = blocks[head]
        title = plain(block.text.strip().lstrip("#"))
        path = [(level, name) for level, name in path if level < block.level]
        sections.append(TextSection(block.level, title, block, blocks[head + 1 : end], tuple(name for _, name in path)))
        path.append((block.level, title))
    return sections


def plain(title: str) -> str:
    """A heading or question without numbering, emphasis, anchors and link targets."""
    title = re.sub(r"!\[[^\]]*\]\([^)]*\)|\[\s*\]\([^)]*\)", "", " ".join(title.split()))
    title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", re.sub(r"\[\s*\]\([^)]*\)", "", title))
    title = re.sub(r"\s*(\{#[\w-]+\}|¶|<a\b[^>]*>|</a>)\s*", "", title)
    title = re.sub(r"(\*\*|__)(.+?)\1", r"\2", title).strip(" *")
    title = re.sub(r"(?<!\w)_(.+?)_(?!\w)", r"\1", title)
    title = re.sub(r"&amp;", "&", title)
    title = re.sub(r"[\U0001F000-\U0001FAFF\u2600-\u27BF\uFE0F]+\s*", "", title)
    number = _NUMBER.match(title)
    return title[number.end() :].strip() if number and re.match(r"[\w`\"“'¿*]", title[number.end() :]) else title.strip()
