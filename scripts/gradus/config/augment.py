"""The keys of 04_augment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gradus.config.section import Count, Fraction, Positive, PositiveFloat, PositiveFraction, Section

Ratio = Annotated[list[PositiveFloat], Field(min_length=2, max_length=2)]
Language = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z -]{1,40}$")]


class LengthRatios(Section):
    short: Ratio
    medium: Ratio
    long: Ratio

    @model_validator(mode="after")
    def in_order(self) -> LengthRatios:
        if any(least >= most for least, most in (self.short, self.medium, self.long)):
            raise ValueError("a least ratio must be below its most")
        return self


class Augment(Section):
    goal_factor: Annotated[float, Field(ge=1)]
    question_variants: Count
    maximum_similarity: PositiveFraction
    use_teacher: bool
    paraphrases: Annotated[int, Field(ge=0, le=10)]
    back_translation: list[Language]
    length_variants: list[Literal["short", "medium", "long"]]
    length_ratios: LengthRatios
    shorten_words: Positive
    source_characters: Positive
    minimum_similarity: Fraction
    minimum_support: Fraction
    language_words: Positive
    language_confidence: Fraction

    @model_validator(mode="after")
    def makes_sense(self) -> Augment:
        if self.use_teacher and not (self.paraphrases or self.back_translation or self.length_variants):
            raise ValueError("use_teacher is on, and paraphrases, back_translation and length_variants are all off; switch one on")
        if self.minimum_similarity >= self.maximum_similarity:
            raise ValueError("minimum_similarity must be below maximum_similarity")
        if any(len(set(names)) < len(names) for names in (self.back_translation, self.length_variants)):
            raise ValueError("back_translation or length_variants names one twice")
        return self
