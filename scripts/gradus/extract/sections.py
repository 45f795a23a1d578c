"""Sections of a docstring: NumPy style, Google style (as MLX uses it), Sphinx fields, or plain prose."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from gradus.extract.block import Block
from gradus.extract.blocks import parse, parse_loose
from gradus.extract.fields import fields_of
from gradus.extract.inline import to_markdown
from gradus.extract.lines import Line, dedent, indented_run, lines_of, strip_blank

DESCRIPTION = "description"
_NAMES = {
    "parameters": "args arg arguments argument parameters parameter params inputs keyword_arguments keyword_args other_parameters",
    "returns": "returns return",
    "yields": "yields yield",
    "raises": "raises raise exceptions",
    "notes": "notes note",
    "examples": "examples example usage",
    "related": "see_also",
    "attributes": "attributes",
    "methods": "methods",
    "warnings": "warnings warning",
    "references": "references reference",
    "warns": "warns",
    "shape": "shape shapes",
}
_SECTION_OF = {name.replace("_", " "): key for key, names in _NAMES.items() for name in names.split()}
_SIGNATURE = re.compile(r"(?:[\w.]+\.)?(\w+)\s?\(.*\)(?:\s*(?:-{1,2}>|=>)\s*\S.{0,150})?:?|Overloaded function\.")
_GOOGLE = re.compile(r"([A-Z][A-Za-z ]{2,20}):+\s*")


@dataclass(frozen=True)
class Section:
    """One part of a docstring; `lines` are its body, dedented."""

    name: str
    lines: list[Line]
    start: int
    end: int
    mark: Callable[[str], str] = str
    """What puts names of code in finished Markdown into code spans."""

    @cached_property
    def blocks(self) -> list[Block]:
        """The body as Markdown blocks."""
        return _marked(parse(self.lines), self.mark)

    @cached_property
    def items(self) -> list[Item]:
        """Entries of a `parameters`, `returns`, `raises` or `attributes` section; [] when it is prose."""
        found = _items(self.lines)
        found = found if found or self.name not in ("returns", "yields") else _typed(self.lines)
        return [replace(item, blocks=_marked(item.blocks, self.mark)) for item in found]


@dataclass(frozen=True)
class Item:
    """One entry of a list section: a parameter, a return value, an exception, a related function."""

    name: str
    type: str
    blocks: list[Block]


def _marked(blocks: list[Block], mark: Callable[[str], str]) -> list[Block]:
    return [block if block.kind in ("code", "table") else replace(block, text=mark(block.text)) for block in blocks]


def sections_of(text: str, name: str, mark: Callable[[str], str] = str) -> list[Section]:
    """Split a docstring. The first section is the description, without the signature lines that some docs open with.

    Args:
        name: the last part of the dotted name, to know a signature line by.
        mark: what puts names of code into code spans.
    """
    fields = fields_of(lines_of(text))
    lines = fields.rest
    at = _skip_signatures(lines, name)
    marks = [(at, at, DESCRIPTION), *_marks(lines, at)] if lines else []
    sections = []
    for number, (_, body, key) in enumerate(marks):
        end = marks[number + 1][0] if number + 1 < len(marks) else len(lines)
        inside = strip_blank(lines[body:end])
        if inside:
            sections.append(Section(key, dedent(inside), lines[marks[number][0]].start, inside[-1].end, mark))
    sections += [Section(key, entries, entries[0].start, entries[-1].end, mark) for key, entries in fields.entries.items()]
    return _merged(sections)


def _skip_signatures(lines: list[Line], name: str) -> int:
    """Index of the first line after leading lines such as `name(a[, b]) -> c` and the blank lines around them."""
    at = 0
    while at < len(lines) and (lines[at].blank or _is_signature(lines[at].text.strip(), name)):
        at += 1
    return at if at < len(lines) else 0


def _is_signature(text: str, name: str) -> bool:
    match = _SIGNATURE.fullmatch(text)
    return bool(match) and match[1] in (name, None)  # type: ignore[index]


def _marks(lines: list[Line], start: int) -> list[tuple[int, int, str]]:
    """`(index of header, index of body, section)` of every section header; a Google section ends where its indent does."""
    marks = []
    at = start
    while at < len(lines):
        key, body = _header(lines, at)
        if key:
            marks.append((at, body, key))
            if body == at + 1:  # Google style
                at = indented_run(lines, body)
                if at < len(lines) and not _header(lines, _next_full(lines, at))[0]:
                    marks.append((_next_full(lines, at), _next_full(lines, at), DESCRIPTION))
                continue
        at = max(body, at + 1)
    return [mark for mark in marks if mark[0] < len(lines)]


def _next_full(lines: list[Line], at: int) -> int:
    return next((i for i in range(at, len(lines)) if not lines[i].blank), len(lines))


def _header(lines: list[Line], at: int) -> tuple[str, int]:
    """The section that a line opens and where its body begins; ('', at) when it opens none."""
    if at >= len(lines) or lines[at].indent or lines[at].blank:
        return "", at
    text = lines[at].text.strip()
    under = lines[at + 1].text.strip() if at + 1 < len(lines) else ""
    if re.fullmatch(r"-{3,}|={3,}", under) and (key := _SECTION_OF.get(text.lower().rstrip(":"))):
        return key, at + 2
    if match := _GOOGLE.fullmatch(text):
        key = _SECTION_OF.get(match[1].lower(), "")
        following = _next_full(lines, at + 1)
        if key and following < len(lines) and lines[following].indent:
            return key, at + 1
    return "", at


def _merged(sections: list[Section]) -> list[Section]:
    """Sections of one name become one, in place of the first (`Parameters` and `Other Parameters`, say)."""
    by_name: dict[str, Section] = {}
    for section in sections:
        old = by_name.get(section.name)
        gap = [Line("", section.start)]
        if old is not None:
            start, end = min(old.start, section.start), max(old.end, section.end)  # field lists come last, wherever they stand
            section = replace(old, lines=[*old.lines, *gap, *section.lines], start=start, end=end)
        by_name[section.name] = section
    return list(by_name.values())


_NUMPY_ITEM = re.compile(r"(\\?\*{0,2}[\w.`'\"]+(?:, ?\*{0,2}[\w.`'\"]+|, ?\.{3})*|[\[(][\w, ]+[\])](?= : ))(?: ?: ?(.+))?")
_TYPED = re.compile(r"([a-zA-Z_][\w.]*(?:[\[(][\w\[\](), .|]{1,60}[\])])?): +(?=\S)")
_GOOGLE_ITEM = re.compile(r"(\*{0,2}[\w.`]+(?:, ?\*{0,2}[\w.`]+)*) *(?:\(((?:[^()]|\([^()]*\))*)\))? *:(?=\s|$) *(.*)")


def _items(lines: list[Line]) -> list[Item]:
    google = _GOOGLE_ITEM.match(lines[0].text)
    numpy = not google or _numpy_style(lines)
    items = []
    at = 0
    while at < len(lines):
        end = indented_run(lines, at + 1)
        found = _item(lines[at], lines[at + 1 : end], numpy)
        if found is None:
            return []
        items.append(found)
        at = _next_full(lines, end)
    return items


def _typed(lines: list[Line]) -> list[Item]:
    """`type: text` over several paragraphs, as Google style describes a return value; [] when it is prose."""
    match = _TYPED.match(lines[0].text)
    if not match:
        return []
    head = replace(lines[0], text=lines[0].text[match.end() :], start=lines[0].start + match.end())
    return [Item(match[1], "", parse_loose(head, lines[1:]))]


def _numpy_style(lines: list[Line]) -> bool:
    """`name : type` (with a space before the colon), rather than `name (type): text`."""
    return any(re.match(r"[\w*.,()\[\] ]+ : ", line.text) for line in lines if not line.indent)


def related_of(section: Section) -> list[Item]:
    """Entries of a `See Also` section that say what the related object is for: `name : text`."""
    items = []
    at = 0
    while at < len(section.lines):
        end = indented_run(section.lines, at + 1)
        names, _, text = section.lines[at].text.partition(" : " if " : " in section.lines[at].text else ": ")
        text = " ".join([text.strip(), *(line.text.strip() for line in section.lines[at + 1 : end])]).strip()
        name = to_markdown(names).replace("`", "")
        if text and re.fullmatch(r"[\w.]+(, [\w.]+)*", name):
            items.append(Item(name, "", [Block("paragraph", section.mark(to_markdown(text)), section.lines[at].start, section.lines[end - 1].end)]))
        at = _next_full(section.lines, end)
    return items


def _item(first: Line, rest: list[Line], numpy: bool) -> Item | None:
    match = (_NUMPY_ITEM if numpy else _GOOGLE_ITEM).fullmatch(first.text.strip())
    if not match:
        return None
    names = re.sub(r"[`\\]", "", match[1])
    if numpy:
        return Item(names, (match[2] or "").strip(), parse(rest)) if rest or match[2] else None
    start = first.start + match.start(3)
    return Item(names, (match[2] or "").strip(), parse_loose(Line(match[3], start), rest) if match[3] else parse(rest))
