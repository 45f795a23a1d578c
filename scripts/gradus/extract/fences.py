"""Which lines of a Markdown text belong to fenced code."""

from __future__ import annotations

import re

_FENCE = re.compile(r"\s*(`{3,}|~{3,})([^\n]*)")


def fenced_lines(lines: list[str]) -> tuple[list[bool], bool]:
    """For every line whether it belongs to fenced code, marks included; and whether the last fence is left open.

    A fence ends at a run of its own character that is at least as long and stands alone (CommonMark 4.5), so a shorter
    fence inside a longer one is text. Any indentation is accepted: fences in list items are indented.
    """
    fence, inside = "", []
    for line in lines:
        match = _FENCE.match(line)
        if fence:
            inside.append(True)
            if match and match[1].startswith(fence) and not match[2].strip():
                fence = ""
        else:
            opens = match is not None and not (match[1][0] == "`" and "`" in match[2])
            inside.append(opens)
            fence = match[1] if match and opens else ""
    return inside, bool(fence)
