"""One line of the examination, and how the lines are shown."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gradus.cli import write_line
from gradus.log import redraws

Level = Literal["ok", "warning", "bad"]
COLOURS: dict[Level, str] = {"ok": "green", "warning": "yellow", "bad": "red"}
NAME_WIDTH, LEVEL_WIDTH, LINE_WIDTH = 12, 9, 110


@dataclass(frozen=True)
class Finding:
    """What was found about one thing; a warning or a bad one has a cure."""

    name: str
    level: Level
    text: str
    cure: str = ""

    def lines(self) -> str:
        """Level, name and text, and the cure below."""
        indent = " " * (LEVEL_WIDTH + NAME_WIDTH)
        width = min(LINE_WIDTH, shutil.get_terminal_size((LINE_WIDTH, 0)).columns)
        text = textwrap.fill(self.text, width - len(indent), break_on_hyphens=False, break_long_words=False)
        cure = textwrap.fill(self.cure, width - len(indent) - 2, break_on_hyphens=False, break_long_words=False)
        body = textwrap.indent(text, indent) + (f"\n{textwrap.indent(cure, indent + '  ')}" if cure else "")
        return f"{self.level:<{LEVEL_WIDTH}}{self.name:<{NAME_WIDTH}}{body.lstrip()}"


def show(findings: Iterable[Finding]) -> list[Finding]:
    """Write each finding the moment it is there, then the count of each level; returns them all."""
    found: list[Finding] = []
    for finding in findings:
        found.append(finding)
        _write(finding)
    counts = {level: sum(finding.level == level for finding in found) for level in COLOURS}
    write_line(f"\n{counts['ok']} ok, {counts['warning']} to know, {counts['bad']} to mend")
    return found


def _write(finding: Finding) -> None:
    if not redraws(sys.stdout):
        write_line(finding.lines())
        return
    try:
        from rich.console import Console
        from rich.text import Text
    except ImportError:  # it may be what is missing
        write_line(finding.lines())
        return
    text = Text(finding.lines())
    text.stylize(COLOURS[finding.level], 0, len(finding.level))
    Console(highlight=False).print(text, soft_wrap=True)
