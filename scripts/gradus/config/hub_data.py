"""Sections of `collect:` about data sets of the Hugging Face hub."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, model_validator

from gradus.config.section import Positive, PositiveFloat, Section

_NAME = r"(?!.*(--|\.\.))\w[\w.-]{0,95}(/\w[\w.-]{0,95})?(?<![-.])(?<!\.git)"
Patterns = Annotated[list[str], Field(min_length=1)]


class HubDefaults(Section):
    revision: str
    files: Patterns
    max_rows: Positive
    max_mb: PositiveFloat
    timeout_seconds: PositiveFloat


class HubDataset(Section):
    """One entry of `collect.hub_datasets`; what is None is as `collect.hub` says. `licence` overrides the data set's card."""

    name: str
    revision: str | None = None
    files: Patterns | None = None
    max_rows: Positive | None = None
    licence: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        """`owner/name` stands for `{name: owner/name}`."""
        if isinstance(value, str):
            value = {"name": value}
        keys = ", ".join(cls.model_fields)
        if not isinstance(value, dict) or "name" not in value:
            raise ValueError(f"an entry is owner/name or {{name: owner/name, …}} with the keys {keys}")
        if unknown := sorted(map(str, value.keys() - cls.model_fields.keys())):
            raise ValueError(f"an entry has no key '{unknown[0]}'; there are {keys}")
        if not re.fullmatch(_NAME, str(value["name"])):
            raise ValueError(f"'{value['name']}' is no name of a data set of the hub; write owner/name")
        return value
