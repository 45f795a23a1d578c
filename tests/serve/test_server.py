"""The real server with the real openai client: answers, rollback, and what it refuses."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest

from gradus.config import load_config
from gradus.config.load import PROJECT
from gradus.models import generate_answers, load_model
from gradus.registry import Registry
from gradus.serve.current import Current, Served
from gradus.serve.provider import Provider

QUESTION = "What does sine return?"
TOKENS = 12


def command(workspace: Path, *flags: str) -> list[str]:
    return [sys.executable, str(PROJECT / "scripts" / "serve.py"), "--set", f"paths.workspace={workspace}", *flags]


@dataclass
class Running:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    log: Path
    registry: Registry

    def wait_for(self, pattern: str, seconds: float = 60) -> re.Match[str]:
        """The first match of `pattern` in what the server has said."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := re.search(pattern, self.log.read_text()):
                return found
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(f"never said {pattern!r}: {self.log.read_text()}")

    @property
    def port(self) -> int:
        return int(self.wait_for(r"Answering at http://127\.0\.0\.1:(\d+)/v1").group(1))

    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"http://127.0.0.1:{self.port}/v1", api_key="any", max_retries=0, timeout=60)

    def ask(self, question: str, model: str = "current", **more: Any) -> Any:
        with self.client() as client:
            reply = client.chat.completions.create(model=model, messages=[{"role": "user", "content": question}], max_tokens=TOKENS, **more)
            return list(reply) if more.get("stream") else reply

    def raw(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, str]:
        """Status and text of a request that no well-behaved client sends."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, headers or {})
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        return reply.status, text


@pytest.fixture(scope="module")
def server(registered: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    root = tmp_path_factory.mktemp("running")
    workspace = Path(shutil.copytree(registered, root / "workspace"))
    with (root / "log").open("w") as log:
        flags = ("--port", "0", "--set", "serve.poll_seconds=0.1")
        process = subprocess.Popen(command(workspace, *flags), stderr=log, stdout=log, text=True, start_new_session=True)
    running = Running(process, root / "log", Registry(workspace))
    yield running
    process.kill()
    process.wait()


def expected(registry: Registry, version_id: str, question: str) -> str:
    """The answer of that version by the code that graded it."""
    version = registry.get(version_id)
    model, tokenizer = load_model(registry.base_folder_of(version), registry.folder_of(version))
    return generate_answers(model, tokenizer, [[{"role": "user", "content": question}]], max_tokens=TOKENS, batch_size=1)[0].text


def test_the_answer_is_that_of_the_graded_model(server: Running) -> None:
    reply = server.ask(QUESTION)
    assert reply.model == "v2"
    assert reply.choices[0].message.content.strip() == expected(server.registry, "v2", QUESTION)
    assert reply.usage.completion_tokens <= TOKENS


def test_streamed_and_whole_are_the_same_text(server: Running) -> None:
    pieces = [chunk.choices[0].delta.content or "" for chunk in server.ask(QUESTION, stream=True) if chunk.choices]
    assert len(pieces) > 2
    assert "".join(pieces) == server.ask(QUESTION, model="v2").choices[0].message.content


def test_eight_at_once(server: Running) -> None:
    questions = [f"What does function {number} return?" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(server.ask, questions))
    assert [reply.model for reply in replies] == ["v2"] * 8
    alone = [server.ask(question) for question in questions]
    assert [reply.choices[0].message.content for reply in replies] == [reply.choices[0].message.content for reply in alone]


def test_models_lists_the_current_one_whatever_the_hubs_cache_holds(server: Running) -> None:
    with server.client() as client:
        assert [model.id for model in client.models.list()] == ["current", "v2"]
        assert client.models.retrieve("v2").id == "v2"
        with pytest.raises(openai.NotFoundError, match="current model only"):
            client.models.retrieve("mlx-community/Qwen3-0.6B-4bit")


@pytest.mark.parametrize("name", ["v1", "mlx-community/Qwen3-0.6B-4bit", "/etc", "../../versions/v1", "", "default_model"])
def test_another_model_is_refused(server: Running, name: str) -> None:
    with pytest.raises(openai.NotFoundError, match=r"answers with the current model only\. Name it 'current' or 'v2'"):
        server.ask(QUESTION, model=name)


@pytest.mark.parametrize("extra", [{"adapters": "/etc"}, {"draft_model": "a/b"}, {"n": 2}])
def test_what_would_load_other_weights_or_be_ignored_is_refused(server: Running, extra: dict[str, object]) -> None:
    with pytest.raises(openai.BadRequestError, match=f"'{next(iter(extra))}'"):
        server.ask(QUESTION, extra_body=extra)


def test_no_address_of_a_picture_is_fetched(server: Running) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.5)
        part = {"type": "image_url", "image_url": {"url": f"http://127.0.0.1:{trap.getsockname()[1]}/x.png"}}
        body = json.dumps({"messages": [{"role": "user", "content": [part]}]}).encode()
        status, text = server.raw("POST", "/v1/chat/completions", body)
        assert (status, "reads text only" in text) == (400, True)
        with pytest.raises(TimeoutError):
            trap.accept()


@pytest.mark.parametrize(
    ("body", "headers", "status", "says"),
    [
        (b"{", {}, 400, "not valid JSON"),
        (b"\xff\xfe", {}, 400, "not valid JSON"),
        (b"[" * 100_000, {}, 400, "not valid JSON"),
        (b"[]", {}, 400, "must be a JSON object"),
        (b'{"messages": "hello"}', {}, 400, "must be a list"),
        (b'{"messages": [{"role": "user", "content": 7}]}', {}, 400, "both text"),
        (b"{}", {"Content-Length": "99999999999"}, 413, "serve.max_request_mb"),
        (b"{}", {"Content-Length": "-1"}, 413, "Content-Length"),
        (b'{"messages": [{"role": "user", "content": "x"}]}', {"Origin": "http://evil.example"}, 403, "serve.origins"),
        (b'{"messages": [{"role": "user", "content": "x"}]}', {"Host": "evil.example"}, 403, "localhost only"),
        (b'{"messages": [{"role": "user", "content": "x"}]}', {"Host": "[::1"}, 403, "localhost only"),
        (b"x" * 20_000_000, {}, 413, "serve.max_request_mb"),
    ],
)
def test_what_no_client_of_ours_sends_is_refused_in_words(server: Running, body: bytes, headers: dict[str, str], status: int, says: str) -> None:
    got, text = server.raw("POST", "/v1/chat/completions", body, headers)
    assert (got, says in json.loads(text)["error"]["message"]) == (status, True)


def test_requests_that_nothing_can_be_made_of_stop_nobody_else(server: Running) -> None:
    """What mlx-lm would find out in the thread that answers everybody; then a client that goes away in mid-stream."""
    talk = {"messages": [{"role": "user", "content": QUESTION}], "temperature": 1.0}
    for extra in ({"stop": 7}, {"top_k": 10**6}, {"logit_bias": {"1000000000": 1}}, {"seed": 10**30}, {"repetition_penalty": 10**30}):
        assert server.raw("POST", "/v1/chat/completions", json.dumps(talk | extra).encode())[0] == 400
    assert server.raw("POST", "/v1/completions", b'{"prompt": ""}')[0] == 400
    long = json.dumps({"prompt": "word " * 300}).encode()
    assert "the model reads 256" in server.raw("POST", "/v1/completions", long)[1]
    endless = json.dumps(talk | {"max_tokens": 10**30, "logit_bias": {"0": -100, "1": -100, "2": -100}}).encode()
    assert json.loads(server.raw("POST", "/v1/chat/completions", endless)[1])["usage"]["total_tokens"] <= 256
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as leaver:
        body = json.dumps(talk | {"stream": True, "max_tokens": 200}).encode()
        leaver.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        assert leaver.recv(16).startswith(b"HTTP/1.0 200")
    chunks = server.ask(QUESTION, stream=True, stream_options={})
    assert chunks[-1].choices[0].finish_reason in ("stop", "length")
    assert server.ask(QUESTION).choices[0].message.content


def test_foreign_pages_may_not_look_either(server: Running) -> None:
    for method, path in (("GET", "/v1/models"), ("OPTIONS", "/v1/chat/completions")):
        assert server.raw(method, path, headers={"Origin": "http://evil.example"})[0] == 403
    assert server.raw("GET", "/health") == (200, '{"status": "ok"}')


def test_the_port_is_taken(server: Running, registered: Path) -> None:
    done = subprocess.run(command(registered, "--port", str(server.port)), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert re.fullmatch(r"ERROR serve: port \d+ of 127\.0\.0\.1 cannot be taken \(Address already in use\)\. Stop what uses it.*\n", done.stderr)


def test_rollback_is_picked_up_while_answers_are_under_way(server: Running) -> None:
    """Answers that have begun are those of v2 to their end; the next ones are v1's. Nobody is turned away."""
    with ThreadPoolExecutor(4) as pool:
        replies = [pool.submit(server.ask, QUESTION) for _ in range(4)]
        server.registry.rollback_model(reason="test")
        server.wait_for(r"v1 \(.*\) takes the place of v2\.")
        replies += [pool.submit(server.ask, QUESTION) for _ in range(4)]
        found = [reply.result() for reply in replies]
    assert {reply.model for reply in found[4:]} == {"v1"}
    answers = {version: expected(server.registry, version, QUESTION) for version in ("v1", "v2")}
    assert answers["v1"] != answers["v2"]
    assert [reply.choices[0].message.content.strip() for reply in found] == [answers[reply.model] for reply in found]
    with pytest.raises(openai.NotFoundError):
        server.ask(QUESTION, model="v2")


