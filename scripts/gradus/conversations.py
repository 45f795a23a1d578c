"""Rows of training data in the forms that mlx-lm reads: `messages`, `prompt` and `completion`, or `text`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NO_USER_TURN = "no user turn"
"""What is said of a row in which the user asks nothing."""


@dataclass(frozen=True)
class Conversation:
    """One row: what stands before the last answer, and that answer.

    `prompt` holds all earlier turns but system turns, one below the other; it is empty for a `text` row.
    """

    prompt: str
    answer: str
    line: int
    """Number of its line in the file, from 1."""
    id: str = ""
    origin: str = ""
    """What a row of ours is a wording of; empty for other rows."""

    @property
    def pair(self) -> tuple[str, str]:
        """Prompt and answer."""
        return self.prompt, self.answer


def read_conversations(path: Path) -> Iterator[Conversation | tuple[int, str]]:
    """Every row of a file; of a row that is no conversation, its line and what is wrong with it. Blank lines are no rows."""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                try:
                    yield conversation_from_row(json.loads(line), number)
                except (ValueError, RecursionError) as error:
                    yield number, _reason(error)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError):
        return "not JSON"
    return str(error)


def conversation_from_row(row: Any, line: int) -> Conversation:
    """One row as a conversation. Raises ValueError that says what is missing."""
    if not isinstance(row, dict):
        raise ValueError("not an object")
    names = _text(row.get("id")), _text(row.get("origin_id"))
    if "messages" in row:
        return Conversation(*_turns(row["messages"]), line, *names)
    if "prompt" in row and "completion" in row:
        asked, answered = row["prompt"], row["completion"]
        as_turns = _are_turns(asked) and _are_turns(answered)  # as TRL writes them
        turns = [*asked, *answered] if as_turns else [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
        return Conversation(*_turns(turns), line, *names)
    if "text" in row:
        return Conversation("", _text(row["text"]), line, *names)
    raise ValueError("no messages, no prompt and completion, no text")


def _turns(messages: Any) -> tuple[str, str]:
    if not _are_turns(messages):
        raise ValueError("messages is not a list of turns with a role")
    if not any(turn["role"] == "user" and _text(turn.get("content")).strip() for turn in messages):
        raise ValueError(NO_USER_TURN)
    turns = [turn for turn in messages if turn["role"] != "system"]
    answers = [i for i, turn in enumerate(turns) if turn["role"] == "assistant"]
    end = answers[-1] if answers else len(turns)
    answer = turns[end] if answers else {}
    tools = json.dumps(answer["tool_calls"], sort_keys=True) if answer.get("tool_calls") else ""
    return "\n".join(_text(turn.get("content")) for turn in turns[:end]), _text(answer.get("content")) + tools


def _are_turns(messages: Any) -> bool:
    return isinstance(messages, list) and all(isinstance(turn, dict) and "role" in turn for turn in messages)


def _text(content: Any) -> str:
    """The content of a turn: a text, or a list of parts of which those of type text count."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return "" if content is None else str(content)
