"""Questions that stand in a text as questions: `Q:` / `A:` pairs and lines that are one bold question."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gradus.extract.headings import outside_fences
from gradus.extract.lines import Line, strip_blank

_BOLD = r"(?:\*\*|__)?"
_ASK = re.compile(rf"{_BOLD}(?:Q|Question|Frage)\s*\d*\s*[:.)]{_BOLD}\s*(.*?){_BOLD}\s*", re.IGNORECASE)
_ANSWER = re.compile(rf"{_BOLD}(?:A|Answer|Antwort)\s*\d*\s*[:.)]{_BOLD}\s*(.*)", re.IGNORECASE)
_BOLD_QUESTION = re.compile(r"(?:[-*+]\s+|\d+[.)]\s+)?(?:\*\*|__)(.+\?)(?:\*\*|__)\s*")


@dataclass(frozen=True)
class Pair:
    """A question, the text of its answer and the span of both."""

    question: str
    answer: str
    start: int
    end: int


def pairs_of(lines: list[Line]) -> list[Pair]:
    """All pairs, in order; an answer goes to the next question or the end."""
    free = outside_fences(lines)
    asks = [(n, asked) for n, line in enumerate(lines) if free[n] and (asked := _asked(line.text)) is not None]
    ends = [*(n for n, _ in asks), len(lines)][1:]
    found = [_pair(lines[n:end], asked) for (n, asked), end in zip(asks, ends, strict=True)]
    return [pair for pair in found if pair is not None]


def _asked(text: str) -> str | None:
    """What a line asks; '' when it only says `Question:`; None when it is no question."""
    match = _BOLD_QUESTION.fullmatch(text) or _ASK.fullmatch(text)
    return match[1] if match else None


def _pair(lines: list[Line], asked: str) -> Pair | None:
    """The question may run on over further lines, and the answer begins at `A:`; a bold question needs no `A:`."""
    at = next((n for n, line in enumerate(lines) if n and _ANSWER.fullmatch(line.text)), None)
    if at is None and not _BOLD_QUESTION.fullmatch(lines[0].text):
        return None
    question = [asked, *(line.text.strip() for line in lines[1 : at or 1])]
    body = strip_blank(lines[at or 1 :])
    if not body:
        return None
    texts = [line.text for line in body]
    match = _ANSWER.fullmatch(texts[0])
    texts[0] = match[1] if match else texts[0]
    return Pair(" ".join(filter(None, question)), "\n".join(texts).strip(), lines[0].start, body[-1].end)
