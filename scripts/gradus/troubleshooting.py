"""Which section of docs/TROUBLESHOOTING.md is about an error: the one that quotes its message."""

from __future__ import annotations

import re

from gradus.config.load import PROJECT

PAGE = PROJECT / "docs" / "TROUBLESHOOTING.md"
PLAIN = ("Setting up", "Settings", "Registry", "Serving", "Running again")
"""Chapters whose messages say all there is to say; they are there for those who search the page."""


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def quotes(page: str) -> list[tuple[str, str]]:
    """(quoted message, heading of its section) of every box, without the chapters of plain messages."""
    chapters = re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    sections = [found for name, text in chapters if name not in PLAIN for found in re.findall(r"^### ([^\n]+)\n(.*?)(?=^### |\Z)", text, re.M | re.S)]
    return [(line, heading) for heading, text in sections for box in re.findall(r"```message\n(.*?)```", text, re.S) for line in box.splitlines()]


def section_of(message: str) -> str:
    """`docs/TROUBLESHOOTING.md#…` for a message that the page quotes, else ''. Of several quotes the one with most text of its own counts."""
    if not PAGE.is_file():
        return ""
    fitting = [(quote, heading) for quote, heading in quotes(PAGE.read_text(encoding="utf-8")) if _pattern(quote).search(message)]
    if not fitting:
        return ""
    _, heading = max(fitting, key=lambda found: len(found[0].replace("…", "")))
    return f"docs/{PAGE.name}#{anchor(heading)}"


def _pattern(quote: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in quote.strip("…").split("…")), re.DOTALL)
