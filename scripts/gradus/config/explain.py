"""Turn pydantic's finding into one line: which key, where it stands, what is wrong with it, what to write instead."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from gradus.config.schema import Config
from gradus.errors import UserError

LONGEST_VALUE = 60
NEAR = 0.7
_WORDS = {
    "model_type": ("should be a section of keys", "Write its keys below it, indented"),
    "string_type": ("should be text", "Put it in quotes, which keep a number or yes/no from being read as such"),
    "list_type": ("should be a list", "Write it as [first, second]"),
    "invalid_key": ("holds a key that is no text", "Put it in quotes: YAML reads numbers, yes, no, on and off as values"),
    "string_pattern_mismatch": ("is no valid name", "Use letters, digits, dot, dash and underscore, at most 64, a letter or digit first"),
}


def explain(error: ValidationError, places: dict[str, str], default: Path, model: type[BaseModel] = Config) -> UserError:
    """The first mistake of a validation as a `UserError`.

    Args:
        places: file and line of every key that was read.
        default: the file of defaults, named when a key stands nowhere.
        model: what was validated, to suggest the nearest known key.
    """
    # A misspelt key is also missing under its right name: the misspelling is the mistake to tell.
    problem = min(error.errors(include_url=False), key=lambda found: found["type"] != "extra_forbidden")
    location = [str(part) for part in problem["loc"]]
    # The location also names branches of a union; the longest part of it that stands in a file is the key.
    key = next((k for n in range(len(location), 0, -1) if (k := ".".join(location[:n])) in places), ".".join(location))
    where = places.get(key, str(default))
    manual = f"{default.parent.name}/{default.name}"
    if problem["type"] == "extra_forbidden":
        # What an anchor brought in stands elsewhere.
        unknown = key if f".{key}".endswith(f".{location[-1]}") else f"{key}.{location[-1]}"
        cure = _nested(location[-1]) if "." in location[-1] else _did_you_mean(unknown, model, manual)
        return UserError(f"unknown key '{unknown}'", where=where, cure=cure)
    if problem["type"] == "missing":
        cure = f"Put it back into {default.name}, which holds every key with its default"
        return UserError(f"key '{'.'.join(location)}' is missing", where=where, cure=cure)
    message, cure = _WORDS.get(problem["type"]) or (_lower(problem["msg"]), f"{manual} says what it does")
    return UserError(f"key '{key}': {message}{_got(problem['input'])}", where=where, cure=cure)


def _lower(text: str) -> str:
    text = text.removeprefix("Value error, ").removeprefix("Input ")
    return text[0].lower() + text[1:]


def _got(value: object) -> str:
    """What stood there, when that is short enough to help; a whole section is not."""
    if isinstance(value, dict | BaseModel):
        return ""
    shown = "nothing" if value is None else repr(value)
    return f", got {shown}" if len(shown) <= LONGEST_VALUE else f", got {shown[:LONGEST_VALUE]}…"


def _nested(dotted: str) -> str:
    """How a dotted key, as `--set` takes it, is written in a file."""
    parts = dotted.split(".")
    return f"In a file keys stand inside each other: {': {'.join(parts)}: …{'}' * (len(parts) - 1)}"


def _did_you_mean(key: str, model: type[BaseModel], manual: str) -> str:
    """The nearest known key: first among its neighbours, then by its own name anywhere, then by the whole path."""
    known = known_keys(model)
    section, _, name = key.rpartition(".")
    names = {k.rpartition(".")[2]: k for k in reversed(known)}
    neighbours = {n: k for k in known if k.rpartition(".")[0] == section and (n := k.rpartition(".")[2])}
    for word, choices in ((name, neighbours), (name, names), (key, {k: k for k in known})):
        if near := difflib.get_close_matches(word, choices, 1, NEAR):
            return f"Did you mean '{choices[near[0]]}'?"
    return f"{manual} lists every key"


def known_keys(model: type[BaseModel] = Config, prefix: str = "") -> list[str]:
    """Every dotted key of a configuration, sections included, in the order of the schema."""
    keys: list[str] = []
    for name, info in model.model_fields.items():
        keys.append(prefix + name)
        for inner in _sections(info.annotation):
            keys += known_keys(inner, f"{prefix}{name}.")
    return keys


def _sections(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is list:
        return []  # the keys of a list's entries are no keys of the configuration
    return [section for part in get_args(annotation) for section in _sections(part)]
