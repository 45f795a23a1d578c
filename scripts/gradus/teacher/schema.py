"""Whether a value keeps to a JSON Schema, for the part of the standard that requests use.

Known are type (one or a list), properties, required, additionalProperties false, items, enum, minItems, maxItems,
minLength and maxLength; another keyword is an error of the program, so that no rule is passed over in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "null": (type(None),),
}  # fmt: skip
_BOUNDS = {"minItems", "maxItems", "minLength", "maxLength"}
_KNOWN = {"type", "properties", "required", "additionalProperties", "items", "enum", "title", "description"} | _BOUNDS


def mistake(value: Any, schema: dict[str, Any], place: str = "the answer") -> str | None:
    """The first way in which `value` breaks `schema`, with its place; None when it keeps to it.

    Raises:
        ValueError: for a keyword that is not known here.
    """
    if unknown := sorted(schema.keys() - _KNOWN):
        raise ValueError(f"schema keywords {unknown} are not supported")
    return next(_mistakes(value, schema, place), None)


def _mistakes(value: Any, schema: dict[str, Any], place: str) -> Iterator[str]:
    types = schema.get("type", list(_TYPES))
    names = [types] if isinstance(types, str) else types
    if not any(_is(value, name) for name in names):
        yield f"{place} must be {' or '.join(names)}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{place} must be one of {schema['enum']}"
    elif isinstance(value, dict):
        yield from _object(value, schema, place)
    elif isinstance(value, list):
        yield from _size(value, schema, "Items", "items", place)
        for number, item in enumerate(value):
            if found := mistake(item, schema.get("items", {}), f"{place}[{number}]"):
                yield found
    elif isinstance(value, str):
        yield from _size(value, schema, "Length", "characters", place)


def _is(value: Any, name: str) -> bool:
    """JSON tells true from 1, Python does not."""
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _object(value: dict[str, Any], schema: dict[str, Any], place: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    yield from (f"{place} lacks the key '{key}'" for key in schema.get("required", ()) if key not in value)
    if schema.get("additionalProperties", True) is False:
        yield from (f"{place} has the unknown key '{key}'" for key in value if key not in properties)
    for key, inner in properties.items():
        if key in value and (found := mistake(value[key], inner, f"{place}.{key}")):
            yield found


def _size(value: list[Any] | str, schema: dict[str, Any], bound: str, what: str, place: str) -> Iterator[str]:
    if len(value) < schema.get(f"min{bound}", 0):
        yield f"{place} must have at least {schema[f'min{bound}']} {what}"
    elif len(value) > schema.get(f"max{bound}", len(value)):
        yield f"{place} must have at most {schema[f'max{bound}']} {what}"
