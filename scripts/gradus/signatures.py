"""Argument lists as text: splitting them and shortening them for a reader."""

from __future__ import annotations

import re

_TEXT_OR_SIGN = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|.", re.DOTALL)


def split_arguments(text: str) -> list[str]:
    """Split an argument list at its outer commas: `a: dict[str, int], b=(1, ','), c=','` gives three parts."""
    parts, depth = [""], 0
    for piece in _TEXT_OR_SIGN.findall(text):
        depth += (piece in "([{") - (piece in ")]}")
        if piece == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts if part.strip()]


def short_call(name: str, signature: str, width: int, *, method: bool) -> str:
    """`name(a, b=1, …)` without the marks `/` and `*`, and without what is bound in a method; at most `width` characters where the name allows it."""
    if not signature:
        return name
    left_out = ("self", "$self", "$module", "/", "*", *(("cls",) if method else ()))
    arguments = [_readable(part) for part in split_arguments(signature[1:-1]) if part not in left_out]
    shown: list[str] = []
    for number, argument in enumerate(arguments):
        rest = 0 if number + 1 == len(arguments) else len(", …")
        if len(f"{name}({', '.join([*shown, argument])})") + rest > width:
            return f"{name}({', '.join([*shown, '…'])})"
        shown.append(argument)
    return f"{name}({', '.join(shown)})"


def _readable(argument: str) -> str:
    """An argument whose default has no spelling of its own (`<object object>`) without that default."""
    name, _, default = argument.partition("=")
    return name if default.startswith("<") else argument
