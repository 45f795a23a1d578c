"""The picture in docs/ARCHITECTURE.md, drawn from what the steps say of themselves (Mermaid, which GitHub renders)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from gradus.errors import GradusError
from gradus.step import Step

BEGIN, END = "<!-- drawn by: make manual -->\n", "<!-- end of the drawing -->\n"


def arrows(steps: Mapping[str, Step]) -> list[tuple[str, str]]:
    """(source, reader) for every step that reads another's files; an arrow that a chain of others implies is left out."""
    sources = {name: sorted({read.partition("/")[0] for read in step.reads}) for name, step in steps.items()}

    @cache
    def behind(name: str) -> frozenset[str]:
        return frozenset(sources[name]).union(*map(behind, sources[name]))

    return [
        (source, name) for name, direct in sources.items() for source in direct
        if not any(source in behind(other) for other in direct)
    ]  # fmt: skip


def diagram(steps: Mapping[str, Step]) -> str:
    """The steps with what they do and the folder they write, and the arrows between them."""
    short = {name: name.partition("_")[0] for name in steps}
    boxes = [f'  s{short[name]}["<b>{name}</b><br>{step.title}<br><i>{_folder(step)}</i>"]' for name, step in steps.items()]
    lines = [f"  s{short[source]} --> s{short[reader]}" for source, reader in arrows(steps)]
    return "\n".join(["```mermaid", "flowchart TD", *boxes, *lines, "```", ""])


def _folder(step: Step) -> str:
    return step.output.replace("{run}", "&lt;run&gt;") + "/"


def placed(page: str, drawing: str) -> str:
    """The page with the drawing between its two marks. Raises GradusError when a mark is gone."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise GradusError("the marks of the drawing are gone", where="docs/ARCHITECTURE.md", cure=f"Put back {BEGIN.strip()} and {END.strip()}")
    return before + begin + drawing + end + after
