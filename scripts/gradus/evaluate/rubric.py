"""The rubric: criteria, weights, targets, letters and control limits, read strictly from its YAML file."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from gradus.config.explain import explain
from gradus.config.load import PROJECT, read_layer
from gradus.config.section import Fraction, Positive, PositiveFloat, PositiveFraction, Section
from gradus.errors import UserError

Weight = Annotated[float, Field(ge=0, le=1000)]
Percent = Annotated[float, Field(ge=0, le=100)]
Letter = Annotated[str, Field(min_length=1)]
MEANING = ("alignment", "context")
OVERLAPS = ("key_terms", "fragments", "token_f1", "rouge_l", "consistency")
EXACT = ("numbers", "identifiers")
FormattingName = Literal["bold", "lists", "headings", "tables", "code", "language", "closed", "length", "finished"]


class Weights(Section):
    formatting: Fraction
    content: Fraction

    @model_validator(mode="after")
    def make_one(self) -> Weights:
        if abs(self.formatting + self.content - 1) > 1e-9:
            raise ValueError("formatting and content must add up to 1")
        return self


class Criterion(Section):
    """A formatting criterion: its weight in the formatting score, and the mean value to reach."""

    weight: Weight
    target: Fraction


class FormattingCriteria(Section):
    bold: Criterion
    lists: Criterion
    headings: Criterion
    tables: Criterion
    code: Criterion
    language: Criterion
    closed: Criterion
    length: Criterion
    finished: Criterion

    @model_validator(mode="after")
    def one_always_counts(self) -> FormattingCriteria:
        if self.length.weight + self.finished.weight <= 0:
            raise ValueError("length and finished count for every answer, one of them needs a weight above 0")
        return self


class LengthRange(Section):
    shortest: PositiveFloat
    longest: PositiveFloat

    @model_validator(mode="after")
    def holds_the_reference(self) -> LengthRange:
        if not self.shortest <= 1 <= self.longest:
            raise ValueError("the range must hold 1, the length of the reference itself")
        return self


class Formatting(Section):
    target: Fraction
    enough: Annotated[float, Field(gt=0, le=1)]
    most_bold: Annotated[float, Field(gt=0, le=1)]
    length_range: LengthRange
    criteria: FormattingCriteria
    called_for_by_kind: dict[str, list[FormattingName]]


class Terms(Section):
    common: Annotated[float, Field(gt=0, le=8)]
    asked: Fraction
    spelling_length: Positive
    spelling_likeness: Annotated[float, Field(gt=0, le=1)]


class Meaning(Section):
    layer: Positive
    unrelated: Annotated[float, Field(ge=0, lt=1)]
    same: Annotated[float, Field(gt=0, le=1)]

    @model_validator(mode="after")
    def ascends(self) -> Meaning:
        if self.unrelated >= self.same:
            raise ValueError("unrelated must be below same")
        return self


class Measure(Section):
    """A content measure: its weights, and the value that unrelated texts reach by chance, which counts as 0."""

    weight: Weight
    by_words: Weight
    """Its weight when there is no sentence encoder."""
    chance: Annotated[float, Field(ge=0, lt=1)]

    def value(self, raw: float) -> float:
        """A raw measure on the scale from chance (0) to that of the reference itself (1)."""
        return min(1.0, max(0.0, (raw - self.chance) / (1 - self.chance)))


class Measures(Section):
    alignment: Measure
    context: Measure
    key_terms: Measure
    fragments: Measure
    token_f1: Measure
    rouge_l: Measure
    consistency: Measure
    numbers: Measure
    identifiers: Measure

    @model_validator(mode="after")
    def one_always_counts(self) -> Measures:
        if sum(getattr(self, name).by_words for name in OVERLAPS) <= 0:
            raise ValueError(f"one of {', '.join(OVERLAPS)} needs a weight by_words above 0")
        if sum(getattr(self, name).weight for name in (*MEANING, *OVERLAPS)) <= 0:
            raise ValueError(f"one of {', '.join((*MEANING, *OVERLAPS))} needs a weight above 0")
        if any(getattr(self, name).by_words for name in MEANING):
            raise ValueError(f"{', '.join(MEANING)} need an encoder, so by_words must be 0")
        return self

    @property
    def weighs_meaning(self) -> bool:
        """Whether a measure that needs a sentence encoder counts."""
        return any(getattr(self, name).weight for name in MEANING)


class Repetition(Section):
    run_words: Positive


class Content(Section):
    target: Fraction
    terms: Terms
    meaning: Meaning
    measures: Measures
    full: PositiveFraction
    full_by_words: PositiveFraction
    curve: PositiveFraction
    brevity: Annotated[float, Field(ge=0, le=1)]
    echo_from: Annotated[float, Field(ge=0, lt=1)]
    repetition: Repetition


class ControlLimits(Section):
    reference_at_least: Percent
    shuffled_below: Percent
    repetition_below: Percent
    repetition_times: Annotated[int, Field(ge=1, le=1000)]
    echo_below: Percent
    empty_below: Percent

    @model_validator(mode="after")
    def reference_on_top(self) -> ControlLimits:
        if self.reference_at_least < max(self.shuffled_below, self.repetition_below, self.echo_below, self.empty_below):
            raise ValueError("reference_at_least must not be under the limit of another control")
        return self


class Statistics(Section):
    significance: Annotated[float, Field(gt=0, lt=0.5)]
    tie_points: Annotated[float, Field(ge=0, le=100)]
    few_questions: Positive


class Rubric(Section):
    """The whole rubric."""

    scale: dict[Letter, Percent]
    target: Percent
    weights: Weights
    formatting: Formatting
    content: Content
    controls: ControlLimits
    statistics: Statistics

    @field_validator("scale")
    @classmethod
    def descends_to_zero(cls, scale: dict[str, float]) -> dict[str, float]:
        """Best letter first, each lower than the one before, the last at 0 so that every percentage has a letter."""
        for (above, high), (letter, low) in pairwise(scale.items()):
            if low >= high:
                raise ValueError(f"letter {letter} must be below {above}, the best comes first")
        if not scale or list(scale.values())[-1] != 0:
            raise ValueError("the last letter must begin at 0")
        return scale

    def letter(self, percent: float) -> str:
        """The letter of a percentage; taken at one decimal, as it is shown."""
        shown = round(percent, 1)
        return next(letter for letter, lowest in self.scale.items() if shown >= lowest)

    def by_words(self) -> Rubric:
        """The same rubric for when there is no sentence encoder: the weights by words take the place of the others."""
        own = self.content.measures
        changed = {name: (one := getattr(own, name)).model_copy(update={"weight": one.by_words}) for name in type(own).model_fields}
        content = self.content.model_copy(update={"measures": own.model_copy(update=changed), "full": self.content.full_by_words})
        return self.model_copy(update={"content": content})


def rubric_path(name: str) -> Path:
    """The file of a rubric, for grading or for the judge; a relative name is looked up in the project. Raises UserError when it is missing."""
    path = PROJECT / name
    if not path.is_file():
        cure = "Check evaluate.rubric and evaluate.judge.rubric; config/rubric.yaml and config/judge.md are those that ship"
        raise UserError("rubric not found", where=str(path), cure=cure)
    return path


def load_rubric(path: Path) -> Rubric:
    """Read and check a rubric. Raises UserError naming file, line and key of the first mistake."""
    layer = read_layer(path)
    try:
        return Rubric.model_validate(layer.values)
    except ValidationError as error:
        raise explain(error, layer.places, path, Rubric) from error
