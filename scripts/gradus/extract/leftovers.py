"""HTML left over in Markdown: folded questions and definition lists are read, other tags undone."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gradus.extract.block import Block
from gradus.extract.headings import plain
from gradus.extract.markdown import blanked, blocks_of_markdown
from gradus.extract.pairs import Pair
from gradus.fences import fenced_lines

_DETAILS = re.compile(
    r"<details\b[^>]*>\s*<summary\b[^>]*>(?P<ask>(?:(?!</?details\b).)*?)</summary>(?P<answer>(?:(?!<details\b).)*?)</details>",
    re.DOTALL | re.IGNORECASE,
)
_TERM = re.compile(r"<dt\b[^>]*>(?P<ask>.*?)(?:</dt>)?\s*<dd\b[^>]*>(?P<answer>.*?)(?=</dd>|<dt\b|</dl>)", re.DOTALL | re.IGNORECASE)
_LIST = re.compile(r"<dl\b[^>]*>.*?</dl>", re.DOTALL | re.IGNORECASE)
_TAGS = (
    r"</?(?:p|div|span|ul|ol|li|em|i|u|a|img|font|center|sup|sub|small|big|h\d|hr"
    r"|section|article|details|summary|blockquote|figure|figcaption|picture|source|dl|dt|dd|header|footer|main|aside|label|mark|abbr|button)\b[^<>]*>"
)
_ANYWHERE = r"\Z"
_REPLACED = (
    (re.compile(r"<(script|style|nav|svg)\b.*?</\1>", re.DOTALL | re.IGNORECASE), "", "</(?:script|style|nav|svg)>"),
    (re.compile(r"<!--.*?-->\n?", re.DOTALL), "", r"-->\n?"),
    (re.compile(r"<pre\b[^>]*>\s*(?:<code\b[^>]*>)?(.*?)(?:</code>)?\s*</pre>", re.DOTALL | re.IGNORECASE), r"\n\n```text\n\1\n```\n\n", "</pre>"),
    (re.compile(r"<(?:b|strong)\b[^>]*>\s*(.+?)\s*</(?:b|strong)>", re.DOTALL | re.IGNORECASE), r"**\1**", "</(?:b|strong)>"),
    (re.compile(r"<(?:code|kbd|samp|tt)\b[^>]*>(.+?)</(?:code|kbd|samp|tt)>", re.DOTALL | re.IGNORECASE), r"`\1`", "</(?:code|kbd|samp|tt)>"),
    (re.compile(r"<a\b[^>]*\bhref=[\"'](https?:[^\"']*)[\"'][^>]*>(.*?)</a>", re.DOTALL | re.IGNORECASE), r"[\2](\1)", "</a>"),
    (re.compile(r"<li\b[^>]*>\s*", re.IGNORECASE), "\n- ", _ANYWHERE),
    (re.compile(r"</(?:p|div|ul|ol|h\d|summary|details|blockquote)>|<p\b[^>]*>", re.IGNORECASE), "\n\n", _ANYWHERE),
    (re.compile(r"<br\s*/?>\s*", re.IGNORECASE), "\n", _ANYWHERE),
    (re.compile(_TAGS, re.IGNORECASE), "", _ANYWHERE),
)  # fmt: skip
_INLINE = re.compile(
    r"</?(?:br|b|strong|em|i|u|code|kbd|samp|tt|span|a|img|p|div|font|sup|sub|small|center|summary|details)\b[^<>]*>|<!--", re.IGNORECASE
)


@dataclass(frozen=True)
class Folded:
    """What was found in HTML: `<details>` whose summary may be a question, and terms with their definitions."""

    text: str
    """The Markdown with everything found blanked out; all else keeps its place."""
    details: list[Pair]
    terms: list[Pair]


def _end_of_last(closing: str, text: str) -> int:
    """Where the last end of an element stands. What only opens after it is not looked at: thousands of those would be searched to the end each."""
    return max((match.end() for match in re.finditer(closing, text, re.IGNORECASE)), default=0)


def unfold(text: str) -> Folded:
    """Take `<details>` and `<dl>` out of a Markdown text; those inside code are left alone."""
    inside = fenced_lines(text.split("\n"))
    details, terms = [], []
    for match in _outside(_DETAILS, text, inside, "</details>"):
        details.append(_pair(match, 0))
        text = blanked(text, match.start(), match.end())
    for block in _outside(_LIST, text, inside, "</dl>"):
        terms += [_pair(match, block.start()) for match in _TERM.finditer(block[0])]
        text = blanked(text, block.start(), block.end())
    return Folded(text, details, terms)


def _outside(pattern: re.Pattern[str], text: str, inside: list[bool], closing: str) -> Iterator[re.Match[str]]:
    for match in pattern.finditer(text, 0, _end_of_last(closing, text)):
        before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        code = inside[text.count("\n", 0, match.start())] or before.endswith("`") or (before.isspace() and len(before.expandtabs(4)) > 3)
        if not code:
            yield match


def _pair(match: re.Match[str], offset: int) -> Pair:
    answer = match["answer"]
    start = offset + match.start("answer")
    blocks = without_html(blocks_of_markdown(_dedented(answer), 0))
    end = offset + match.end("answer")
    spanned = [replace(block, start=start, end=end) for block in blocks]
    return Pair(plain(without_tags(match["ask"])), spanned, offset + match.start(), offset + match.end())


def _dedented(text: str) -> str:
    """Without the indentation that nested tags had, which Markdown would read as code."""
    lines = text.strip("\n").split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    return "\n".join([lines[0].lstrip(), *(line[margin:] for line in lines[1:])])


def without_html(blocks: list[Block]) -> list[Block]:
    """The same blocks with HTML undone; a block that was tags and comments only is gone."""
    found: list[Block] = []
    for block in blocks:
        if block.kind == "html":
            inner = blocks_of_markdown(without_tags(block.text))
            found += [replace(b, start=block.start, end=block.end) for b in inner if b.kind != "html"]
        elif block.kind in ("paragraph", "list", "table", "quote", "heading") and _INLINE.search(block.text):
            text = _inline(block.text, one_line=block.kind in ("table", "heading"))
            found += [replace(block, text=text)] if text.strip() else []
        else:
            found.append(block)
    return found


def without_tags(text: str) -> str:
    """HTML of simple pages as Markdown: bold, code, links, items, line breaks; other tags go, their text stays."""
    for pattern, shown, closing in _REPLACED:
        end = _end_of_last(closing, text)
        text = pattern.sub(shown, text[:end]) + text[end:]
    return re.sub(r"(^- .*)\n\s*\n(?=- )", r"\1\n", html.unescape(text), flags=re.MULTILINE).strip()


def _inline(text: str, *, one_line: bool) -> str:
    """Tags undone outside of code spans and fences."""
    parts = re.split(r"(`+[^`]+`+)", text)
    shown = []
    for number, part in enumerate(parts):
        if number % 2 == 0 and _INLINE.search(part):
            for pattern, new, _ in _REPLACED[1:]:
                part = pattern.sub(new.replace("\n", " ") if one_line else new, part)
        shown.append(part)
    return "".join(shown)
