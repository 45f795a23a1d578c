"""What a request may ask of the server: text, from the current model, by options that mlx-lm can honour.

mlx-lm checks the types of most options by itself. Those below it does not look at until it generates, in the one thread that
answers everybody: an error there would end the server.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

ALIAS = "current"
COMPLETIONS = "/v1/completions"
CHAT = ("/v1/chat/completions", "/chat/completions")
LARGEST_WHOLE = 2**63 - 1
LARGEST_SLICE = 2**31 - 1
LARGEST_LOGPROBS = 11
FLOAT32 = 2.0**128
NUMBERS = ("temperature", "repetition_penalty", "presence_penalty", "frequency_penalty")
SIZES = ("repetition_context_size", "presence_context_size", "frequency_context_size")
# What a client may not set of the function that renders a chat: a template of its own, another form of the result.
RENDERING = {"add_generation_prompt", "chat_template", "continue_final_message", "conversation", "max_length", "padding", "return_dict"}
RENDERING |= {"return_assistant_tokens_mask", "return_tensors", "sanitize_control_tokens", "tokenize", "tokenizer_kwargs", "tools", "truncation"}


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


def check_request(raw: bytes, path: str, current: str, vocabulary: int) -> bytes:
    """The request as mlx-lm is to read it: with the current version as its model, and without what is null.

    Args:
        vocabulary: how many tokens the model knows.

    Raises:
        Refused: for what is not to reach mlx-lm.
    """
    if path not in (COMPLETIONS, *CHAT):
        raise Refused(404, f"no such address here; there are {CHAT[0]}, {COMPLETIONS} and /v1/models")
    try:
        body = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the request is not valid JSON ({error})") from error
    if not isinstance(body, dict):
        raise Refused(400, "the request must be a JSON object")
    body = {key: value for key, value in body.items() if value is not None}  # OpenAI's clients send null for a default
    _check_model(body, current)
    if path != COMPLETIONS:
        _check_messages(body.get("messages"))
    elif not isinstance(body.get("prompt"), str) or not body["prompt"]:
        raise Refused(400, "'prompt' must be text, and not empty")
    _check_options(body, vocabulary)
    try:
        return json.dumps({**body, "model": current}, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise Refused(400, "the request holds half a surrogate pair, which is no text") from error


def unknown_model(name: str, current: str) -> Refused:
    """The refusal of another model than the current one."""
    what = f"no model '{name[:100]}' here: this server answers with the current model only"
    return Refused(404, f"{what}. Name it '{ALIAS}' or '{current}', or leave the name out", "model_not_found")


def _check_model(body: dict[str, Any], current: str) -> None:
    name = body.get("model", ALIAS)
    if name not in (ALIAS, current):
        raise unknown_model(str(name), current)
    for key in ("adapters", "draft_model"):
        if key in body:
            raise Refused(400, f"'{key}' is not accepted: this server answers with the current model only")


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


def _check_options(body: dict[str, Any], vocabulary: int) -> None:
    last = vocabulary - 1
    checks: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
        ("n", lambda value: value == 1, "must be 1: this server gives one answer a request"),
        ("stop", _are_texts, "must be text, or a list of texts"),
        ("top_k", lambda value: _is_whole(value, last), f"must be a whole number from 0 to {last}"),
        ("seed", lambda value: _is_whole(value, LARGEST_WHOLE), f"must be a whole number from 0 to {LARGEST_WHOLE}"),
        ("top_logprobs", lambda value: _is_whole(value, LARGEST_LOGPROBS), f"must be a whole number from 0 to {LARGEST_LOGPROBS}"),
        ("xtc_threshold", lambda value: isinstance(value, float) and 0 <= value <= 0.5, "must be a number with a point from 0.0 to 0.5"),
        *((key, _is_computed_with, f"must be a number of at most {LARGEST_WHOLE}") for key in NUMBERS),
        *((key, lambda value: _is_whole(value, LARGEST_SLICE), f"must be a whole number from 0 to {LARGEST_SLICE}") for key in SIZES),
        ("logit_bias", lambda value: _are_biases(value, last), f"must be an object of numbers by token, 0 to {last}"),
        ("stream_options", lambda value: isinstance(value, dict), "must be an object"),
        ("chat_template_kwargs", _are_variables, "must be an object of variables of the chat template"),
    )
    for key, allowed, form in checks:
        if key in body and not allowed(body[key]):
            raise Refused(400, f"'{key}' {form}")
    if "stream_options" in body:  # mlx-lm reads this key whether or not it is there
        body["stream_options"] = {"include_usage": False, **body["stream_options"]}


def _are_texts(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(text, str) for text in value))


def _is_whole(value: object, largest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= largest


def _is_computed_with(value: object) -> bool:
    """Whether MLX takes it as the operand of an array."""
    return isinstance(value, int | float) and abs(value) <= LARGEST_WHOLE


def _are_biases(value: object, last: int) -> bool:
    """By the number of a token, up to the last: another one's bias would be written beside the logits."""
    if not isinstance(value, dict):
        return False
    known = all(key.isascii() and key.isdigit() and len(key) < 12 and int(key) <= last for key in value)
    return known and all(isinstance(bias, int | float) and abs(bias) < FLOAT32 for bias in value.values())


def _are_variables(value: object) -> bool:
    return isinstance(value, dict) and not RENDERING & value.keys()
