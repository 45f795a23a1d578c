"""Answers as JSON: parsed, repaired once, checked against the schema, and asked for once more with the error."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from gradus.teacher.requests import Cut, Failure, Reply, Request, Unusable
from gradus.teacher.schema import mistake
from gradus.teacher.teacher import Teacher

AGAIN = "That cannot be used: {error}. Answer again, with the corrected JSON alone."


class _Mistaken(ValueError):
    """Why a reply is not what was asked for, in words that the teacher can act on."""


def ask_json(teacher: Teacher, requests: Sequence[Request]) -> Iterator[tuple[int, Any | Failure]]:
    """(index, value or failure) of every request as they come; every request has a schema.

    A reply that is no JSON even after repair, or breaks the schema, is shown to the teacher with its error once. One cut
    at `max_tokens` fails at once: repaired, it would end in half a sentence.
    """
    again: list[int] = []
    second: list[Request] = []
    for index, outcome in teacher.answers(requests):
        try:
            yield index, outcome if isinstance(outcome, Failure) else _value(outcome, requests[index])
        except _Mistaken as error:
            assert isinstance(outcome, Reply)
            if outcome.finish_reason == "length":
                yield index, Cut(f"the reply was cut at {requests[index].max_tokens} tokens")
            else:
                again.append(index)
                second.append(_with_error(requests[index], outcome.text, str(error)))
    for number, outcome in teacher.answers(second):
        try:
            yield again[number], outcome if isinstance(outcome, Failure) else _value(outcome, second[number])
        except _Mistaken as error:
            yield again[number], Unusable(f"no usable JSON at the second try ({error})")


def _with_error(request: Request, text: str, error: str) -> Request:
    turns = ({"role": "assistant", "content": text}, {"role": "user", "content": AGAIN.format(error=error)})
    return replace(request, messages=(*request.messages, *turns))


def _value(reply: Reply, request: Request) -> Any:
    """The reply as a value that keeps to the schema. Raises _Mistaken."""
    try:
        value = _parsed(reply)
    except RecursionError as error:  # a model that repeats itself may open thousands of brackets
        raise _Mistaken("it is nested too deeply") from error
    wrong = mistake(value, request.schema or {})
    if wrong:
        raise _Mistaken(wrong)
    return value


def _parsed(reply: Reply) -> Any:
    text = _unfenced(reply.text)
    try:
        return json.loads(text)
    except ValueError as error:
        if reply.finish_reason == "length" or not any(sign in text for sign in "{["):
            raise _Mistaken(f"it is not JSON ({error})") from error
    import json_repair

    value = json_repair.loads(text)
    if value == "":  # what json_repair gives when nothing is left to repair
        raise _Mistaken("it is not JSON")
    return value


def _unfenced(text: str) -> str:
    """The text without the Markdown fence that many models put around JSON."""
    lines = text.strip().splitlines()
    fenced = len(lines) > 2 and lines[0].startswith("```") and lines[-1].strip() == "```"
    return "\n".join(lines[1:-1]) if fenced else text.strip()
