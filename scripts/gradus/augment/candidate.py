"""A variant on trial, and one that was dropped."""

from __future__ import annotations

from dataclasses import dataclass

from gradus.records import Example

TEMPLATE = "question template"
PARAPHRASE = "paraphrase"
BACK_TRANSLATION = "back-translation"


@dataclass(frozen=True)
class Candidate:
    """What a method made of an original. A rewritten answer has a `length` (short, medium, long) and a `source` it must keep to."""

    original: Example
    method: str
    question: str
    answer: str
    length: str = ""
    source: str = ""


@dataclass(frozen=True)
class Dropped:
    """One line of `dropped.jsonl`."""

    origin_id: str
    method: str
    reason: str
    question: str
    answer: str
    """Empty where it is the original's."""
