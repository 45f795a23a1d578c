"""What is let through to mlx-lm, and what is refused in words: an error while it generates would end the server for all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gradus.serve.requests import CHAT, COMPLETIONS, Refused, check_request

TALK: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}


def checked(body: dict[str, Any], path: str = CHAT[0]) -> dict[str, Any]:
    return dict(json.loads(check_request(json.dumps(body).encode(), path, "v2", 512)))


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"stop": 7}, "'stop' must be text"),
        ({"stop": ["a", 7]}, "'stop' must be text"),
        ({"logit_bias": {"512": 1}}, "'logit_bias' must be an object of numbers by token, 0 to 511"),
        ({"logit_bias": {"-1": 1}}, "'logit_bias'"),
        ({"logit_bias": {"7": "much"}}, "'logit_bias'"),
        ({"logit_bias": {"7": 10**400}}, "'logit_bias'"),
        ({"logit_bias": [7]}, "'logit_bias'"),
        ({"top_k": 512}, "'top_k' must be a whole number from 0 to 511"),
        ({"seed": -1}, "'seed' must be a whole number"),
        ({"seed": 2**70}, "'seed' must be a whole number"),
        ({"top_logprobs": True}, "'top_logprobs' must be a whole number from 0 to 11"),
        ({"temperature": 10**400}, "'temperature' must be a number of at most"),
        ({"repetition_penalty": 10**30}, "'repetition_penalty'"),
        ({"presence_penalty": -(10**30)}, "'presence_penalty'"),
        ({"frequency_penalty": float("nan")}, "'frequency_penalty'"),
        ({"repetition_context_size": 2**40}, "'repetition_context_size' must be a whole number"),
        ({"xtc_threshold": 0.9}, "'xtc_threshold' must be a number"),
        ({"stream_options": True}, "'stream_options' must be an object"),
        ({"chat_template_kwargs": {"chat_template": "{% for i in range(10) %}{% endfor %}"}}, "variables of the chat template"),
        ({"chat_template_kwargs": {"return_tensors": "np"}}, "variables of the chat template"),
        ({"chat_template_kwargs": 7}, "variables of the chat template"),
        ({"n": 2}, "'n' must be 1"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "half a surrogate pair"),
    ],
)
def test_what_would_stop_the_generating_thread_is_refused(extra: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused, match=says) as caught:
        checked(TALK | extra)
    assert caught.value.status == 400


def test_an_empty_prompt_and_another_address_are_refused() -> None:
    with pytest.raises(Refused, match="'prompt' must be text"):
        checked({"prompt": ""}, COMPLETIONS)
    with pytest.raises(Refused, match=r"no such address here; there are /v1/chat/completions") as caught:
        checked({"input": "Hello"}, "/v1/embeddings")
    assert caught.value.status == 404


def test_what_is_null_stands_for_the_default() -> None:
    nulls = dict.fromkeys(("model", "n", "stop", "temperature", "stream", "seed", "adapters", "logit_bias"))
    assert checked(TALK | nulls) == TALK | {"model": "v2"}


def test_what_mlx_lm_can_honour_is_let_through() -> None:
    wanted = {
        "stop": ["\n", "End"],
        "logit_bias": {"511": -100, "0": 0.5},
        "top_k": 511,
        "seed": 0,
        "temperature": 1,
        "presence_penalty": -2.0,
        "repetition_context_size": 20,
        "top_logprobs": 5,
        "xtc_threshold": 0.5,
        "chat_template_kwargs": {"enable_thinking": True},
    }
    assert checked(TALK | wanted) == TALK | wanted | {"model": "v2"}
    assert checked(TALK | {"stream_options": {}})["stream_options"] == {"include_usage": False}
    assert checked(TALK | {"stream_options": {"include_usage": True}})["stream_options"] == {"include_usage": True}
    assert checked({"prompt": "Größe 🙂", "model": "v2"}, COMPLETIONS)["prompt"] == "Größe 🙂"