WATCH = """
import sys
class Watch:
    def find_spec(self, name, path, target=None):
        if name == "mlx.core" and "gradus.backend" not in sys.modules:
            sys.exit("MLX is loaded before the BLAS")
sys.meta_path.insert(0, Watch())
import gradus.serve.server
"""


def test_the_fast_blas_is_loaded_before_mlx() -> None:
    """MLX takes the BLAS that it finds when it is loaded itself, whoever imports it."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts")}
    done = subprocess.run([sys.executable, "-c", WATCH], capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_another_version_in_the_same_folder_is_loaded_anew(registered: Path, tiny_base: Path) -> None:
    """As 10_fuse leaves it when a run of the same name was trained again."""
    registry, settings = Registry(registered), load_config().serve
    current = Current(registry, settings)
    provider = Provider(current, settings)
    loaded = []
    for version in ("v1", "v1", "v2"):
        current.served = Served(registry.get(version), tiny_base, None)
        loaded.append(provider.load(provider.name())[0])
    assert loaded[0] is loaded[1]
    assert loaded[1] is not loaded[2]


def test_ctrl_c_ends_it_cleanly(server: Running) -> None:
    """The last of this file: it stops the server that the others share."""
    assert server.port, "it answers: before that Ctrl-C ends it with 130, as every script"
    os.killpg(server.process.pid, signal.SIGINT)
    assert server.process.wait(30) == 0
    assert server.log.read_text().endswith("INFO Stopped.\n")


def test_without_a_current_model_it_says_so_and_stops(tmp_path: Path) -> None:
    for script in ("serve.py", "chat.py"):
        words = [sys.executable, str(PROJECT / "scripts" / script), "--set", f"paths.workspace={tmp_path / 'w'}"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 2
        assert "no model is current yet" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == [], "what only answers leaves no file behind"


def test_a_dry_run_says_what_would_be_served(registered: Path, tmp_path: Path) -> None:
    for workspace, says in ((registered, "would serve v2 (grade B"), (tmp_path / "w", "would stop: ")):
        done = subprocess.run(command(workspace, "--dry-run"), capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout.startswith(says)) == (0, True)
    assert not (tmp_path / "w").exists()
