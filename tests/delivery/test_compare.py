"""The measures that say how far two models are apart."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from gradus.backend import mx
from gradus.chat import render
from gradus.compare import answer_logits, equal_share, logit_difference, questions_of, read_conversations, total_likelihood
from gradus.errors import UserError
from gradus.models import Answer, likelihood, load_model

TALK = [{"role": "user", "content": "What does sine return?"}, {"role": "assistant", "content": "The **sum** of its input."}]


def test_the_difference_of_logits_by_hand() -> None:
    a = [mx.array([[0.0, 1.0], [2.0, 0.0]]), mx.array([[1.0, 0.0]])]
    b = [mx.array([[0.0, 1.0], [0.0, 2.0]]), mx.array([[1.0, 1.0]])]
    found = logit_difference(a, b)
    assert found.largest == 2.0
    assert found.rms == pytest.approx(math.sqrt((4 + 4 + 1) / 6))
    assert found.same_next_token == pytest.approx(2 / 3)
    assert found.places == 3


def test_a_nan_is_never_close() -> None:
    found = logit_difference([mx.array([[0.0, 1.0]]), mx.array([[1.0, 0.0]])], [mx.array([[0.0, 1.0]]), mx.array([[float("nan"), 0.0]])])
    assert math.isnan(found.largest)
    assert math.isnan(found.rms)


def test_equal_answers_are_counted() -> None:
    yes, no = Answer("yes", True, 1), Answer("no", True, 1)
    assert equal_share([yes, yes, no], [yes, no, no]) == pytest.approx(2 / 3)


def test_logits_are_those_that_predict_the_answer(tiny_base: Path) -> None:
    model, tokenizer = load_model(tiny_base)
    rendered = render(tokenizer, TALK)
    whole = model(mx.array([rendered.tokens]))[0]
    first = rendered.mask.index(1)
    (found,) = answer_logits(model, tokenizer, [TALK], 4)
    assert found.shape == (4, whole.shape[-1])
    assert mx.allclose(found, whole[first - 1 : first + 3], atol=1e-4).item()


def test_the_likelihood_of_all_weighs_every_token_the_same(tiny_base: Path) -> None:
    model, tokenizer = load_model(tiny_base)
    talks = [TALK, [TALK[0], {"role": "assistant", "content": "No. " * 30}]]
    parts = likelihood(model, tokenizer, talks, max_tokens=500)
    total = total_likelihood(model, tokenizer, talks, 500)
    assert total.tokens == sum(part.tokens for part in parts)
    assert total.per_token == pytest.approx(sum(part.nats for part in parts) / total.tokens)


def test_conversations_are_spread_over_the_file(tmp_path: Path, tiny_base: Path) -> None:
    _, tokenizer = load_model(tiny_base)
    talks = [[{"role": "user", "content": f"Question {i}?"}, TALK[1]] for i in range(10)]
    path = tmp_path / "valid.jsonl"
    path.write_text("".join(json.dumps({"messages": talk}) + "\n" for talk in talks))
    chosen = questions_of(read_conversations(path, 5, tokenizer))
    assert [talk[0]["content"] for talk in chosen] == [f"Question {i}?" for i in (0, 2, 4, 6, 8)]
    assert len(read_conversations(path, 99, tokenizer)) == 10
    with pytest.raises(UserError, match="no conversation to compare"):
        read_conversations(path, 5, tokenizer, max_tokens=3)
