"""The scenario file: a prompt template, its variables and the constraints between them, read strictly.

Unlike in the training configuration a key with a plain meaning when it is absent may be left out: no weight is weight 1,
no probability is always there, no label is the value itself.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from gradus.config.explain import explain
from gradus.config.load import PROJECT, read_layer
from gradus.config.section import Name, Positive, PositiveFloat, PositiveFraction, Section
from gradus.errors import UserError

Scalar = str | int | float
VariableName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Values = Annotated[list[Scalar], Field(min_length=1)]
Number = Annotated[int | float, Field(ge=-1e15, le=1e15)]
LARGEST_RANGE = 100_000
MOST_TURNS = 20
SAMPLE = "config/scenarios.yaml shows every key"
_SHORT = re.compile(r"^(variables\.\w+)\.(\d+)")


class Value(Section):
    """One value of a variable: what constraints call it, what the prompt says, and further texts for the prompt."""

    value: Scalar
    label: Annotated[str, Field(min_length=1)] | None = None
    weight: PositiveFloat = 1.0
    attributes: dict[VariableName, Scalar] = Field(default_factory=dict)


class Range(Section):
    """Numbers from `min` to `max` by `step`; coverage counts them in bins, whose weights may be given."""

    min: Number
    max: Number
    step: Annotated[int | float, Field(gt=0)] = 1
    bins: Positive | None = None
    weights: Annotated[list[PositiveFloat], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def makes_sense(self) -> Range:
        if self.max - self.min >= LARGEST_RANGE * self.step:
            raise ValueError(f"a range may hold {LARGEST_RANGE:,} numbers, take a larger step")
        steps = (self.max - self.min) / self.step
        if round(steps) < 1 or abs(steps - round(steps)) > 1e-6:
            raise ValueError("max must be min plus a whole number of steps")
        if self.bins is not None and self.bins > round(steps) + 1:
            raise ValueError(f"has only {round(steps) + 1} numbers for {self.bins} bins")
        if self.weights is not None and len(self.weights) != self.bins:
            raise ValueError("weights needs bins, and one weight for each bin")
        return self

    def numbers(self) -> list[int | float]:
        """Every number of the range, without the noise of floating-point steps."""
        count = round((self.max - self.min) / self.step) + 1
        exact = [self.min + n * self.step for n in range(count)]
        return exact if all(isinstance(number, int) for number in exact) else [round(float(number), 9) for number in exact]


class Variable(Section):
    """Values to choose from, or a range of numbers; with a probability below 1 it is there only that often."""

    values: Annotated[list[Value], Field(min_length=1)] | None = None
    range: Range | None = None
    probability: PositiveFraction = 1.0

    @model_validator(mode="before")
    @classmethod
    def short_forms(cls, raw: Any) -> Any:
        """`[a, b]` stands for `{values: [a, b]}`, and `a` for `{value: a}`."""
        if isinstance(raw, list):
            raw = {"values": raw}
        if isinstance(raw, dict) and isinstance(raw.get("values"), list):
            values = [value if isinstance(value, dict) else {"value": value} for value in raw["values"]]
            raw = {**raw, "values": values}
        return raw

    @model_validator(mode="after")
    def one_of_two(self) -> Variable:
        if (self.values is None) == (self.range is None):
            raise ValueError("needs either values or a range")
        names = [value.value for value in self.values or []]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"the value {twice!r} stands twice")
        return self


class Condition(Section):
    """What a constraint says of one variable; all parts that are given must hold."""

    one_of: Values | None = None
    none_of: Values | None = None
    min: int | float | None = None
    max: int | float | None = None
    present: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def short_forms(cls, raw: Any) -> Any:
        """`a` and `[a, b]` stand for `{one_of: [a, b]}`."""
        if isinstance(raw, dict):
            return raw
        return {"one_of": raw if isinstance(raw, list) else [raw]}

    @model_validator(mode="after")
    def says_something(self) -> Condition:
        if all(part is None for _, part in self):
            raise ValueError("is empty; write a value, [a, b], or one_of, none_of, min, max, present")
        return self


Conditions = Annotated[dict[str, Condition], Field(min_length=1)]


class Constraint(Section):
    """`when` … `then`, or a combination to `exclude`."""

    when: Conditions | None = None
    then: Conditions | None = None
    exclude: Conditions | None = None

    @model_validator(mode="after")
    def one_form(self) -> Constraint:
        if (self.when is None) != (self.then is None) or (self.when is None) == (self.exclude is None):
            raise ValueError("needs either when and then, or exclude")
        return self

    def parts(self) -> dict[str, dict[str, Condition]]:
        """The conditions by the key under which they stand."""
        parts = {"when": self.when, "then": self.then, "exclude": self.exclude}
        return {key: conditions for key, conditions in parts.items() if conditions is not None}


class Sampling(Section):
    bins: Positive
    candidates: Annotated[int, Field(ge=1, le=1000)]
    follow_weights: Annotated[float, Field(ge=0, le=100)]


class Scenarios(Section):
    """The whole file."""

    name: Name
    mode: Literal["answer", "dialogue"]
    turns: Positive | str
    group_by: Annotated[list[str], Field(min_length=1)]
    sampling: Sampling
    assistant: str
    system: str
    prompt: Annotated[str, Field(min_length=1)]
    variables: Annotated[dict[VariableName, Variable], Field(min_length=2)]
    constraints: list[Constraint]

    @field_validator("turns")
    @classmethod
    def few_turns(cls, turns: int | str) -> int | str:
        if isinstance(turns, int) and turns > MOST_TURNS:
            raise ValueError(f"at most {MOST_TURNS} turns")
        return turns


def nearest(word: str, known: Mapping[str, object] | list[str]) -> str:
    """A cure for an unknown name: the nearest known one, else the known ones."""
    near = difflib.get_close_matches(word, list(known), 1, 0.6)
    if near:
        return f"Did you mean '{near[0]}'?"
    shown = list(known)[:8]
    return f"Known: {', '.join(shown)}{', …' if len(known) > len(shown) else ''}"


def scenario_path(name: str) -> Path:
    """The scenario file; a relative name is looked up in the project folder. Raises UserError when it is missing."""
    path = PROJECT / name
    if not path.is_file():
        raise UserError("scenario file not found", where=str(path), cure="Check extract.scenarios.file; config/scenarios.yaml is the one that ships")
    return path


class _Places(dict[str, str]):
    """Where each key stands; one that is not written where it counts (`<<: *common`) is placed where it would stand."""

    def __missing__(self, key: str) -> str:
        return self[key.rpartition(".")[0]]


def read_scenarios(path: Path) -> tuple[Scenarios, Mapping[str, str]]:
    """Read and check the file by itself; returns it with the place of each key. Raises UserError naming file, line and key."""
    layer = read_layer(path)
    # `leaf: [a, b]` is checked as `leaf: {values: [a, b]}`: the places are those of both forms.
    long_forms = {_SHORT.sub(r"\1.values.\2", key): place for key, place in layer.places.items()}
    places = _Places({"": f"{path}:1", **long_forms, **layer.places})
    try:
        return Scenarios.model_validate(layer.values), places
    except ValidationError as error:
        raise _in_our_words(explain(error, places, path, Scenarios), path) from error


def _in_our_words(found: UserError, path: Path) -> UserError:
    """A mistake with a cure that fits this file: it is no file of defaults, and its keys repeat in lists."""
    cure = SAMPLE if path.name in found.cure else found.cure
    if found.what.startswith("unknown key"):
        sections = (Scenarios, Sampling, Variable, Value, Range, Constraint, Condition)
        cure = nearest(found.what.strip("'").rpartition(".")[2], [key for section in sections for key in section.model_fields])
    return UserError(found.what, where=found.where, cure=cure)
