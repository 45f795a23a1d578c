"""The keys of 03_curate, and of what counts as the same, which 05_prepare reads too."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from gradus.config.section import Count, Positive, PositiveFloat, PositiveFraction, Section

Weight = PositiveFloat | Literal[0]


class QualityWeights(Section):
    length: Weight
    completeness: Weight
    formatting: Weight
    repetition: Weight
    relevance: Weight
    refusal: Weight
    encoding: Weight
    language: Weight

    @model_validator(mode="after")
    def one_counts(self) -> QualityWeights:
        if not any(weight for _, weight in self):
            raise ValueError("every weight is 0, so there is no quality score; give one signal a weight")
        return self


class QualityBounds(Section):
    minimum_words: Positive
    maximum_words: Positive
    mean_word_letters: Annotated[list[PositiveFloat], Field(min_length=2, max_length=2)]
    words_with_letter: PositiveFraction
    paragraph_words: Positive
    duplicate_lines: PositiveFraction
    ngram_words: Positive
    top_ngrams: Annotated[list[PositiveFraction], Field(min_length=3, max_length=3)]
    duplicate_ngrams: Annotated[list[PositiveFraction], Field(min_length=6, max_length=6)]
    distinct_words: PositiveFraction
    compared_terms: Positive
    shared_terms: PositiveFraction
    refusal_words: Positive
    alphanumeric: PositiveFraction
    damaged_characters: PositiveFraction
    language_words: Positive
    language_confidence: PositiveFraction
    language_share: PositiveFraction

    @model_validator(mode="after")
    def in_order(self) -> QualityBounds:
        if self.minimum_words >= self.maximum_words or self.mean_word_letters[0] >= self.mean_word_letters[1]:
            raise ValueError("a least bound must be below its most (words, mean_word_letters)")
        return self


class NearDuplicates(Section):
    threshold: PositiveFraction
    permutations: Annotated[int, Field(ge=16, le=1024)]
    shingle_words: Positive
    minimum_recall: Annotated[float, Field(gt=0, lt=1)]


class Likeness(NearDuplicates):
    """When two conversations say the same: near-duplicates with the weights of their parts."""

    question_weight: Annotated[int, Field(ge=0, le=8)]
    answer_weight: Annotated[int, Field(ge=0, le=8)]

    @model_validator(mode="after")
    def one_is_compared(self) -> Likeness:
        if not self.question_weight + self.answer_weight:
            raise ValueError("question_weight and answer_weight are both 0, so nothing is compared; give one of them a weight")
        return self


class Decontamination(Section):
    ngram_words: Positive
    overlap: PositiveFraction


class Curate(Section):
    keep_fraction: PositiveFraction
    weights: QualityWeights
    languages: list[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]]
    bounds: QualityBounds
    near_duplicates: Likeness
    decontaminate: list[Annotated[str, Field(min_length=1)]]
    decontamination: Decontamination
    personal_data: Literal["mask", "remove", "keep"]
    phone_regions: list[Annotated[str, Field(pattern=r"^[A-Z]{2}$")]]
    max_line_mb: PositiveFloat
    processes: Count

    @field_validator("languages", "phone_regions", mode="before")
    @classmethod
    def norway_is_no_truth_value(cls, value: object, info: ValidationInfo) -> object:
        """YAML 1.1 reads a bare `no` as false."""
        word = "no" if info.field_name == "languages" else "NO"
        return [word if one is False else one for one in value] if isinstance(value, list) else value
