"""One line of the input after mending, masking and measuring: what is kept of it, and what the decisions need."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from gradus.config.schema import Curate
from gradus.curate.contamination import Benchmarks, Match
from gradus.curate.languages import UNTOLD, language_of
from gradus.curate.personal import mask, mask_example
from gradus.curate.repair import repair_example
from gradus.curate.rows import BadRow, Line, parse
from gradus.curate.signals import SIGNALS, sample_of
from gradus.overlap import fold, prompt_of
from gradus.records import Example

BEGINNING = 1000  # bytes of a bad row that removed.jsonl shows
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Keys:
    """64-bit hashes by which examples are compared."""

    id: int
    text: int
    """Of the whole, folded for case and white space: in code, signs tell `a + b` from `a - b`."""
    prompt: int
    """Folded as in the audit, for punctuation too; likewise `answer`."""
    answer: int
    numbers: int
    """Of the numbers in the answer, in their order."""


NO_KEYS = Keys(0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Scored:
    """A line after scoring. `reason` is set when it goes whatever the others are like."""

    number: int
    row: str
    """JSON: the example as it is kept, or the beginning of a bad row."""
    kind: str = ""
    reason: str = ""
    detail: str = ""
    signals: tuple[float, ...] = (0.0,) * len(SIGNALS)
    language: str = UNTOLD
    confidence: float = 0.0
    keys: Keys = NO_KEYS
    match: Match | None = None
    """Of a contaminated example."""
    repairs: frozenset[str] = frozenset()
    personal_data: Counter[str] | None = None


def score_lines(lines: Sequence[Line], settings: Curate, benchmarks: Benchmarks | None) -> list[Scored]:
    """Score lines, each for itself."""
    return [score_line(line, settings, benchmarks) for line in lines]


def score_line(line: Line, settings: Curate, benchmarks: Benchmarks | None = None) -> Scored:
    """Mend, mask and measure the example of a line, or say why it is none."""
    try:
        example = parse(line)
    except BadRow as error:
        beginning = line.content[:BEGINNING].decode("utf-8", "replace").rstrip()
        shown = beginning if settings.personal_data == "keep" else mask(beginning, settings.phone_regions)[0]
        return Scored(line.number, json.dumps(shown), reason="bad_row", detail=str(error))
    return _score(example, line.number, settings, benchmarks)


def _score(example: Example, number: int, settings: Curate, benchmarks: Benchmarks | None) -> Scored:
    mended, repairs = repair_example(example)
    masked, personal_data = mask_example(mended, settings.phone_regions)
    final = mended if settings.personal_data == "keep" else masked
    sample = sample_of(final)
    language, confidence = language_of(sample.anatomy.prose, settings.bounds)
    match = benchmarks.match(prompt_of(final), final.answer) if benchmarks else None
    reason, detail = _unusable(final, personal_data, match, settings)
    return Scored(
        number=number,
        row=json.dumps(_row(final), ensure_ascii=False, allow_nan=False),
        kind=final.kind,
        reason=reason,
        detail=detail,
        signals=tuple(signal(sample, settings.bounds) for signal in SIGNALS.values()),
        language=language,
        confidence=confidence,
        keys=_keys(final),
        match=match if reason == "contaminated" else None,
        repairs=repairs,
        personal_data=personal_data,
    )


def _row(example: Example) -> dict[str, Any]:
    """As `dataclasses.asdict`, whose deep copies take longer than any signal."""
    return {**vars(example), "context": [vars(turn) for turn in example.context]}


def _unusable(example: Example, personal_data: Counter[str], match: Match | None, settings: Curate) -> tuple[str, str]:
    if not example.question or not example.answer:
        return "empty", "no answer" if example.question else "no question"
    if personal_data and settings.personal_data == "remove":
        found = ", ".join(f"{kind} {count}" for kind, count in sorted(personal_data.items()))
        return "personal_data", f"{found} (masked here)"
    return ("contaminated", str(match)) if match else ("", "")


def _keys(example: Example) -> Keys:
    turns = [*(turn.content for turn in example.context), example.question]
    text = "\n".join(" ".join(part.casefold().split()) for part in [*turns, example.answer])
    prompt, numbers = "\n".join(map(fold, turns)), " ".join(_NUMBER.findall(example.answer))
    return Keys(_hash(example.id), _hash(text), _hash(prompt), _hash(fold(example.answer)), _hash(numbers))


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
