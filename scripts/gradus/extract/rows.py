"""Rows of instruction and chat data sets: JSON objects, one a line of the document's text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from gradus.extract.draft import Draft, Drafts, Drop
from gradus.files import sha256_text
from gradus.records import Document, Message

_PAIRS = (("instruction", "output"), ("instruction", "response"), ("prompt", "completion"), ("prompt", "response"), ("question", "answer"))
_CONVERSATIONS = ("messages", "conversations", "conversation")
_ROLES = {
    "system": "system", "user": "user", "human": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "bot": "assistant", "model": "assistant", "chatgpt": "assistant",
}  # fmt: skip


class RowFault(Exception):
    """Why a row gives no example."""


def drafts(document: Document) -> Drafts:
    """Every row's examples, in order; a bad row is named by its line."""
    start = 0
    for number, line in enumerate(document.text.split("\n"), 1):
        end = start + len(line)
        if line.strip():
            try:
                turns = _turns(_row(line))
                yield from _examples(turns, document, (start, end))
            except RowFault as fault:
                yield Drop(str(fault), f"{document.source}:{number}")
        start = end + 1


def _row(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise RowFault("row is not valid JSON") from error
    if not isinstance(row, dict):
        raise RowFault("row is not a JSON object")
    return {str(key).strip().lower(): value for key, value in row.items()}


def _turns(row: dict[str, Any]) -> list[Message]:
    """A row of any known shape as turns."""
    for key in _CONVERSATIONS:
        if isinstance(row.get(key), list):
            return [_turn(turn) for turn in row[key]]
    for asked, answered in _PAIRS:
        if asked in row and answered in row:
            return _pair(row, asked, answered)
    raise RowFault("row has no known shape (instruction/output, prompt/completion, question/answer, messages, conversations)")


def _pair(row: dict[str, Any], asked: str, answered: str) -> list[Message]:
    question = "\n\n".join(filter(None, [_text(row[asked]), _text(row.get("input") or row.get("context") or "")]))
    system = _text(row.get("system") or "")
    turns = [Message("user", question), Message("assistant", _text(row[answered]))]
    return [Message("system", system), *turns] if system else turns


def _turn(turn: object) -> Message:
    """A turn of `messages` (role, content) or of ShareGPT's `conversations` (from, value)."""
    if not isinstance(turn, dict):
        raise RowFault("a turn is not a JSON object")
    role = str(turn.get("role", turn.get("from", ""))).strip().lower()
    if role not in _ROLES:
        raise RowFault(f"a turn has the unknown role '{role[:20]}'")
    return Message(_ROLES[role], _text(turn.get("content", turn.get("value"))))  # type: ignore[arg-type]


def _text(value: object) -> str:
    """Text of a field; a list of parts is joined when all of them are text."""
    if isinstance(value, list) and all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in value):
        value = "\n\n".join(part["text"] for part in value)
    if not isinstance(value, str):
        raise RowFault("a field that should be text is not")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise RowFault("broken characters (half of a surrogate pair)")
    return value.replace("\r\n", "\n").strip()


def _examples(turns: list[Message], document: Document, span: tuple[int, int]) -> Iterator[Draft]:
    """One example for every answer that follows a question, all turns before it as its context."""
    first = next((turn.content for turn in turns if turn.role == "user"), "")
    group = f"{document.group}#{sha256_text(' '.join(first.lower().split()))[:8]}"
    kind = "chat" if len(turns) > 3 or (len(turns) == 3 and turns[0].role != "system") else "instruction"
    found = False
    for number in range(1, len(turns)):
        asked, answered = turns[number - 1], turns[number]
        if asked.role == "user" and answered.role == "assistant" and asked.content and answered.content:
            found = True
            context = tuple(turns[: number - 1])
            yield Draft(kind, asked.content, answered.content, *span, context=context, group=group, verbatim=True)
    if not found:
        raise RowFault("row has no question with an answer")
