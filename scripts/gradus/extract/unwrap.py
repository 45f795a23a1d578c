"""Undo the hard line breaks inside paragraphs and list items of a Markdown text."""

from __future__ import annotations

import re

_OPENS = re.compile(r"\s*([-*+]\s|\d{1,3}[.)]\s|#{1,6}\s|>|\||<|```|~~~|={3,}\s*$|-{3,}\s*$|\*{3,}\s*$|\[[^\]]+\]:\s)")
_CLOSED = re.compile(r"\s*(#{1,6}\s|\||<|>|-{3,}\s*$|={3,}\s*$)")


def unwrap(markdown: str) -> str:
    """One line a paragraph. Code, tables, quotes, HTML, headings and breaks that are meant (two spaces, `\\`) stay."""
    lines: list[str] = []
    fence = ""
    for line in markdown.split("\n"):
        mark = re.match(r"\s*(`{3,}|~{3,})", line)
        if not fence and not mark and lines and _runs_on(lines[-1], line):
            lines[-1] = f"{lines[-1]} {line.strip()}"
        else:
            lines.append(line)
        if mark:
            fence = mark[1] if not fence else ("" if line.strip() == fence else fence)
    return "\n".join(lines)


def _runs_on(above: str, line: str) -> bool:
    """Whether a line goes on with the paragraph of the line above it."""
    if not above.strip() or not line.strip() or above.endswith(("  ", "\\")):
        return False
    indented_code = above.startswith("    ") and not re.match(r"\s*([-*+]|\d{1,3}[.)])\s", above)
    fenced = re.match(r"\s*(`{3,}|~{3,})", above)
    return not (indented_code or fenced or _CLOSED.match(above) or _OPENS.match(line))
