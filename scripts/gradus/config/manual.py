"""docs/CONFIG.md, made from the schema (types, ranges), the file of defaults (values, comments) and the steps (who reads what)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gradus.config.load import DEFAULT_CONFIG, read_layer
from gradus.config.schema import Config

HEAD = """# Every setting

Made by `make manual` from the typed configuration; a test keeps it equal. The values are the defaults of
`config/training_config.yaml`, the place to change them; `--set train.iterations=100` sets one for one run. A step whose settings
changed runs again, and so do the steps after it. "None" means that the setting has no influence on a result.
"""
_COMMENT = re.compile(r"""^(?:[^#"']|"[^"]*"|'[^']*'|(?<=\S)#)*?\s*(?<!\S)#\s?(.*)$""")
_NAMES = {int: "integer", float: "number", str: "text", bool: "true or false", dict: "mapping"}
_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


@dataclass(frozen=True)
class Entry:
    """One key with all that is known about it."""

    key: str
    type: str
    default: str
    read_by: tuple[str, ...]
    text: str


def entries(readers: Mapping[str, Sequence[str]]) -> list[Entry]:
    """Every key that is no section, in the order of the file.

    Args:
        readers: step name to the keys and sections it declares to read.
    """
    layer, lines = read_layer(DEFAULT_CONFIG), DEFAULT_CONFIG.read_text(encoding="utf-8").splitlines()
    numbers = {key: int(place.rpartition(":")[2]) for key, place in layer.places.items()}
    found = [
        Entry(key, describe(info), _shown(_value(layer.values, key)), _readers(key, readers), _text(key, lines, numbers))
        for key, info in leaves(Config)
    ]
    return sorted(found, key=lambda entry: numbers[entry.key])


def leaves(model: type[BaseModel], prefix: str = "") -> Iterable[tuple[str, FieldInfo]]:
    """Every key whose value is no section, with its field."""
    for name, info in model.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from leaves(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", info


def describe(info: FieldInfo) -> str:
    """The type of a field in words, with its range."""
    return _with_bounds(_type(info.annotation), info.metadata)


def _type(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _with_bounds(_type(parts[0]), parts[1:])
    if origin is Literal:
        return " or ".join(f"`{json.dumps(part) if isinstance(part, bool) else part}`" for part in parts)
    if origin in (Union, UnionType):
        return " or ".join("empty" if part is type(None) else _type(part) for part in parts)
    if origin in (list, tuple):
        return f"list of {_type(parts[0])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"{{{', '.join(annotation.model_fields)}}}"
    return _NAMES.get(origin or annotation, str(annotation))


def _with_bounds(name: str, metadata: Iterable[Any]) -> str:
    """Range, length and pattern, as pydantic keeps them beside the type."""
    rules: list[str] = []
    for rule in _rules(metadata):
        rules += [f"{sign} {value}" for bound, sign in _BOUNDS.items() if (value := getattr(rule, bound, None)) is not None]
        lengths = (getattr(rule, "min_length", None), getattr(rule, "max_length", None))
        rules += [f"{word} {length} entries" for word, length in zip(("at least", "at most"), lengths, strict=True) if length]
        rules += [f"matching `{rule.pattern}`"] if getattr(rule, "pattern", None) else []
    return ", ".join([name, *rules])


def _rules(metadata: Iterable[Any]) -> Iterable[Any]:
    """Single rules: `Field(...)` inside Annotated carries several."""
    for rule in metadata:
        yield from rule.metadata if isinstance(rule, FieldInfo) else [rule]


def _text(key: str, lines: Sequence[str], numbers: Mapping[str, int]) -> str:
    """The comment of a key, or in brackets that of the nearest section around it."""
    if own := comment(lines, numbers[key]):
        return own
    around = [key.rsplit(".", depth)[0] for depth in range(1, key.count(".") + 1)]
    return next((f"({text})" for section in around if (text := comment(lines, numbers[section]))), "")


def comment(lines: Sequence[str], number: int) -> str:
    """The comment of the key in line `number` (from 1): behind its value, then in the lines below that hold nothing else."""
    parts = [found.group(1)] if (found := _COMMENT.match(lines[number - 1])) else []
    depth = len(lines[number - 1]) - len(lines[number - 1].lstrip())
    for line in lines[number:] if parts else []:
        text = line.strip()
        if not text.startswith("#") or len(line) - len(line.lstrip()) <= depth:
            break
        parts.append(text.lstrip("# "))
    return " ".join(part.strip() for part in parts)


def render(found: Sequence[Entry]) -> str:
    """The whole page: a table a section."""
    page = [HEAD]
    for section in dict.fromkeys(entry.key.partition(".")[0] for entry in found):
        page.append(f"## {section}\n\n| setting | type | default | read by | what it is for |\n|---|---|---|---|---|")
        page += [_row(entry) for entry in found if entry.key.partition(".")[0] == section]
        page.append("")
    return "\n".join(page)


def _row(entry: Entry) -> str:
    # inside a table a bar ends the cell, in code too
    cells = (f"`{entry.key}`", entry.type, f"`{entry.default}`", ", ".join(entry.read_by) or "none", entry.text)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _readers(key: str, readers: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    return tuple(
        step[:2] for step, keys in readers.items() if any(key == one or key.startswith(f"{one}.") or one.startswith(f"{key}.") for one in keys)
    )


def _value(values: Mapping[str, Any], key: str) -> Any:
    for part in key.split("."):
        values = values[part]
    return values


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value or '""'
