"""gradus.chat: which tokens are supervised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gradus.chat import prompt_tokens, render
from gradus.errors import UserError


@pytest.fixture(scope="module")
def tokenizer(tiny_base: Path) -> Any:
    from mlx_lm.utils import load_tokenizer

    return load_tokenizer(tiny_base)


def supervised(tokenizer: Any, messages: list[dict[str, str]]) -> str:
    rendered = render(tokenizer, messages)
    return str(tokenizer.decode([t for t, m in zip(rendered.tokens, rendered.mask, strict=True) if m]))


def test_answer_and_end_of_sequence_are_supervised_and_nothing_else(tokenizer: Any) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is x?"}, {"role": "assistant", "content": "It is y."}]
    assert supervised(tokenizer, messages) == "It is y.<|im_end|>"
    rendered = render(tokenizer, messages)
    assert rendered.tokens[-1] == tokenizer.eos_token_id
    assert rendered.mask[-1] == 1


def test_every_assistant_turn_is_supervised(tokenizer: Any) -> None:
    turns = [("user", "One?"), ("assistant", "First."), ("user", "Two?"), ("assistant", "Second.")]
    messages = [{"role": role, "content": content} for role, content in turns]
    assert supervised(tokenizer, messages) == "First.<|im_end|>Second.<|im_end|>"


def test_prompt_is_the_unsupervised_beginning(tokenizer: Any) -> None:
    messages = [{"role": "user", "content": "What is x?"}, {"role": "assistant", "content": "It is y."}]
    rendered = render(tokenizer, messages)
    prompt = prompt_tokens(tokenizer, messages[:1])
    assert rendered.tokens[: len(prompt)] == prompt
    assert rendered.mask == [0] * len(prompt) + [1] * (len(rendered.tokens) - len(prompt))


@pytest.mark.parametrize("before", [[], [("system", "Be brief.")]], ids=["alone", "behind a system prompt"])
def test_a_greeting_is_not_supervised(tokenizer: Any, before: list[tuple[str, str]]) -> None:
    turns = [*before, ("assistant", "Welcome!"), ("user", "One?"), ("assistant", "First.")]
    assert supervised(tokenizer, [{"role": role, "content": content} for role, content in turns]) == "First.<|im_end|>"


def test_template_that_rewrites_earlier_turns_supervises_the_last_one(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reasoning models drop the thoughts of earlier turns; such a turn no longer is what the model would have said."""
    template = (
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}"
        "{% if m.role == 'assistant' and loop.last %}{{ 'THINK:\n' }}{% endif %}{{ m.content + '<|im_end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\nTHINK:\n' }}{% endif %}"
    )
    turns = [("user", "One?"), ("assistant", "First."), ("user", "Two?"), ("assistant", "Second.")]
    messages = [{"role": role, "content": content} for role, content in turns]
    monkeypatch.setattr(tokenizer._tokenizer, "chat_template", template)
    assert "First" not in supervised(tokenizer, messages)
    assert "Second." in supervised(tokenizer, messages)


def test_conversation_without_answer_is_the_users_mistake(tokenizer: Any) -> None:
    with pytest.raises(UserError, match="does not end with an assistant turn"):
        render(tokenizer, [{"role": "user", "content": "What is x?"}])


def test_what_a_template_refuses_is_told(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    template = "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    monkeypatch.setattr(tokenizer._tokenizer, "chat_template", template)
    with pytest.raises(UserError, match=r"model\.base: the chat template refuses a conversation \(System role not supported\)"):
        prompt_tokens(tokenizer, [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is x?"}])
