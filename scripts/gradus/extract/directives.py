"""reStructuredText directives as Markdown blocks, or as nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

from gradus.extract.block import Block
from gradus.extract.code import as_code
from gradus.extract.inline import to_markdown
from gradus.extract.lines import Line, raw
from gradus.fences import fenced

_CODE = frozenset({"code", "code-block", "sourcecode", "ipython", "doctest", "testcode"})
_ADMONITION = frozenset({"note", "warning", "tip", "important", "caution", "attention", "hint", "danger", "admonition"})
LANGUAGES = {"python": "python", "python3": "python", "py": "python", "ipython": "python", "shell": "bash", "bash": "bash", "c++": "cpp"}


def directive(name: str, argument: str, lines: list[Line], parse: Callable[[list[Line]], list[Block]]) -> list[Block]:
    """Blocks of one directive; comments, footnotes, targets, version notes and page furniture give none.

    Args:
        name: '' for a comment, a footnote or a target.
        lines: the line of the directive, then its indented body.
        parse: how to read a body that holds text.
    """
    start, end = lines[0].start, lines[-1].end
    body = [line for line in lines[1:] if not re.match(r"\s*:[\w-]+:", line.text)]
    if name in _CODE:
        text = raw(body)
        return [Block("code", as_code(text, LANGUAGES.get(argument.strip().lower(), "")), start, end)] if text else []
    if name == "math":
        text = "\n".join(filter(None, [argument.strip(), raw(body)]))
        return [Block("code", fenced(text, "math"), start, end)] if text else []
    if name == "table":
        return parse(body)
    if name in _ADMONITION:
        title = argument if name == "admonition" else name.capitalize()
        return _labelled(f"**{title.strip()}:**", "" if name == "admonition" else argument, body, (start, end), parse)
    if name == "deprecated":
        version, _, rest = argument.strip().partition(" ")
        return _labelled(f"**Deprecated since version {version}.**" if version else "**Deprecated.**", rest, body, (start, end), parse)
    return []


def _labelled(label: str, argument: str, body: list[Line], span: tuple[int, int], parse: Callable[[list[Line]], list[Block]]) -> list[Block]:
    """A bold label and the text it announces, in one paragraph where the text begins with one."""
    blocks = parse(body)
    follow = blocks.pop(0).text if blocks and blocks[0].kind == "paragraph" else ""
    text = " ".join(filter(None, [label, to_markdown(argument), follow]))
    return [Block("paragraph", text, *span), *blocks] if argument or follow or blocks else []
