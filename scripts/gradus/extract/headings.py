"""Sections of a Markdown text: its headings and what stands below them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gradus.extract.lines import Line, lines_of

_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


@dataclass(frozen=True)
class MarkdownSection:
    """A heading and the lines below it up to the next heading; level 0 is the text before the first."""

    level: int
    title: str
    lines: list[Line]
    start: int
    """Offset of the heading, or of the text where there is none."""

    @property
    def heading(self) -> Line:
        """The heading as a line of its own."""
        return Line(f"{'#' * self.level} {self.title}", self.start)


def outside_fences(lines: list[Line]) -> list[bool]:
    """For every line, whether it is outside of fenced code."""
    fence, answer = "", []
    for line in lines:
        match = _FENCE.match(line.text)
        if match and not fence:
            fence = match[1]
            answer.append(False)
        elif fence:
            answer.append(False)
            if match and line.text.strip().startswith(fence) and not line.text.strip().strip(fence[0]):
                fence = ""
        else:
            answer.append(True)
    return answer


def sections_of_markdown(text: str) -> list[MarkdownSection]:
    """All sections in order. Front matter is skipped; headings inside fenced code are none."""
    lines = lines_of(text)
    at = _after_front_matter(lines)
    free = outside_fences(lines)
    marks: list[tuple[int, int, int, str]] = [(at, at, 0, "")]  # heading line, first body line, level, title
    while at < len(lines):
        line = lines[at]
        atx = _ATX.fullmatch(line.text) if free[at] else None
        under = lines[at + 1].text if at + 1 < len(lines) and free[at] and free[at + 1] else ""
        if atx:
            marks.append((at, at + 1, len(atx[1]), atx[2]))
        elif re.fullmatch(r" {0,3}(=+|-{2,})\s*", under) and _may_be_title(lines, at):
            marks.append((at, at + 2, 1 if "=" in under else 2, line.text.strip()))
            at += 1
        at += 1
    ends = [mark[0] for mark in marks[1:]] + [len(lines)]
    return [
        MarkdownSection(level, title, lines[body:end], lines[head].start)
        for (head, body, level, title), end in zip(marks, ends, strict=True)
        if head < len(lines)
    ]


def _may_be_title(lines: list[Line], at: int) -> bool:
    """A setext heading is one line of text with nothing above it and no mark of a list, quote or table."""
    alone = at == 0 or lines[at - 1].blank
    return alone and not lines[at].blank and not re.match(r"\s*([-*+>|]|\d+[.)]\s|={3}|\s{4})", lines[at].text)


def _after_front_matter(lines: list[Line]) -> int:
    if lines and lines[0].text == "---":
        end = next((n for n, line in enumerate(lines[1:60], 1) if line.text in ("---", "...")), None)
        return end + 1 if end else 0
    return 0
