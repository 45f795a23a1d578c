"""Records that are read strictly from JSON, and what is wrong with one in a few words."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict, ValidationError


class Strict:
    """Read from JSON, such a record refuses unknown fields, wrong types, NaN and infinity."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def problem_of(error: ValidationError) -> str:
    """The first mistake and where it stands, say `at 'tuned.percent' (Input should be a valid number)`."""
    problem = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in problem["loc"])
    return f"{f'at {key!r} ' if key else ''}({problem['msg']})"
