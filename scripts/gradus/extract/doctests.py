"""Shortening examples so that what is left still runs and says what it shows."""

from __future__ import annotations

import re

from gradus.extract.block import Block
from gradus.extract.limits import pieces_of, without_dangling
from gradus.fences import fenced

_SETUP = re.compile(r">>> (import |from \S+ import )|\s*$")


def leading_examples(markdown: str, room: int) -> str:
    """The beginning of an example section that fits into `room` characters and ends with code or a whole sentence.

    The last code block taken may itself be shortened, at the end of a doctest statement and its output.
    """
    kept = ""
    for piece in pieces_of(markdown):
        if len((kept + piece).rstrip()) <= room:
            kept += piece
            continue
        kept += _shortened(piece.rstrip(), room - len(kept))
        break
    kept = without_dangling(kept)
    return kept if _does_something(kept) else ""


def first_example(blocks: list[Block], name: str) -> str:
    """The first code block that mentions `name`, with the code before it that it may need; '' when there is none."""
    taken = []
    for block in blocks:
        if block.kind == "code":
            taken.append(_inside(block.text))
            if _does_something(block.text) and name in re.findall(r"\w+", block.text):
                return fenced("\n".join(taken), block.text.split("\n")[0].lstrip("`"))
    return ""


def _inside(block: str) -> str:
    return "\n".join(block.split("\n")[1:-1])


def _does_something(markdown: str) -> bool:
    """Whether some line of its code is more than an import."""
    blocks = re.findall(r"^```.*?\n(.*?)^```", markdown + "\n", re.DOTALL | re.MULTILINE)
    return any(not _SETUP.match(line) and not line.startswith("...") for block in blocks for line in block.split("\n"))


def _shortened(piece: str, room: int) -> str:
    """A doctest block up to the last whole statement with its output that fits, '' when it is no doctest."""
    lines = piece.split("\n")
    if not lines[0].startswith("```") or len(lines) < 3 or not lines[1].startswith(">>>"):
        return ""
    starts = [number for number in range(2, len(lines) - 1) if lines[number].startswith(">>>") and not lines[number - 1].startswith("... ")]
    for end in reversed(starts):
        shorter = "\n".join(lines[:end]).rstrip() + "\n" + lines[-1]
        shows = not lines[end - 1].startswith((">>>", "..."))
        if len(shorter) <= room and shows:
            return shorter
    return ""
