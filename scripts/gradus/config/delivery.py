"""Sections of 10_fuse and 11_quantize, and how near each model on the way to the user must stay to the graded one."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from gradus.config.section import Fraction, Positive, PositiveFloat, Section

_BITS = "[234568]"
_RECIPE = re.compile(rf"{_BITS}|mixed_(2_6|3_4|3_6|4_6)|dynamic_{_BITS}_{_BITS}|gptq_[248]|awq_{_BITS}|dwq_[23456]")


def _known(recipe: int | str) -> int | str:
    if isinstance(recipe, bool) or not _RECIPE.fullmatch(str(recipe)):
        raise ValueError("no recipe: there are 2, 3, 4, 5, 6, 8, mixed_2_6, mixed_3_4, mixed_3_6, mixed_4_6, dynamic_4_8, gptq_4, awq_4, dwq_4")
    if str(recipe).startswith("dynamic") and str(recipe)[8] >= str(recipe)[10]:
        raise ValueError("a dynamic recipe names the lower bits first, say dynamic_4_8")
    return recipe


Recipe = Annotated[int | str, AfterValidator(_known)]


def _known_or_auto(recipe: int | str) -> int | str:
    return recipe if recipe == "auto" else _known(recipe)


class FidelityLimits(Section):
    max_loss_difference: PositiveFloat
    min_equal_answers: Fraction


class Fidelity(Section):
    questions: Positive
    answer_tokens: Positive
    probe_tokens: Positive
    fused: FidelityLimits
    quantized: FidelityLimits


class Fuse(Section):
    dequantize: bool | Literal["auto"]
    max_logit_difference: PositiveFloat
    max_lost_share: PositiveFloat


class Calibration(Section):
    sequences: Annotated[int, Field(ge=2)]
    tokens: Annotated[int, Field(ge=32)]


class Dwq(Section):
    learning_rate: PositiveFloat
    batch_size: Positive
    epochs: Positive


class Quantize(Section):
    recipes: Annotated[list[Recipe], Field(min_length=1)]
    chosen: Annotated[int | str, AfterValidator(_known_or_auto)]
    group_size: Literal[32, 64, 128]
    speed_tokens: Positive
    grade: bool
    calibration: Calibration
    dynamic_share: Annotated[float, Field(gt=0, lt=1)]
    gptq_other_bits: Literal[2, 3, 4, 5, 6, 8]
    dwq: Dwq

    @model_validator(mode="after")
    def has_what_is_chosen(self) -> Quantize:
        if len(set(self.recipes)) < len(self.recipes):
            raise ValueError("recipes names one twice")
        if self.chosen != "auto" and self.chosen not in self.recipes:
            raise ValueError(f"chosen ({self.chosen}) must be one of recipes, or auto")
        return self
