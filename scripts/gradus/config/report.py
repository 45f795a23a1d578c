"""The keys of 08_report."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from gradus.config.section import Count, Fraction, Positive, Section


class ReportRules(Section):
    slow_fall: Fraction
    overfit_rise: Fraction
    still_falling: Fraction
    truncated: Fraction
    rare_structure: Fraction
    unsupported: Fraction


class Report(Section):
    examples: Count
    sources: Count
    next_steps: Count
    writer: Literal["off", "teacher"]
    writer_tokens: Positive
    rules: ReportRules

    @field_validator("writer", mode="before")
    @classmethod
    def off_is_a_word(cls, value: object) -> object:
        """YAML 1.1 reads a bare `off` as false."""
        return "off" if value is False else value
