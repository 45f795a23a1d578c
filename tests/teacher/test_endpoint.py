"""A teacher over HTTP: replies, retries, and what is told when the server does not play along."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gradus.config.load import PROJECT
from gradus.errors import GradusError, UserError
from gradus.teacher import Failure, Reply, Request, TeacherSettings, Usage, open_teacher

from ..teacher_server import Cut, Hang, Messages, Status, TeacherServer
from .conftest import Settings, ask

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def outcomes(settings: TeacherSettings, cache: Path, *requests: Request) -> list[Reply | Failure]:
    with open_teacher(settings, cache) as teacher:
        return [outcome for _, outcome in sorted(teacher.answers(requests), key=lambda found: found[0])]


def only(settings: TeacherSettings, cache: Path, request: Request) -> Reply | Failure:
    return outcomes(settings, cache, request)[0]


def test_replies_usage_and_name(teacher_server: TeacherServer, settings: Settings, tmp_path: Path) -> None:
    teacher_server.script = lambda messages: messages[-1]["content"].upper()
    prices = {"price_per_million.input": 1.0, "price_per_million.output": 2.0}
    with open_teacher(settings(**prices), tmp_path) as teacher:
        found = dict(teacher.answers([ask("one"), ask("two words"), ask("one")]))
    assert found[0] == Reply("ONE", 1, 1, False, "stop")
    assert found[1] == Reply("TWO WORDS", 2, 2, False, "stop")
    assert found[2] == Reply("ONE", 1, 1, True, "stop")
    assert len(teacher_server.requests) == 2
    usage = teacher.usage
    assert (usage.requests, usage.cached, usage.failed, usage.prompt_tokens, usage.completion_tokens) == (3, 1, 0, 3, 3)
    assert usage.cost == pytest.approx((3 * 1.0 + 3 * 2.0) / 1e6)
    assert usage.seconds > 0
    assert teacher.name == f"scripted at {teacher_server.base_url}"


def test_what_is_sent(teacher_server: TeacherServer, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret")
    outcomes(settings(api_key_env="MY_KEY"), tmp_path, ask("plain"), ask("json", SCHEMA, seed=5, max_tokens=9, temperature=0.5))
    plain, structured = sorted(teacher_server.requests, key=len)
    assert plain == {"model": "scripted", "messages": [{"role": "user", "content": "plain"}], "max_tokens": 50, "temperature": 0.0}
    assert (structured["seed"], structured["max_tokens"], structured["temperature"]) == (5, 9, 0.5)
    assert structured["response_format"]["json_schema"]["schema"] == SCHEMA
    assert '"required": ["n"]' in structured["messages"][0]["content"]  # in words too: not every server looks at response_format
    assert teacher_server.headers[0]["authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in "".join(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())


def test_some_at_a_time(teacher_server: TeacherServer, settings: Settings, tmp_path: Path) -> None:
    def slow(_: Messages) -> str:
        time.sleep(0.1)
        return "done"

    teacher_server.script = slow
    outcomes(settings(concurrency=3), tmp_path, *(ask(str(i)) for i in range(9)))
    assert teacher_server.most_at_once == 3


def test_a_server_that_does_not_know_schemas(teacher_server: TeacherServer, settings: Settings, tmp_path: Path) -> None:
    teacher_server.takes_schema = False
    with open_teacher(settings(concurrency=1), tmp_path) as teacher:
        found = list(teacher.answers([ask("a", SCHEMA), ask("b", SCHEMA)]))
    assert [type(outcome) for _, outcome in found] == [Reply, Reply]
    assert ["response_format" in body for body in teacher_server.requests] == [True, False, False]  # asked once, then remembered


@pytest.mark.parametrize(("refused", "complaint"), [("max_tokens", "use max_completion_tokens"), ("seed", "seed: extra inputs are not permitted")])
def test_a_server_with_other_parameters(refused: str, complaint: str, teacher_server: TeacherServer, settings: Settings, tmp_path: Path) -> None:
    def script(_: Messages) -> str | Status:
        return Status(400, json.dumps({"error": {"message": complaint}})) if refused in teacher_server.requests[-1] else "fine"

    teacher_server.script = script
    assert outcomes(settings(concurrency=1), tmp_path, ask("a", seed=1), ask("b", seed=1)) == [Reply("fine", 1, 1, False, "stop")] * 2
    assert [refused in body for body in teacher_server.requests] == [True, False, False]


def test_a_proxy_is_not_for_this_machine(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert isinstance(only(settings(), tmp_path, ask("a")), Reply)


def test_busy_then_free(teacher_server: TeacherServer, settings: Settings, tmp_path: Path) -> None:
    teacher_server.script = lambda _: "free" if len(teacher_server.requests) > 2 else Status(429, headers={"Retry-After": "0.3"})
    start = time.perf_counter()
    assert only(settings(retries=2), tmp_path, ask("a")) == Reply("free", 1, 1, False, "stop")
    assert time.perf_counter() - start > 0.6


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (Status(500, '{"error": {"message": "out of memory"}}'), "500"),
        (Status(429, headers={"Retry-After": "0.1"}), "429"),
        (Status(400, '{"error": {"message": "the context is too long"}}'), "the server refuses it (Error code: 400"),
        (Status(200, "<html>hello</html>", {"Content-Type": "text/html"}), "no chat completion"),
        (Status(200, "{broken"), "not JSON"),
        (Status(200, '{"choices": []}'), "no chat completion"),
        (Status(200, '{"choices": [null]}'), "no chat completion"),
        (Status(200, '{"choices": "text"}'), "no chat completion"),
        (Status(200, '{"choices": [{"message": {"content": ["a"]}}]}'), "no chat completion"),
        (Hang(), "no reply within 0.3 s, 2 times"),
    ],
    ids=["500", "429", "400", "html", "broken", "empty", "null", "text", "parts", "timeout"],
)
def test_one_request_that_fails(said: Status | Hang, reason: str, teacher_server: TeacherServer, settings: Settings, tmp_path: Path) -> None:
    teacher_server.script = lambda messages: said if messages[-1]["content"] == "bad" else "good"
    bad, good = outcomes(settings(timeout_seconds=0.3), tmp_path, ask("bad"), ask("good"))
    assert isinstance(bad, Failure)
    assert reason in bad.reason
    assert "\n" not in bad.reason
    assert good == Reply("good", 1, 1, False, "stop")
    before = len(teacher_server.requests)
    outcomes(settings(timeout_seconds=0.3), tmp_path, ask("bad"), ask("good"))
    assert {body["messages"][0]["content"] for body in teacher_server.requests[before:]} == {"bad"}  # a failure is not kept


def test_numbers_of_tokens_that_are_none_are_reckoned(teacher_server: TeacherServer, settings: Settings, tmp_path: Path) -> None:
    completion = {"choices": [{"message": {"content": "good"}}], "usage": {"prompt_tokens": "2", "completion_tokens": None}}
    teacher_server.script = lambda _: Status(200, json.dumps(completion))
    assert only(settings(), tmp_path, ask("four")) == Reply("good", 1, 1, False, "stop")


def test_no_server(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:9/v1: no connection .*ollama serve") as caught:
        only(settings(base_url="http://127.0.0.1:9/v1", retries=0), tmp_path, ask("a"))
    assert "\n" not in str(caught.value)


def test_a_wrong_key_is_never_shown(teacher_server: TeacherServer, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret")
    teacher_server.script = lambda _: Status(401, '{"error": {"message": "Incorrect API key: sk-secret"}}')
    with pytest.raises(UserError, match=r"the key in \$MY_KEY \(401\)") as caught:
        only(settings(api_key_env="MY_KEY"), tmp_path, ask("a"))
    assert "sk-" not in str(caught.value)
    teacher_server.script = lambda _: Status(500, '{"error": {"message": "sk-secret is slow"}}')
    failure = only(settings(api_key_env="MY_KEY"), tmp_path, ask("a"))
    assert isinstance(failure, Failure)
    assert "***" in failure.reason and "sk-" not in failure.reason


@pytest.mark.parametrize("key", ["sk-one\nsk-two", "sk-\u2026", "\u201csk-one\u201d"])
def test_a_key_that_can_be_none_is_told_and_not_shown(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("MY_KEY", key)
    with pytest.raises(UserError, match="MY_KEY holds a character that no key has") as caught:
        only(settings(api_key_env="MY_KEY"), tmp_path, ask("a"))
    assert "sk-" not in str(caught.value)


def test_a_key_that_is_not_set(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="NO_SUCH_KEY is not set"):
        only(settings(api_key_env="NO_SUCH_KEY"), tmp_path, ask("a"))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status(404, '{"error": {"message": "model not found"}}'), "has no model 'scripted'"),
        (Status(429, '{"error": {"message": "pay", "code": "insufficient_quota"}}', {"Retry-After": "0.1"}), "quota is used up"),
    ],
    ids=["404", "quota"],
)
def test_what_no_other_request_would_survive(status: Status, words: str, teacher_server: TeacherServer, settings: Settings, tmp_path: Path) -> None:
    teacher_server.script = lambda _: status
    with pytest.raises(UserError, match=words):
        only(settings(), tmp_path, ask("a"))


def test_no_teacher(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no teacher is set up"), open_teacher(settings(kind="off"), tmp_path):
        pass


def test_a_server_that_never_succeeds(teacher_server: TeacherServer, settings: Settings, tmp_path: Path) -> None:
    only(settings(), tmp_path, ask("0"))  # a reply that is kept says nothing of the server of today
    teacher_server.script = lambda _: Status(500)
    with pytest.raises(GradusError, match=r"the first 20 requests to scripted at .* all failed"):
        outcomes(settings(retries=0), tmp_path, *(ask(str(i)) for i in range(200)))
    assert len(teacher_server.requests) < 60
    teacher_server.script = lambda _: Status(500) if len(teacher_server.requests) % 10 else "well"
    found = outcomes(settings(retries=0, concurrency=1), tmp_path, *(ask(str(i)) for i in range(40)))
    assert sum(isinstance(outcome, Failure) for outcome in found) >= 30


def test_thoughts_and_limits(teacher_server: TeacherServer, settings: Settings, tmp_path: Path) -> None:
    teacher_server.script = lambda messages: Cut("half a") if messages[-1]["content"] == "long" else "<think>\nhm\n</think>\n\nfour"
    long, thought = outcomes(settings(), tmp_path, ask("long"), ask("two and two"))
    assert long == Reply("half a", 1, 2, False, "length")
    assert isinstance(thought, Reply)
    assert thought.text == "four"


def test_a_server_that_counts_no_tokens(teacher_server: TeacherServer, settings: Settings, tmp_path: Path) -> None:
    body = '{"choices": [{"index": 0, "message": {"role": "assistant", "content": "12345678"}, "finish_reason": "stop"}]}'
    teacher_server.script = lambda _: Status(200, body)
    assert only(settings(), tmp_path, ask("abcd")) == Reply("12345678", 1, 2, False, "stop")


RUN = """
import sys
from pathlib import Path
sys.path.insert(0, "scripts")
from gradus.config import load_config
from gradus.teacher import Request, open_teacher
with open_teacher(load_config(settings=sys.argv[2:]).extract.teacher, Path(sys.argv[1])) as teacher:
    list(teacher.answers([Request(({"role": "user", "content": str(i)},), 50, 0.0) for i in range(6)]))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "ctrl-c"])
def test_a_killed_run_goes_on_and_asks_nothing_twice(
    number: signal.Signals, teacher_server: TeacherServer, settings: Settings, tmp_path: Path
) -> None:
    teacher_server.script = lambda messages: Hang() if messages[-1]["content"] == "3" else "done"
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path), *teacher_server.settings, "extract.teacher.concurrency=1"], cwd=PROJECT, stderr=subprocess.DEVNULL
    )
    while len(teacher_server.requests) < 4 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(number)
    process.wait(5)  # nobody waits for the reply that does not come
    assert len(teacher_server.requests) == 4
    teacher_server.script = lambda messages: "done"
    with open_teacher(settings(), tmp_path) as teacher:
        found = list(teacher.answers([ask(str(i)) for i in range(6)]))
    assert [index for index, _ in found[:3]] == [0, 1, 2]  # cached ones first
    assert sorted(body["messages"][0]["content"] for body in teacher_server.requests[4:]) == ["3", "4", "5"]
    assert teacher.usage == Usage(6, 3, 0, 3, 3, teacher.usage.seconds, None)
