"""Text from elsewhere inside Markdown that we write."""

from __future__ import annotations

import re

_SIGNS = re.compile(r"([\\`*_\[\]|~#])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}  # not every reader of Markdown knows these signs behind a backslash


def escaped(text: str) -> str:
    """The text as one line that shows as it is: no HTML, table, heading or emphasis comes of it, and no link but a bare address."""
    line = _SIGNS.sub(r"\\\1", " ".join(text.splitlines()))
    return "".join(_ENTITIES.get(sign, sign) for sign in line)
