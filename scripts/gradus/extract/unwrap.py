"""Undo the hard line breaks inside paragraphs and list items of a Markdown text."""

from __future__ import annotations

from gradus.structure import parser


def unwrap(markdown: str) -> str:
    """One line a paragraph, in lists too. Code, tables, quotes, HTML, headings and breaks that are meant (two spaces, `\\`) stay."""
    lines: list[str | None] = list(markdown.split("\n"))
    quoted = 0
    for token in parser().parse(markdown):
        quoted += {"blockquote_open": 1, "blockquote_close": -1}.get(token.type, 0)
        if token.type == "paragraph_open" and token.map and not quoted:
            _join(lines, *token.map)
    return "\n".join(line for line in lines if line is not None)


def _join(lines: list[str | None], start: int, end: int) -> None:
    """Put the lines of one paragraph together; the places of those taken up hold None."""
    head = start
    for at in range(start + 1, min(end, len(lines))):
        above, line = lines[head] or "", lines[at] or ""
        if above.endswith(("  ", "\\")):
            head = at
        else:
            lines[head], lines[at] = f"{above.rstrip()} {line.strip()}", None
            if line.endswith("  "):
                lines[head] = f"{lines[head]}  "
