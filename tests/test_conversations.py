"""gradus.conversations: the rows that mlx-lm reads, and what is wrong with those that it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gradus.conversations import Conversation, conversation_from_row, read_conversations

USER, ANSWER = {"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A."}

ROWS: list[tuple[dict[str, Any], str, str]] = [
    ({"messages": [{"role": "system", "content": "S"}, USER, ANSWER]}, "Q?", "A."),
    ({"messages": [USER, ANSWER, {"role": "user", "content": "And?"}, {"role": "assistant", "content": "B."}]}, "Q?\nA.\nAnd?", "B."),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": "Q?"}]}, ANSWER]}, "Q?", "A."),
    ({"messages": [USER, {"role": "assistant", "content": None}]}, "Q?", ""),
    ({"messages": [USER]}, "Q?", ""),
    ({"prompt": "Q?", "completion": "A."}, "Q?", "A."),
    ({"prompt": [USER], "completion": [ANSWER]}, "Q?", "A."),
    ({"prompt": [{"type": "text", "text": "Q?"}], "completion": [{"type": "text", "text": "A."}]}, "Q?", "A."),
    ({"text": "All of it."}, "", "All of it."),
]


@pytest.mark.parametrize(("row", "prompt", "answer"), ROWS)
def test_rows(row: dict[str, Any], prompt: str, answer: str) -> None:
    assert conversation_from_row({**row, "id": 7}, 3) == Conversation(prompt, answer, 3, "7")


def test_an_id_that_is_null_is_none() -> None:
    found = conversation_from_row({**ROWS[0][0], "id": None, "origin_id": None}, 1)
    assert (found.id, found.origin) == ("", "")


def test_a_tool_call_is_an_answer() -> None:
    row = {"messages": [USER, {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f"}}]}]}
    assert "tool" not in conversation_from_row(row, 1).prompt
    assert '"name": "f"' in conversation_from_row(row, 1).answer


BAD = [
    ([], "not an object"),
    ({"messages": "Q?"}, "messages is not a list of turns"),
    ({"messages": [{"content": "Q?"}]}, "messages is not a list of turns"),
    ({"messages": [ANSWER]}, "no user turn"),
    ({"messages": [{"role": "user", "content": " "}, ANSWER]}, "no user turn"),
    ({"prompt": "", "completion": "A."}, "no user turn"),
    ({"question": "Q?"}, "no messages, no prompt and completion, no text"),
]


@pytest.mark.parametrize(("row", "why"), BAD)
def test_bad_rows(row: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        conversation_from_row(row, 1)


def test_lines_are_numbered_and_bad_ones_told(tmp_path: Path) -> None:
    lines = [json.dumps(ROWS[5][0]).encode(), b"", b"{", b"\xff", b"[" * 100_000, json.dumps(BAD[3][0]).encode()]
    (tmp_path / "train.jsonl").write_bytes(b"\n".join(lines))
    found = list(read_conversations(tmp_path / "train.jsonl"))
    assert found[0] == Conversation("Q?", "A.", 1)
    assert found[1:] == [(3, "not JSON"), (4, "not JSON"), (5, "not JSON"), (6, "no user turn")]
