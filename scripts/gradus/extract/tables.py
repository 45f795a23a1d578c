"""reStructuredText simple tables as Markdown tables."""

from __future__ import annotations

import re
from collections.abc import Callable

from gradus.extract.lines import Line


def simple_table(lines: list[Line], inline: Callable[[str], str]) -> str:
    """A Markdown table of a simple table (`===  ===` rules), or '' when it is none or has cells over several columns.

    Args:
        inline: how to turn the text of one cell into Markdown.
    """
    rules = [number for number, line in enumerate(lines) if re.fullmatch(r"[=\s]+", line.text) and not line.blank]
    if len(rules) != 3 or rules[0] != 0 or rules[2] != len(lines) - 1:
        return ""
    columns = [(match.start(), match.end()) for match in re.finditer(r"=+", lines[0].text)]
    spans = [(start, columns[n + 1][0] if n + 1 < len(columns) else None) for n, (start, _) in enumerate(columns)]
    rows = _rows(lines[rules[0] + 1 : rules[1]], spans)[:1] + _rows(lines[rules[1] + 1 : rules[2]], spans)
    if len(rows) < 2 or any(line.text[end : end + 1].strip() for line in lines for _, end in columns[:-1]):
        return ""
    cells = [[inline(cell).replace("|", "\\|") for cell in row] for row in rows]
    head, *body = ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join([head, "|" + " --- |" * len(columns), *body])


def _rows(lines: list[Line], spans: list[tuple[int, int | None]]) -> list[list[str]]:
    """Cells by column; a line with an empty first cell continues the row above."""
    rows: list[list[str]] = []
    for line in lines:
        if line.blank or re.fullmatch(r"[-\s]+", line.text):
            continue
        cells = [line.text[start:end].strip() for start, end in spans]
        if rows and not cells[0]:
            rows[-1] = [f"{old} {new}".strip() for old, new in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    return rows
