"""gradus.prepare.base: which base is taken, and that a hub out of reach costs seconds, not minutes."""

from __future__ import annotations

import http.server
import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gradus.backend import device_name
from gradus.config import Config
from gradus.config.schema import Hub
from gradus.errors import GradusError, UserError
from gradus.models import load_model
from gradus.prepare import STEP
from gradus.prepare.base import _download, base_json, check_hub, provide_base, tokenizer_of
from gradus.records import Base

TEXTS = ["The **sum** of a list is what `sum(x)` returns, here for numbers of any kind.\n\n- one\n- two\n"] * 40
HUB = Hub(name="someone/some-model", revision="main", timeout_seconds=1.0, on_cpu=True)


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests keep the built-in base of seed 1, which is built once."""
    return tmp_path_factory.mktemp("bases")


def test_builtin_is_built_once_and_taken_again(tiny_config: Config, bases: Path) -> None:
    first = provide_base(tiny_config.model, TEXTS, 1, bases)
    assert (first.kind, first.revision) == ("builtin", provide_base(tiny_config.model, TEXTS, 1, bases).revision)
    assert len(list(bases.iterdir())) == 1
    weights = Path(first.path) / "model.safetensors"
    assert weights.stat().st_size > 4 * 0.9 * first.parameters
    assert load_model(first.path)[1].eos_token == "<|im_end|>"


def test_same_seed_same_weights_other_seed_others(tiny_config: Config, bases: Path, tmp_path: Path) -> None:
    revisions = [provide_base(tiny_config.model, TEXTS, seed, folder).revision for seed, folder in ((1, bases), (1, tmp_path), (2, tmp_path))]
    assert revisions[0] == revisions[1]
    assert revisions[0] != revisions[2]


def test_auto_falls_back_with_its_reason(tiny_config: Config, bases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    base = provide_base(tiny_config.model.model_copy(update={"base": "auto", "hub": HUB}), TEXTS, 1, bases)
    assert base.kind == "builtin"
    assert "HF_HUB_OFFLINE" in base.reason


@pytest.mark.skipif(device_name() != "cpu", reason="on a GPU auto takes the hub model")
def test_auto_on_a_cpu_says_why_it_does_not_ask_the_hub(tiny_config: Config, bases: Path) -> None:
    hub = HUB.model_copy(update={"on_cpu": False})
    base = provide_base(tiny_config.model.model_copy(update={"base": "auto", "hub": hub}), TEXTS, 1, bases)
    assert "model.hub.on_cpu" in base.reason


def test_another_chat_template_is_another_base(tiny_config: Config, tiny_base: Path, tmp_path: Path) -> None:
    copy = tmp_path / "mine"
    shutil.copytree(tiny_base, copy)
    config = tiny_config.model_copy(update={"model": tiny_config.model.model_copy(update={"base": str(copy)})})
    assert STEP.outside is not None
    before = STEP.outside(config), provide_base(config.model, TEXTS, 1, tmp_path).revision
    (copy / "chat_template.jinja").write_text("{{ messages[0].content }}")
    after = STEP.outside(config), provide_base(config.model, TEXTS, 1, tmp_path).revision
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_folder(tiny_config: Config, tiny_base: Path, tmp_path: Path) -> None:
    copy = tmp_path / "mine"
    shutil.copytree(tiny_base, copy)
    (copy / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Mine\n", encoding="utf-8")
    base = provide_base(tiny_config.model.model_copy(update={"base": str(copy)}), TEXTS, 1, tmp_path)
    assert (base.kind, base.name, base.licence) == ("folder", "mine", "apache-2.0")
    assert base.parameters > 10_000


def test_missing_folder_is_the_users_mistake(tiny_config: Config, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"config\.json is missing"):
        provide_base(tiny_config.model.model_copy(update={"base": str(tmp_path / "nowhere")}), TEXTS, 1, tmp_path)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.safetensors", None), ("model.safetensors", b"half of it"), ("config.json", b"{"), ("config.json", b'{"model_type": "abacus"}'),
        ("config.json", b'{"model_type": "qwen3"}'), ("tokenizer.json", None), ("tokenizer.json", b"{}"),
    ],
)  # fmt: skip
def test_a_damaged_model_is_the_users_mistake(file: str, content: bytes | None, tiny_config: Config, tiny_base: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_base, tmp_path / "mine")
    (copy / file).unlink()
    if content is not None:
        (copy / file).write_bytes(content)
    with pytest.raises(UserError, match=r"mine: the model cannot be loaded .* Check model\.base"):
        tokenizer_of(provide_base(tiny_config.model.model_copy(update={"base": str(copy)}), TEXTS, 1, tmp_path))


@pytest.mark.parametrize("name", ["a/b/c", "two words", "-model"])
def test_what_is_no_name_is_the_users_mistake(name: str, tiny_config: Config, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"neither a folder nor the name of a model of the hub"):
        provide_base(tiny_config.model.model_copy(update={"base": name}), TEXTS, 1, tmp_path)


@pytest.fixture
def silent_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        _point_at(monkeypatch, server.getsockname()[1])
        yield


def _point_at(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{port}")


def test_a_hub_that_never_answers_costs_the_timeout(silent_hub: None) -> None:
    start = time.monotonic()
    with pytest.raises(GradusError, match=r"did not answer within 1 s|says no"):
        check_hub(HUB)
    assert time.monotonic() - start < 5  # the promise itself, not a measurement


@contextmanager
def answering(monkeypatch: pytest.MonkeyPatch, status: int, headers: dict[str, str], body: bytes) -> Iterator[None]:
    """A hub that answers every request alike."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        _point_at(monkeypatch, server.server_port)
        yield
        server.shutdown()


def test_a_hub_that_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"error": "Repository not found"}).encode()
    refusal = {"X-Error-Code": "RepoNotFound", "Content-Length": str(len(body))}
    with answering(monkeypatch, 404, refusal, body), pytest.raises(GradusError, match="says no"):
        check_hub(HUB)


def test_a_download_that_breaks_off_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(monkeypatch, 200, {"Content-Length": "5000"}, b"{"), pytest.raises(GradusError, match="the download broke off"):
        _download(HUB)


def test_a_base_in_the_workspace_is_named_relative_to_it(tmp_path: Path) -> None:
    base = Base("builtin", "tiny", str(tmp_path / "workspace" / "models" / "base" / "b1"), "r1", "test", 1)
    workspace = tmp_path / "workspace"
    path = json.loads(base_json(base, workspace))["path"]
    assert (path, workspace / path) == ("models/base/b1", Path(base.path))
    outside = replace(base, path=str(tmp_path / "elsewhere"))
    assert json.loads(base_json(outside, workspace))["path"] == outside.path
    assert workspace / outside.path == Path(outside.path)
