"""Rows of instruction and chat data sets: JSON objects, one a line of the document's text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from gradus.extract.draft import Draft, Drafts, Drop
from gradus.extract.subjects import about_term
from gradus.files import sha256_text
from gradus.records import Document, Message

_PAIRS = (
    ("instruction", "output"), ("instruction", "response"), ("instruction", "completion"), ("prompt", "completion"), ("prompt", "response"),
    ("question", "answer"), ("question", "response"), ("query", "response"), ("query", "answer"), ("problem", "solution"), ("input", "output"),
    ("user", "assistant"), ("term", "definition"),
)  # fmt: skip
_SHAPES = "instruction/output, prompt/completion, question/answer, user/assistant, term/definition, messages, conversations"
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
                for turns in _conversations(_row(line)):
                    yield from _examples(turns, document, (start, end))
            except (RowFault, RecursionError) as fault:
                reason = str(fault) if isinstance(fault, RowFault) else "row is nested too deeply"
                yield Drop(reason, f"{document.source}:{number}")
        start = end + 1


def _row(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:  # a number of thousands of digits is no JSONDecodeError
        raise RowFault("row is not valid JSON") from error
    if not isinstance(row, dict):
        raise RowFault("row is not a JSON object")
    return _lower(row)


def _lower(row: dict[str, Any]) -> dict[str, Any]:
    return {str(key).strip().lower(): value for key, value in row.items()}


def _conversations(row: dict[str, Any]) -> Iterator[list[Message]]:
    """The conversations of a row: one, or several where it nests them as self-instruct's `instances` and SQuAD's `paragraphs` do."""
    if isinstance(row.get("paragraphs"), list):
        for paragraph in _objects(row["paragraphs"]):
            yield from _conversations(paragraph)
    elif isinstance(row.get("qas"), list):
        for asked in _objects(row["qas"]):
            if not asked.get("is_impossible"):  # SQuAD 2: the text does not answer it
                yield _turns({"context": row.get("context"), **asked})
    elif isinstance(row.get("instances"), list):
        for instance in _objects(row["instances"]):
            yield _turns({**row, **instance})
    else:
        yield _turns(row)


def _objects(values: list[object]) -> Iterator[dict[str, Any]]:
    for value in values:
        if not isinstance(value, dict):
            raise RowFault("a nested entry is not a JSON object")
        yield _lower(value)


def _turns(row: dict[str, Any]) -> list[Message]:
    """A row of any known shape as turns."""
    for key in _CONVERSATIONS:
        if isinstance(row.get(key), list):
            return [_turn(turn) for turn in row[key]]
    if isinstance(row.get("prompt"), list) and isinstance(row.get("completion"), list):
        return [_turn(turn) for turn in (*row["prompt"], *row["completion"])]
    if "question" in row and "answer" not in row and "answers" in row:
        row = {**row, "answer": _first_answer(row["answers"])}
    for asked, answered in _PAIRS:
        if asked in row and answered in row:
            return _pair(row, asked, answered)
    raise RowFault(f"row has no known shape ({_SHAPES})")


def _first_answer(answers: object) -> object:
    """The first of several accepted answers: SQuAD's `[{"text": …}]`, its form by columns `{"text": […]}`, or plain texts."""
    if isinstance(answers, dict):
        answers = answers.get("text")
    first = answers[0] if isinstance(answers, list) and answers else ""
    return first.get("text") if isinstance(first, dict) else first


def _pair(row: dict[str, Any], asked: str, answered: str) -> list[Message]:
    beside = "" if asked == "input" else row.get("input") or row.get("context") or ""
    about = _meaning_of(_text(row[asked])) if asked == "term" else _text(row[asked])
    question = "\n\n".join(filter(None, [about, _text(beside)]))
    system = _text(row.get("system") or "")
    turns = [Message("user", question), Message("assistant", _text(row[answered]))]
    return [Message("system", system), *turns] if system else turns


def _meaning_of(term: str) -> str:
    """The question behind an entry of a glossary; what is a question already stays."""
    asked = None if term.endswith("?") else about_term(term)
    return asked.question if asked else term


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
    """One example a conversation: its last answered question, all turns before it as context.

    Training supervises every assistant turn, so an example for each of them would show the early ones again and again.
    """
    first = next((turn.content for turn in turns if turn.role == "user"), "")
    group = f"{document.group}#{sha256_text(' '.join(first.lower().split()))[:8]}"
    kind = "chat" if len(turns) > 3 or (len(turns) == 3 and turns[0].role != "system") else "instruction"
    for number in range(len(turns) - 1, 0, -1):
        asked, answered = turns[number - 1], turns[number]
        if asked.role == "user" and answered.role == "assistant" and asked.content and answered.content:
            context = tuple(turns[: number - 1])
            yield Draft(kind, asked.content, answered.content, *span, context=context, group=group, verbatim=True)
            return
    raise RowFault("row has no question with an answer")
