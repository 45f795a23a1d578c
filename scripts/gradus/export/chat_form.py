"""The form of a chat template, read off its renderings, for programs that do not speak Jinja."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from gradus.chat import Messages
from gradus.errors import UserError

MARKS = ("\u27e6S\u27e7", "\u27e6U\u27e7", "\u27e6A\u27e7", "\u27e6V\u27e7")


@dataclass(frozen=True)
class Around:
    """What stands before and behind the content of a turn."""

    before: str
    after: str


@dataclass(frozen=True)
class ChatForm:
    """A conversation is `opening` (only without a system message), the turns, and `prompt` where the assistant is to speak.

    `system_in_user`: the system message stands in the first user turn, in front of the content (Mistral's way).
    """

    opening: str
    system: Around
    user: Around
    assistant: Around
    prompt: str
    system_in_user: bool

    def render(self, messages: Messages) -> str:
        """The text of a conversation that ends with a user turn."""
        system = next((m["content"] for m in messages if m["role"] == "system"), None)
        text = self.opening if system is None or self.system_in_user else self._turn(self.system, system)
        for number, message in enumerate(m for m in messages if m["role"] != "system"):
            inside = system if number == 0 and self.system_in_user else None
            content = message["content"] if inside is None else inside + self.system.after + message["content"]
            text += self._turn(self.user if message["role"] == "user" else self.assistant, content)
        return text + self.prompt

    @staticmethod
    def _turn(around: Around, content: str) -> str:
        return around.before + content + around.after


def chat_form(tokenizer: Any, where: str) -> ChatForm:
    """Find the form and prove it: it must render several conversations as the template itself does.

    Raises:
        UserError: when the template is not made of turns that stay the same, or takes no system message.
    """
    from jinja2 import TemplateError

    try:
        form = _read_off(tokenizer)
        proven = form is not None and all(form.render(talk) == _rendered(tokenizer, talk) for talk in _talks())
    except TemplateError as error:
        raise UserError(f"the chat template refuses a conversation ({error})", where=where, cure=CURE) from error
    if form is None or not proven:
        raise UserError("the chat template is not made of turns that stay the same (ChatML, Llama 3 and Mistral are)", where=where, cure=CURE)
    return form


CURE = "Leave ollama out of export.formats: llama.cpp and LM Studio read the chat template in the GGUF file itself"


def _read_off(tokenizer: Any) -> ChatForm | None:
    probes = [(_parts(_rendered(tokenizer, talk, prompt=prompt)), len(talk) + 1) for talk, prompt in _probes()]
    if any(len(parts) != wanted for parts, wanted in probes):
        return None
    (before_system, after_system, *_), (head, first, second, end), (_, user_after), (_, _, answer_after) = (parts for parts, _ in probes)
    user_before = second.removeprefix(answer_after)
    if not (end.startswith(user_after) and first.startswith(user_after) and second.startswith(answer_after) and head.endswith(user_before)):
        return None
    inside = not after_system.endswith(user_before)
    return ChatForm(
        opening=head.removesuffix(user_before),
        system=Around(before_system, after_system if inside else after_system.removesuffix(user_before)),
        user=Around(user_before, user_after),
        assistant=Around(first.removeprefix(user_after), answer_after),
        prompt=end.removeprefix(user_after),
        system_in_user=inside,
    )


def _probes() -> list[tuple[Messages, bool]]:
    """Conversations of marks, and whether the assistant is to speak at their end."""
    system, first, answer, second = _messages(*MARKS)
    return [([system, first, answer, second], True), ([first, answer, second], True), ([first], False), ([first, answer], False)]


def _talks() -> list[Messages]:
    system, first, answer, second = _messages("Be brief.", "What is it?", "It is **bold**.", "And then?\nSay more.")
    return [[first], [system, first], [first, answer, second], [system, first, answer, second], [first, answer, second, answer, first]]


def _messages(system: str, first: str, answer: str, second: str) -> Messages:
    roles = ("system", "user", "assistant", "user")
    return [{"role": role, "content": text} for role, text in zip(roles, (system, first, answer, second), strict=True)]


def _rendered(tokenizer: Any, messages: Messages, *, prompt: bool = True) -> str:
    return str(tokenizer.apply_chat_template(messages, add_generation_prompt=prompt, tokenize=False, enable_thinking=False))


def _parts(text: str) -> list[str]:
    """What stands between the marks, each of which must be there once, in its order."""
    parts = re.split("|".join(MARKS), text)
    found = re.findall("|".join(MARKS), text)
    return parts if found == sorted(set(found), key=MARKS.index) else []
