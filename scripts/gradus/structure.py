"""What a Markdown text is made of, read from its CommonMark parse tree (tables as in GitHub's dialect)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

STRUCTURES = ("bold", "lists", "headings", "tables", "code")


@cache
def parser(*, html: bool = True) -> MarkdownIt:
    """CommonMark with tables; building it costs a millisecond, so one serves all. Without `html` a tag is text."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": html}).enable("table")


@cache
def block_parser() -> MarkdownIt:
    """A parser of blocks alone: what stands inside a paragraph is not looked at."""
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark").enable("table")
    made.core.ruler.disable("inline")
    return made


def structures(text: str) -> set[str]:
    """The names of `STRUCTURES` that occur in `text` and hold something; `code` is a fenced block."""
    found = parse(text)
    counts = (found.bold, found.items, found.headings, found.tables, found.fences)
    return {name for name, count in zip(STRUCTURES, counts, strict=True) if count}


@dataclass(frozen=True)
class Structure:
    """Counts of structures that hold something (an empty heading or list item is none), and the text they hold."""

    bold: int
    bold_characters: int
    items: int
    headings: int
    tables: int
    fences: int
    named_fences: int
    """Fences that name their language."""
    open_fences: int
    """Fences that are never closed."""
    text: str
    """The visible text: no markup, code included."""
    code: tuple[str, ...]
    """Every inline code span and code block."""
    visible: int
    """Characters of `text` that are no white space."""


def parse(text: str) -> Structure:
    """Parse Markdown of any kind, broken or empty included; never raises. A tag in it is text that a reader sees."""
    tokens = parser(html=False).parse(text.rstrip("\n") + "\n")
    inline = [child for token in tokens for child in token.children or ()]
    fences = [token for token in tokens if token.type == "fence" and token.content.strip()]
    blocks = [token for token in tokens if token.type in ("fence", "code_block")]
    bold = _bold_texts(inline)
    visible_text = _visible_text(tokens)
    return Structure(
        bold=len(bold),
        bold_characters=sum(map(_visible, bold)),
        items=_filled(tokens, "list_item"),
        headings=_filled(tokens, "heading"),
        tables=_filled(tokens, "tbody"),
        fences=len(fences),
        named_fences=sum(bool(token.info.strip()) for token in fences),
        open_fences=sum(token.type == "fence" and not _closed(token) for token in tokens),
        text=visible_text,
        code=tuple(token.content for token in (*blocks, *(t for t in inline if t.type == "code_inline"))),
        visible=_visible(visible_text),
    )


def _visible(text: str) -> int:
    return sum(len(part) for part in text.split())


def _filled(tokens: list[Token], name: str) -> int:
    """How many `<name>_open` … `<name>_close` blocks hold text of their own (nested ones count for themselves)."""
    stack: list[bool] = []
    found = 0
    for token in tokens:
        if token.type == f"{name}_open":
            stack.append(False)
        elif token.type == f"{name}_close":
            found += stack.pop()
        elif stack and token.content.strip():
            stack[-1] = True
    return found


def _closed(fence: Token) -> bool:
    """A closed fence spans its content, its opening and its closing line."""
    if fence.map is None:
        return False
    return fence.map[1] - fence.map[0] == fence.content.count("\n") + 2


def _bold_texts(inline: list[Token]) -> list[str]:
    """The text inside each outermost pair of strong marks."""
    texts: list[str] = []
    depth = 0
    for token in inline:
        depth -= token.type == "strong_close"
        if depth and token.content:
            texts[-1] += token.content
        if token.type == "strong_open":
            depth += 1
            texts += [""] if depth == 1 else []
    return [text for text in texts if text.strip()]


def _visible_text(tokens: list[Token]) -> str:
    lines = []
    for token in tokens:
        if token.children is not None:
            lines.append("".join(" " if child.type in ("softbreak", "hardbreak") else child.content for child in token.children))
        elif token.content:
            lines.append(token.content)
    return "\n".join(lines)
