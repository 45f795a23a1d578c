"""The keys of 08_report."""

from __future__ import annotations

from typing import Annotated, Literal

from gradus.config.section import OFF_IS_A_WORD, Count, Fraction, Positive, Section


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
    writer: Annotated[Literal["off", "teacher"], OFF_IS_A_WORD]
    writer_tokens: Positive
    rules: ReportRules
