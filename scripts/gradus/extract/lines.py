"""Lines of a text that remember where they stood, so that every answer can point at its source."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Line:
    """One line without its end; `start` is the offset of its first character in the whole text."""

    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def indent(self) -> int:
        return len(self.text) - len(self.text.lstrip(" "))

    @property
    def blank(self) -> bool:
        return not self.text.strip()


def lines_of(text: str) -> list[Line]:
    """Split at `\\n`, tabs expanded to eight columns only where they indent."""
    lines, position = [], 0
    for raw in text.split("\n"):
        body = raw.lstrip(" \t")
        lead = raw[: len(raw) - len(body)]
        shown = lead.expandtabs(8) + body if "\t" in lead else raw
        lines.append(Line(shown, position))
        position += len(raw) + 1
    return lines


def dedent(lines: list[Line]) -> list[Line]:
    """Remove the indentation common to all lines that are not blank; offsets go along."""
    margin = min((line.indent for line in lines if not line.blank), default=0)
    return lines if not margin else [replace(line, text=line.text[margin:], start=line.start + min(margin, len(line.text))) for line in lines]


def strip_blank(lines: list[Line]) -> list[Line]:
    """Without blank lines at both ends."""
    full = [i for i, line in enumerate(lines) if not line.blank]
    return lines[full[0] : full[-1] + 1] if full else []


def indented_run(lines: list[Line], start: int, indent: int = 1) -> int:
    """Index after the run of lines from `start` that are blank or indented by at least `indent`; trailing blanks excluded."""
    end = start
    for index in range(start, len(lines)):
        if lines[index].blank:
            continue
        if lines[index].indent < indent:
            break
        end = index + 1
    return end


def raw(lines: list[Line]) -> str:
    """The lines as they are, dedented, without blank ends."""
    return "\n".join(line.text for line in strip_blank(dedent(lines)))
