"""Read YAML layers into a `Config`, so that every mistake is told with its file, line and key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from gradus.config.explain import explain
from gradus.config.schema import Config
from gradus.errors import UserError

PROJECT = Path(__file__).resolve().parents[3]
DEFAULT_CONFIG = PROJECT / "config" / "training_config.yaml"
_KEY = re.compile(r"^[A-Za-z_]\w*(\.\w+)*$")


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which also reads `1e-4` as a number (YAML 1.2) instead of a string, and names the line of `2024-13-45`."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:  # what looks like a date or a number and is none
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from error


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789"))


@dataclass(frozen=True)
class Layer:
    """One source of settings: nested values, and for each dotted key where it stands."""

    values: dict[str, Any]
    places: dict[str, str]


def read_layer(path: Path) -> Layer:
    """Parse one YAML file. Raises UserError for a missing, unreadable or broken file and for a repeated key."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        cure = "Restore it, say with git checkout" if path == DEFAULT_CONFIG else "Check --config"
        raise UserError(f"cannot read the configuration ({error.strerror})", where=str(path), cure=cure) from error
    except UnicodeDecodeError as error:
        raise UserError("the configuration is not UTF-8 text", where=str(path), cure="Save it as UTF-8") from error
    return _parse(text, str(path))


def _parse(text: str, name: str) -> Layer:
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return Layer({}, {})
        if not isinstance(node, yaml.MappingNode):
            raise UserError("the configuration must be a mapping of keys", where=name, cure="Start from config/training_config.yaml")
        places: dict[str, str] = {}
        _note_places(node, "", name, places)
        return Layer(loader.construct_document(node), places)
    except yaml.MarkedYAMLError as error:
        where = f"{name}:{error.problem_mark.line + 1}" if error.problem_mark else name
        raise UserError(f"broken YAML ({error.problem})", where=where, cure="Check indentation (spaces, no tabs) and quotes there") from error
    except yaml.YAMLError as error:
        raise UserError(f"broken YAML ({str(error).splitlines()[0]})", where=name, cure="Save it as plain UTF-8 text") from error
    except RecursionError as error:
        raise UserError("an anchor of the YAML contains itself, or it is nested too deeply", where=name, cure="Write it out") from error


def _note_places(node: yaml.Node, prefix: str, name: str, places: dict[str, str]) -> None:
    """Note file and line of every key below `node`, `a.0.b` for lists, and refuse a key that stands twice."""
    if isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            places[f"{prefix}{index}"] = f"{name}:{value.start_mark.line + 1}"
            _note_places(value, f"{prefix}{index}.", name, places)
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        dotted = f"{prefix}{key.value}"
        place = f"{name}:{key.start_mark.line + 1}"
        if dotted in places:
            raise UserError(f"key '{dotted}' stands twice", where=place, cure=f"Keep one of them, the other is {places[dotted]}")
        places[dotted] = place
        _note_places(value, f"{dotted}.", name, places)


def parse_setting(setting: str) -> Layer:
    """Turn `a.b=c` into a layer; the value is YAML, or plain text where YAML would see a mapping.

    Raises:
        UserError: when it has another form, or the value is broken YAML.
    """
    key, _, text = setting.partition("=")
    if "=" not in setting or not _KEY.match(key):
        raise UserError(f"'{setting}' is not of the form key=value", where="--set", cure="Write for example --set train.iterations=200")
    where = f"--set {setting}"
    value: Any = _setting_value(text, where)
    places = {}
    for end in range(key.count(".") + 1, 0, -1):
        parts = key.split(".")[:end]
        value = {parts[-1]: value}
        places[".".join(parts)] = where
    return Layer(value, places)


def _setting_value(text: str, where: str) -> Any:
    try:
        value = yaml.load(text, _Loader) if text.strip() else ""  # noqa: S506  _Loader is a SafeLoader
        flattened({"": value})  # an anchor that contains itself has no end
    except (yaml.YAMLError, RecursionError) as error:
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UserError(f"broken YAML ({problem})", where=where, cure="Put the value in quotes") from error
    # "Answer: short" is meant as text; a mapping is written {a: b}.
    return text if isinstance(value, dict) and not text.lstrip().startswith("{") else value


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _without_replaced(places: dict[str, str], layer: Layer) -> dict[str, str]:
    """The places but those inside a value that the layer replaces, say the entries of a list."""
    replaced = [f"{key}." for key in flattened(layer.values)]
    return {key: place for key, place in places.items() if not any(key.startswith(prefix) for prefix in replaced)}


def flattened(values: dict[Any, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as `{dotted key: value}`; what is empty has none."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= flattened(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def merge_layers(files: list[Path], settings: list[str], *, default: Path = DEFAULT_CONFIG) -> Layer:
    """The default file, then each of `files`, then each `a.b=c` of `settings`, later over earlier; as written, not yet checked.

    Raises:
        UserError: when one of them cannot be read.
    """
    layers = [read_layer(path) for path in [default, *files]] + [parse_setting(s) for s in settings]
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    for layer in layers:
        values = _merge(values, layer.values)
        places = _without_replaced(places, layer) | layer.places
    return Layer(values, places)


def load_config(files: list[Path] | None = None, settings: list[str] | None = None, *, default: Path = DEFAULT_CONFIG) -> Config:
    """Read the default file, then each of `files`, then each `a.b=c` of `settings`, later over earlier.

    Raises:
        UserError: for a broken file, an unknown key (with the nearest known one), a wrong type or range, a missing
            key and an impossible combination; the message names file, line and key.
    """
    merged = merge_layers(files or [], settings or [], default=default)
    try:
        return Config.model_validate(merged.values)
    except ValidationError as error:
        raise explain(error, merged.places, default) from error
