"""What is put into words and taken out of them: the schema of a request, and the thoughts before an answer."""

from __future__ import annotations

import json
import re

from gradus.teacher.requests import Request

SCHEMA = "Answer with JSON alone, without any text around it, that follows this JSON Schema:\n{schema}"
_THOUGHTS = re.compile(r"^\s*<think>.*?</think>\s*", re.DOTALL)


def messages_with_schema(request: Request) -> list[dict[str, str]]:
    """The conversation as it is sent: the last message says the schema, since not every server can be made to keep to one."""
    messages = [dict(message) for message in request.messages]
    if request.schema is not None:
        words = SCHEMA.format(schema=json.dumps(request.schema, ensure_ascii=False))
        messages[-1]["content"] += f"\n\n{words}"
    return messages


def without_thoughts(text: str) -> str:
    """The answer without the thoughts that reasoning models put before it."""
    return _THOUGHTS.sub("", text)
