"""What every section of the configuration is built of: the closed, frozen base class, and the types of its numbers."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
PositiveFraction = Annotated[float, Field(gt=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
OFF_IS_A_WORD = BeforeValidator(lambda value: "off" if value is False else value)
"""For a field that may be `off`, which YAML 1.1 reads as false."""


class Section(BaseModel):
    """A group of keys: frozen, strict about types, closed to unknown keys and to infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
