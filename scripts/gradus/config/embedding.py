"""Section `evaluate.embedding`: the sentence encoder behind the content score."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from gradus.config.section import PositiveFloat, Section


class Embedding(Section):
    model: Annotated[str, Field(min_length=1)]
    package: str
    hub: str
    revision: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    timeout_seconds: PositiveFloat

    @field_validator("model", mode="before")
    @classmethod
    def off_is_a_word(cls, value: object) -> object:
        """YAML 1.1 reads a bare `off` as false."""
        return "off" if value is False else value
