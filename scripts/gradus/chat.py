"""Conversations as tokens: the chat template, and which tokens an assistant is trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gradus.errors import UserError
from gradus.files import sha256_json

Messages = list[dict[str, str]]
PROMPT_OPTIONS = {"enable_thinking": False}
"""Options of the chat template where the assistant is to speak: reasoning models answer at once."""


@dataclass(frozen=True)
class Rendered:
    """A conversation as token ids, and a mask of the same length: 1 where the token is supervised.

    Supervised are the tokens of every assistant turn, the end-of-sequence token that closes it included.
    """

    tokens: list[int]
    mask: list[int]


def prompt_tokens(tokenizer: Any, messages: Messages) -> list[int]:
    """Token ids of a conversation up to where the assistant is to speak."""
    return _apply(tokenizer, messages, add_generation_prompt=True)


def prompt_hash(messages: Messages) -> str:
    """SHA-256 of all that is put to a model, whichever it is: system prompt, earlier turns, question, options of the template."""
    return sha256_json({"messages": messages, "options": PROMPT_OPTIONS})


def render(tokenizer: Any, messages: Messages) -> Rendered:
    """Render a conversation and mark all assistant turns.

    A template that rewrites earlier turns when later ones follow (reasoning models drop their old thoughts) breaks the
    prefix property; then only the last assistant turn is supervised, as mlx-lm's `mask_prompt` does. A greeting, which
    opens the conversation and answers nothing, is not supervised.

    Raises:
        UserError: when the tokenizer has no chat template, or one that refuses the conversation, or this does not end with an
            assistant turn.
    """
    if messages[-1]["role"] != "assistant":
        raise UserError("the conversation does not end with an assistant turn", cure="Give it an answer or remove it")
    tokens = _apply(tokenizer, messages, add_generation_prompt=False)
    tokens = tokens[: last_eos(tokenizer, tokens)]
    mask = [0] * len(tokens)
    for index, message in enumerate(messages):
        if message["role"] != "assistant" or all(earlier["role"] == "system" for earlier in messages[:index]):
            continue
        before = _apply(tokenizer, messages[:index], add_generation_prompt=True)
        after = _apply(tokenizer, messages[: index + 1], add_generation_prompt=False)
        end = min(last_eos(tokenizer, after), len(tokens))
        if tokens[: len(before)] == before and tokens[:end] == after[:end]:
            mask[len(before) : end] = [1] * (end - len(before))
    return Rendered(tokens, mask)


def last_eos(tokenizer: Any, tokens: list[int]) -> int:
    """Index just behind the last end-of-sequence token (templates put a newline there), or the length without one."""
    ends = set(tokenizer.eos_token_ids)
    return next((i + 1 for i in range(len(tokens) - 1, -1, -1) if tokens[i] in ends), len(tokens))


def _apply(tokenizer: Any, messages: Messages, *, add_generation_prompt: bool) -> list[int]:
    from jinja2 import TemplateError

    if not tokenizer.has_chat_template:
        raise UserError("the tokenizer has no chat template", where="model.base", cure="Take an instruct model")
    options = PROMPT_OPTIONS if add_generation_prompt else {}
    try:
        return list(tokenizer.apply_chat_template(messages, add_generation_prompt=add_generation_prompt, return_dict=False, **options))
    except TemplateError as error:
        cure = "Take another base model, or leave out what its template refuses (an empty prepare.system_prompt adds no system turn)"
        raise UserError(f"the chat template refuses a conversation ({error})", where="model.base", cure=cure) from error
