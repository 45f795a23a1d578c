"""The keys of teaching: questions and answers that the teacher writes from chunks of documents, checked by grounding."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gradus.config.section import Count, Fraction, Positive, PositiveFraction, Section


class Grounding(Section):
    minimum: PositiveFraction
    quote_likeness: PositiveFraction
    neighbours: Positive
    borrowed: Fraction


class Teach(Section):
    formats: list[Literal["markdown", "text", "api"]]
    chunk_tokens: Annotated[int, Field(ge=64)]
    overlap_tokens: Count
    pairs_per_chunk: Positive
    same_question: PositiveFraction
    instructions: Annotated[str, Field(min_length=1)]
    grounding: Grounding

    @model_validator(mode="after")
    def overlap_is_smaller(self) -> Teach:
        if self.overlap_tokens * 2 > self.chunk_tokens:
            raise ValueError(f"overlap_tokens ({self.overlap_tokens}) must be at most half of chunk_tokens ({self.chunk_tokens})")
        return self
