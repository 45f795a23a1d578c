"""Section `evaluate.embedding`: the sentence encoder behind the content score."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gradus.config.section import OFF_IS_A_WORD, PositiveFloat, Section


class Embedding(Section):
    model: Annotated[str, Field(min_length=1), OFF_IS_A_WORD]
    package: str
    hub: str
    revision: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    timeout_seconds: PositiveFloat
