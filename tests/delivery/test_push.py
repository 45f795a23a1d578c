"""Upload: the hub's own client against a server on loopback that speaks the few requests an upload takes."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gradus.config import load_config
from gradus.config.load import PROJECT
from gradus.errors import UserError
from gradus.export.push import push

TOKEN = "hf_not_a_real_token"
CODE = """
import sys
from pathlib import Path
from gradus.errors import GradusError
from gradus.export.push import upload
try:
    sys.stdout.write(upload([(Path(sys.argv[1]), "."), (Path(sys.argv[2]), "gguf")], "me/model", sys.argv[3], private=True, message="Gradus, run a"))
except GradusError as error:
    sys.exit(str(error))
"""


@dataclass
class Hub:
    """What the server was sent."""

    url: str = ""
    created: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A server that takes small files within the commit itself, as the hub does; large ones go over its storage service, untested here."""
    known = Hub()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def answer(self, value: object, status: int = 200) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.answer({"id": "me/model", "sha": "0" * 40, "siblings": []})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                self.answer({"error": "Invalid credentials"}, 401)
            elif self.path == "/api/repos/create":
                known.created.append(json.loads(body))
                self.answer({"url": f"{known.url}/me/model"})
            elif "/preupload/" in self.path:
                names = [entry["path"] for entry in json.loads(body)["files"]]
                self.answer({"files": [{"path": name, "uploadMode": "regular", "shouldIgnore": False, "oid": None} for name in names]})
            elif "/commit/" in self.path:
                for row in map(json.loads, body.splitlines()):
                    if row["key"] == "header":
                        known.messages.append(row["value"]["summary"])
                    else:
                        known.files[row["value"]["path"]] = base64.b64decode(row["value"]["content"])
                self.answer({"commitUrl": f"{known.url}/me/model/commit/{'1' * 40}", "commitOid": "1" * 40})
            else:
                self.answer({"type": "model"})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield known
    server.shutdown()
    server.server_close()


def run_upload(hub: Hub, folder: Path, token: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the hub's client reads its settings once, when it is imported."""
    for name, content in (("huggingface/README.md", "# card\n"), ("huggingface/model.safetensors", "weights"), ("gguf/m-F16.gguf", "more weights")):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    environment = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(folder / "hf"), "PYTHONPATH": str(PROJECT / "scripts")}
    command = [sys.executable, "-c", CODE, str(folder / "huggingface"), str(folder / "gguf"), token]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=os.environ | environment)


def test_folder_and_gguf_files_arrive_in_a_private_repository(hub: Hub, tmp_path: Path) -> None:
    done = run_upload(hub, tmp_path, TOKEN)
    assert (done.returncode, done.stdout) == (0, f"{hub.url}/me/model"), done.stderr
    assert hub.files == {"README.md": b"# card\n", "model.safetensors": b"weights", "gguf/m-F16.gguf": b"more weights"}
    assert hub.messages == ["Gradus, run a"] * 2
    assert [(row["name"], row["organization"], row["visibility"]) for row in hub.created] == [("model", "me", "private")]
    assert TOKEN not in done.stderr


def test_a_refused_token_is_told_in_one_line_and_not_shown(hub: Hub, tmp_path: Path) -> None:
    done = run_upload(hub, tmp_path, "hf_wrong")
    assert done.returncode == 1
    assert "me/model: the hub did not take the upload" in done.stderr
    assert "hf_wrong" not in done.stderr
    assert hub.files == {}


def test_what_is_missing_is_said_before_anything_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = [f"paths.workspace={tmp_path}"]
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(UserError, match=r"export\.upload\.repo: no repository to upload to"):
        push(load_config(settings=settings))
    settings.append("export.upload.repo=me/model")
    with pytest.raises(UserError, match="HF_TOKEN is not set"):
        push(load_config(settings=settings))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(UserError, match="nothing to upload"):
        push(load_config(settings=settings))
