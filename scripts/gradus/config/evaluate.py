"""The keys of 07_evaluate."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from gradus.config.embedding import Embedding
from gradus.config.section import Positive, PositiveFraction, Section
from gradus.config.teacher import Teacher


class Judge(Teacher):
    """The keys of a teacher, and what a judge is told and shown."""

    rubric: str
    source_characters: Positive


class Submissions(Section):
    scale: Positive
    there: PositiveFraction
    partly: PositiveFraction

    @model_validator(mode="after")
    def in_order(self) -> Submissions:
        if self.partly >= self.there:
            raise ValueError("partly must be below there")
        return self


class Evaluate(Section):
    questions: Positive
    max_tokens: Positive
    batch_size: Positive
    rubric: str
    embedding: Embedding
    bootstrap_samples: Annotated[int, Field(ge=100)]
    length_words: Annotated[list[Positive], Field(min_length=2, max_length=2)]
    current: bool
    judge: Judge
    submissions: Submissions

    @model_validator(mode="after")
    def lengths_ascend(self) -> Evaluate:
        if self.length_words[0] >= self.length_words[1]:
            raise ValueError("length_words: the bound of short must be below that of medium")
        return self
