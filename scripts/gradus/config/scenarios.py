"""The keys of extract.scenarios: which scenario file is used, and how many examples are made from it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gradus.config.curate import NearDuplicates
from gradus.config.section import Positive, Section


class ScenarioSettings(Section):
    file: str
    count: Annotated[int, Field(ge=1, le=1_000_000)]
    extra: Annotated[float, Field(ge=0, le=10)]
    temperature: Annotated[float, Field(ge=0, le=2)]
    max_tokens: Positive
    near_duplicates: NearDuplicates
