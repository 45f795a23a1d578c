"""Sphinx's field lists (`:param x: …`, `:returns: …`) as the lists of entries that other styles write."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from gradus.extract.lines import Line

_FIELD = re.compile(r":(\w+)(?:[ \t]+((?:[^:`\n]|:class:`[^`]*`)+?))?:(?:[ \t]+(.*))?")
_PARAMETER = frozenset("param parameter arg argument key keyword kwarg kwparam".split())
_RAISES = frozenset("raise raises except exception".split())
_OTHER = frozenset("type return returns rtype yield yields ytype var ivar cvar vartype meta".split())
_KNOWN = _PARAMETER | _RAISES | _OTHER
_ROLE = re.compile(r":[\w:-]+:`~?([^`<]+?)(?:\s*<[^>]*>)?`")


@dataclass
class Fields:
    """The entries of a docstring's field lists, written as `name (type): text`, and the lines that belong to none."""

    rest: list[Line] = field(default_factory=list)
    entries: dict[str, list[Line]] = field(default_factory=dict)
    """Under `parameters`, `returns`, `yields`, `raises`, `attributes`."""


def fields_of(lines: list[Line]) -> Fields:
    """Take field lists out of the lines of a docstring. What a `:type` or `:rtype:` says goes into the entry that it is about."""
    found = Fields()
    types: dict[str, str] = {}
    entries: list[tuple[str, str, list[Line]]] = []
    at = 0
    while at < len(lines):
        match = _FIELD.fullmatch(lines[at].text.rstrip())
        if not match or match[1] not in _KNOWN:
            found.rest.append(lines[at])
            at += 1
            continue
        end = _end(lines, at + 1)
        name, text = (match[2] or "").strip(), (match[3] or "").strip()
        if match[1] in ("type", "rtype", "ytype", "vartype"):
            types[name or match[1]] = _ROLE.sub(r"\1", " ".join([text, *(line.text.strip() for line in lines[at + 1 : end])])).strip()
        else:
            entries.append((match[1], name, [replace(lines[at], text=text), *_hanging(lines[at + 1 : end])]))
        at = end
    for kind, name, body in entries:
        _add(found, kind, name, body, types)
    return found


def _end(lines: list[Line], at: int) -> int:
    """Index after the lines that go on with a field: indented ones, and those that follow without a blank line."""
    while at < len(lines) and not lines[at].blank and not _FIELD.match(lines[at].text):
        at += 1
    following = at
    while following < len(lines) and (lines[following].blank or lines[following].indent):
        following += 1
        at = following if not lines[following - 1].blank else at
    return at


def _hanging(lines: list[Line]) -> list[Line]:
    """The further lines of an entry, all indented."""
    return [line if line.blank or line.indent else replace(line, text="    " + line.text, start=line.start) for line in lines]


def _add(found: Fields, kind: str, name: str, body: list[Line], types: dict[str, str]) -> None:
    text = body[0].text
    if not text and len(body) == 1:
        return
    if kind in _PARAMETER or kind in ("var", "ivar", "cvar"):
        of_type, _, shown = name.rpartition(" ")
        optional = re.match(r"\((optional)\)[,:]? *", text)
        written = ", ".join(filter(None, [_ROLE.sub(r"\1", of_type) or types.get(shown, ""), optional[1] if optional else ""]))
        head = f"{shown} ({written}): " if written and written.count("(") == written.count(")") else f"{shown}: "
        _put(found, "parameters" if kind in _PARAMETER else "attributes", head + text[optional.end() if optional else 0 :], body)
    elif kind in _RAISES and name:
        _put(found, "raises", _ROLE.sub(r"\1", name) + f": {text}", body)
    elif kind.startswith(("return", "yield")):
        of_type = types.get("rtype" if kind.startswith("return") else "ytype", "")
        simple = re.fullmatch(r"[A-Za-z_][\w.]*(?:\[[\w., |\[\]]+\])?", of_type) is not None
        _put(found, "returns" if kind.startswith("return") else "yields", f"{of_type}: {text}" if simple else text, body)


def _put(found: Fields, section: str, head: str, body: list[Line]) -> None:
    found.entries.setdefault(section, []).extend([replace(body[0], text=head), *body[1:]])
