"""Markdown and plain text: taken as they are."""

from __future__ import annotations

import re
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from gradus.collect.readers.decode import read_text
from gradus.collect.readers.reading import FileReading, ReadOptions, text_reading
from gradus.fences import fenced_lines

READER = "gradus-text 2"
_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_MDX = re.compile(r"^(?:import\s[^\n]*['\"];?|export\s[^\n]*)$\n?|\{/\*.*?\*/\}", re.MULTILINE | re.DOTALL)


def read_markdown(path: Path, options: ReadOptions) -> FileReading:
    """Markdown without its front matter, of which only the licence is kept."""
    text, licence = without_front_matter(read_text(path))
    return text_reading(path, text, "markdown", READER, licence=licence)


def read_mdx(path: Path, options: ReadOptions) -> FileReading:
    """Markdown with components: their imports, exports and comments go, except inside code blocks."""
    text, licence = without_front_matter(read_text(path))
    lines = text.splitlines(keepends=True)
    runs = groupby(zip(fenced_lines(lines), lines, strict=True), key=itemgetter(0))
    pieces = ((code, "".join(line for _, line in run)) for code, run in runs)
    return text_reading(path, "".join(piece if code else _MDX.sub("", piece) for code, piece in pieces), "markdown", READER, licence=licence)


def read_plain(path: Path, options: ReadOptions) -> FileReading:
    """Plain text."""
    return text_reading(path, read_text(path), "text", READER)


def without_front_matter(text: str) -> tuple[str, str]:
    """Markdown and the licence its YAML front matter names, '' when there is none."""
    found = _FRONT_MATTER.match(text)
    if found is None:
        return text, ""
    import yaml

    try:
        values = yaml.safe_load(found[1])
    except (yaml.YAMLError, ValueError, RecursionError):  # a ValueError for a day that is in no calendar
        return text, ""  # it only looked like front matter: two rules with text between them
    if not isinstance(values, dict):
        return text, ""
    licence = next((str(values[key]) for key in ("license", "licence") if isinstance(values.get(key), str)), "")
    return text[found.end() :], licence
