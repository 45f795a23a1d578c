"""What a judge is asked: a score for one answer, or which of two is better."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.config.evaluate import Judge
from gradus.errors import UserError
from gradus.evaluate.rubric import rubric_path
from gradus.teacher import Request

REASON = {"type": "string", "maxLength": 2000}
SCORE = {"type": "integer", "enum": [0, 1, 2, 3, 4, 5]}
PLACE = {"type": "string", "enum": ["first", "second", "tie"]}


@dataclass(frozen=True)
class Case:
    """What an answer is judged by; a source or a reference that is not there is ''."""

    question: str
    reference: str
    source: str


class Prompts:
    """Requests to the judge of the settings."""

    def __init__(self, settings: Judge, seed: int) -> None:
        self._settings, self._seed = settings, seed
        self._rubric = _told(rubric_path(settings.rubric))

    def score(self, case: Case, answer: str) -> Request:
        """Ask for an absolute score, 0 to 5, of one answer."""
        return self._request(case, {"answer": answer}, "Give the answer a score.", "score", SCORE)

    def pair(self, case: Case, first: str, second: str) -> Request:
        """Ask which of two answers is better."""
        return self._request(case, {"first_answer": first, "second_answer": second}, "Which answer is better?", "verdict", PLACE)

    def _request(self, case: Case, answers: dict[str, str], task: str, key: str, values: dict[str, Any]) -> Request:
        given = {"question": case.question, "source": case.source, "reference": case.reference}
        parts = [_fenced(name, text) for name, text in given.items() if text] + [_fenced(name, text) for name, text in answers.items()]
        schema = {"type": "object", "properties": {"reason": REASON, key: values}, "required": ["reason", key], "additionalProperties": False}
        messages = ({"role": "system", "content": self._rubric}, {"role": "user", "content": "\n\n".join([*parts, task])})
        return Request(messages, self._settings.max_tokens, self._settings.temperature, schema, self._seed)


def _told(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError("not UTF-8 text", where=str(path), cure="Save it as UTF-8") from error


def _fenced(name: str, text: str) -> str:
    """A text between tags; its own copies of the closing tag are taken apart, so that it cannot end its fence."""
    return f"<{name}>\n{text.replace(f'</{name}', f'</ {name}')}\n</{name}>"


def passage(text: str, span: tuple[int, int], characters: int) -> str:
    """At most `characters` of a document's text: the span and what stands around it."""
    start, end = span
    if end - start >= characters:
        return text[start : start + characters]
    start = max(0, min(start - (characters - (end - start)) // 2, len(text) - characters))
    return text[start : start + characters]
