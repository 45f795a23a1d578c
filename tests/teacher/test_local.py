"""A model in this process, and the same model behind a real mlx_lm.server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradus.config import load_config
from gradus.errors import UserError
from gradus.models import generate_answers, load_model
from gradus.teacher import Reply, Request, TeacherSettings, estimate, open_teacher

from .conftest import ask

QUESTIONS = ["What does `sine` return?", "Sort", "How many values does `mean` take, and what is `n`?", "Explain `scan` in one word."]


def local(tiny_base: Path, *changes: str) -> TeacherSettings:
    return load_config(settings=["extract.teacher.kind=mlx", f"extract.teacher.model={tiny_base}", *changes]).extract.teacher


def replies(settings: TeacherSettings, cache: Path, *requests: Request) -> list[Reply]:
    with open_teacher(settings, cache) as teacher:
        found = sorted(teacher.answers(requests), key=lambda outcome: outcome[0])
    return [outcome for _, outcome in found if isinstance(outcome, Reply)]


def test_greedy_replies_are_those_of_the_model(tiny_base: Path, tmp_path: Path) -> None:
    found = replies(local(tiny_base), tmp_path, *(ask(question, max_tokens=12) for question in QUESTIONS))
    model, tokenizer = load_model(tiny_base)
    conversations = [[{"role": "user", "content": question}] for question in QUESTIONS]
    expected = generate_answers(model, tokenizer, conversations, max_tokens=12, batch_size=4)
    assert [reply.text for reply in found] == [answer.text for answer in expected]
    assert [reply.finish_reason for reply in found] == ["stop" if answer.finished else "length" for answer in expected]
    again = replies(local(tiny_base), tmp_path, *(ask(question, max_tokens=12) for question in QUESTIONS))
    assert [reply.cached for reply in again] == [True] * 4


def test_a_seed_repeats_a_sample_in_any_company(tiny_base: Path, tmp_path: Path) -> None:
    def sample(folder: str, seed: int | None, *company: str, batch: int = 4) -> str:
        requests = [ask(text, seed=seed, temperature=1.0, max_tokens=12) for text in (QUESTIONS[0], *company)]
        return replies(local(tiny_base, f"extract.teacher.batch_size={batch}"), tmp_path / folder, *requests)[0].text

    alone = sample("a", 1)
    assert sample("b", 1, *QUESTIONS[1:]) == alone
    assert sample("c", 1, *QUESTIONS[1:], batch=1) == alone
    assert sample("d", 2) != alone
    assert sample("e", None) == sample("f", None)


def test_an_estimate_counts_with_the_tokenizer(tiny_base: Path, tmp_path: Path) -> None:
    requests = [ask(question, max_tokens=12) for question in QUESTIONS]
    found = estimate(requests, local(tiny_base), tmp_path)
    assert found.counted == "the model's tokenizer"
    assert (found.requests, found.cached, found.completion_tokens) == (4, 0, 48)
    first = replies(local(tiny_base), tmp_path, *requests[:2])
    rest = estimate(requests, local(tiny_base), tmp_path)
    assert (rest.cached, rest.completion_tokens) == (2, 24)
    assert found.prompt_tokens - rest.prompt_tokens == sum(reply.prompt_tokens for reply in first)


def test_a_model_that_is_nowhere(tmp_path: Path) -> None:
    settings = load_config(settings=["extract.teacher.kind=mlx", "extract.teacher.model=/no/such/folder"]).extract.teacher
    with pytest.raises(UserError, match="'/no/such/folder' is no folder"), open_teacher(settings, tmp_path):
        pass


@pytest.fixture(scope="module")
def mlx_server(tiny_base: Path) -> Iterator[str]:
    """The address of a real mlx_lm.server with the tiny base."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlx_lm", "server", "--model", str(tiny_base), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "MLX_DISABLE_COMPILE": "1"})
    for _ in range(300):
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0 or process.poll() is not None:
                break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}/v1"
    process.terminate()
    process.wait(10)


def test_mlx_lm_server(mlx_server: str, tiny_base: Path, tmp_path: Path) -> None:
    settings = ["extract.teacher.kind=openai", f"extract.teacher.model={tiny_base}", f"extract.teacher.base_url={mlx_server}"]
    requests = [ask(question, max_tokens=8) for question in QUESTIONS[:2]]
    found = replies(load_config(settings=settings).extract.teacher, tmp_path, *requests)
    expected = replies(local(tiny_base), tmp_path, *requests)
    assert [reply.text.strip() for reply in found] == [reply.text for reply in expected]
    assert [reply.prompt_tokens for reply in found] == [reply.prompt_tokens for reply in expected]
    assert [reply.completion_tokens for reply in found] == [8, 8]
