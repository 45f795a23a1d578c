"""What a request may ask of the server: text, from the current model."""

from __future__ import annotations

import json
from typing import Any

ALIAS = "current"
COMPLETIONS = "/v1/completions"


class Refused(Exception):
    """A request that is answered with an error.

    Args:
        status: of HTTP.
        message: for the person who reads it.
        code: OpenAI's word for it, when it has one.
    """

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def check_request(raw: bytes, path: str, current: str) -> dict[str, Any]:
    """The request with the current version as its model. Raises Refused for what is not to reach mlx-lm."""
    try:
        body = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the request is not valid JSON ({error})") from error
    if not isinstance(body, dict):
        raise Refused(400, "the request must be a JSON object")
    name = body.get("model", ALIAS)
    if name not in (ALIAS, current):
        raise unknown_model(str(name), current)
    for key in ("adapters", "draft_model"):
        if body.get(key) is not None:
            raise Refused(400, f"'{key}' is not accepted: this server answers with the current model only")
    if body.get("n", 1) != 1:
        raise Refused(400, "'n' must be 1: this server gives one answer a request")
    if path != COMPLETIONS:
        _check_messages(body.get("messages"))
    elif not isinstance(body.get("prompt"), str):
        raise Refused(400, "'prompt' must be text")
    return {**body, "model": current}


def unknown_model(name: str, current: str) -> Refused:
    """The refusal of another model than the current one."""
    what = f"no model '{name[:100]}' here: this server answers with the current model only"
    return Refused(404, f"{what}. Name it '{ALIAS}' or '{current}', or leave the name out", "model_not_found")


def _check_messages(messages: object) -> None:
    """Text only: a picture's address would be fetched by the server."""
    if not isinstance(messages, list) or not messages or not all(isinstance(message, dict) for message in messages):
        raise Refused(400, "'messages' must be a list of at least one {role, content}")
    for message in messages:
        content = message.get("content")
        if not isinstance(message.get("role"), str) or not isinstance(content, str | list | None):
            raise Refused(400, "every message needs a role and a content, both text")
        for part in content if isinstance(content, list) else []:
            if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
                raise Refused(400, "this model reads text only: each part of a message must be of type 'text'")
