"""The chat template in Go's form: read off the template's renderings and proven by them, or refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gradus.errors import UserError
from gradus.export.chat_form import ChatForm, chat_form
from gradus.export.ollama import go_template, modelfile

LLAMA3 = (
    "{% for message in messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim"
    " + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] + '\n\n' %}"
    "{% set turns = messages[1:] %}{% else %}{% set system = '' %}{% set turns = messages %}{% endif %}{% for m in turns %}"
    "{% if m['role'] == 'user' %}"
    "{{ '[INST] ' + (system if loop.first else '') + m['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}"
)
QWEN25 = (
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are Qwen.<|im_end|>\n' }}{% endif %}"
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CHATML = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
CHATML += "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
CHATML += "{% if add_generation_prompt and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"
TEMPLATES = {"llama3": LLAMA3, "mistral": MISTRAL, "qwen2.5": QWEN25, "chatml": CHATML}


def form_of(base: Path, template: str) -> ChatForm:
    from mlx_lm.utils import load_tokenizer

    tokenizer: Any = load_tokenizer(base)
    tokenizer._tokenizer.chat_template = template
    tokenizer._tokenizer.bos_token = "<|endoftext|>"
    return chat_form(tokenizer, "x")


def test_chatml_in_go(tiny_base: Path) -> None:
    """The generation prompt is the one the model was trained with, its empty thought included."""
    turns = [f'if eq .Role "{role}" }}}}<|im_start|>{role}\n{{{{ .Content }}}}<|im_end|>\n' for role in ("system", "user", "assistant")]
    body = "{{ range .Messages }}{{ " + "{{ else ".join(turns) + "{{ end }}{{ end }}"
    assert go_template(form_of(tiny_base, CHATML)) == f"{body}<|im_start|>assistant\n<think>\n\n</think>\n\n"


def test_a_system_message_that_the_template_puts_in_by_itself(tiny_base: Path) -> None:
    text = go_template(form_of(tiny_base, QWEN25))
    assert text.startswith("{{ if not .System }}<|im_start|>system\nYou are Qwen.<|im_end|>\n{{ end }}{{ range .Messages }}")


@pytest.mark.parametrize("style", ["llama3", "mistral"])
def test_the_token_that_llama_cpp_adds_is_not_written_twice(tiny_base: Path, style: str) -> None:
    form = form_of(tiny_base, TEMPLATES[style])
    assert "<|endoftext|>" in go_template(form)
    assert "<|endoftext|>" not in go_template(form, bos="<|endoftext|>")


def test_mistral_has_its_system_message_in_the_first_user_turn(tiny_base: Path) -> None:
    form = form_of(tiny_base, MISTRAL)
    assert form.system_in_user
    assert "[INST] {{ if and $.System (le $i 1) }}{{ $.System }}\n\n{{ end }}{{ .Content }} [/INST]" in go_template(form)


def filled(template: str, messages: list[dict[str, str]]) -> str:
    """What Go would make of the few constructs that the templates use; an own reading of them, not Go's."""
    system = next((m["content"] for m in messages if m["role"] == "system"), "")
    text = re.sub(r"\{\{ if not \.System \}\}(.*?)\{\{ end \}\}", "" if system else r"\1", template, count=1, flags=re.DOTALL)
    head, loop, rest = re.split(r"(\{\{ range .*?\}\})", text, maxsplit=1)
    assert loop
    body, _, tail = rest.partition("{{ end }}{{ end }}") if "le $i 1" not in rest else rest.rpartition("{{ end }}{{ end }}")
    made = head
    for i, message in enumerate(messages):
        turn = next(part for part in re.split(r"\{\{ (?:else )?(?=if eq)", body) if part.startswith(f'if eq .Role "{message["role"]}" }}}}'))
        turn = turn.partition("}}")[2]
        turn = re.sub(r"\{\{ if and \$\.System.*?\}\}(.*?)\{\{ end \}\}", r"\1" if system and i <= 1 else "", turn, flags=re.DOTALL)
        made += turn.replace("{{ $.System }}", system).replace("{{ .Content }}", message["content"])
    return made + tail


@pytest.mark.parametrize("style", TEMPLATES)
def test_the_go_template_renders_as_the_chat_template(tiny_base: Path, style: str) -> None:
    from mlx_lm.utils import load_tokenizer

    tokenizer: Any = load_tokenizer(tiny_base)
    tokenizer._tokenizer.chat_template = TEMPLATES[style]
    tokenizer._tokenizer.bos_token = "<|endoftext|>"
    text = go_template(chat_form(tokenizer, "x"))
    turns = [("system", "Short."), ("user", "One?"), ("assistant", "1"), ("user", "Two?")]
    talk = [{"role": role, "content": content} for role, content in turns]
    for messages in (talk, talk[1:], talk[:2], talk[1:2]):
        wanted = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False, enable_thinking=False)
        assert filled(text, messages) == wanted


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% for m in messages %}{{ loop.index }}: {{ m['content'] }}\n{% endfor %}", "not made of turns that stay the same"),
        ("{{ messages[-1]['content'] }}", "not made of turns that stay the same"),
        ("{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}", r"refuses a conversation \(no system role\)"),
    ],
)
def test_other_templates_are_refused(tiny_base: Path, template: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        form_of(tiny_base, template)


def test_braces_of_the_template_stay_apart_from_those_of_go(tiny_base: Path) -> None:
    """Go takes the first two of `{{{` for its own; one brace before `{{ .Content }}` must not make three."""
    form = form_of(tiny_base, CHATML.replace("'\n' + m['content']", "'{' + m['content']"))
    text = go_template(form)
    assert '<|im_start|>user{{ "{" }}{{ .Content }}<|im_end|>' in text
    assert "{{{" not in text


def test_a_modelfile_escapes_go_and_refuses_what_it_cannot_hold(tiny_base: Path) -> None:
    form = form_of(tiny_base, CHATML.replace("im_start", "{{{{").replace("'<|{{{{|>'", "'<|' + '{{' + '|>'"))
    assert '<|{{ "{{" }}|>' in go_template(form)
    quotes = form_of(tiny_base, CHATML.replace("<|im_end|>", '"""'))
    with pytest.raises(UserError, match="quotes that a Modelfile cannot hold"):
        modelfile("m.gguf", quotes, bos="", stops=[], parameters={})
