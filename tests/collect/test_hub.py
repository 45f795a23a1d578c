"""Data sets of the hub, from a real HTTP server on the loopback that speaks the endpoints `huggingface_hub` asks."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gradus.collect.hub import first_rows
from gradus.collect.text import Found
from gradus.config.load import PROJECT

NAME = "someone/questions"
TOKEN = "hf_secretsecretsecret"
CARD = b"---\nlicense: cc-by-4.0\n---\n# Questions\n"


def rows(first: int, last: int) -> list[dict[str, str]]:
    return [{"question": f"What is number {n}?", "answer": f"Number {n} comes after {n - 1} and before {n + 1}."} for n in range(first, last)]


def as_jsonl(data: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in data).encode()


@dataclass
class Hub:
    """What the server knows: the commit of each revision, the files of each commit, and what it was asked."""

    revisions: dict[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    url: str = ""
    needs_token: bool = False
    broken: bool = False
    page: bytes = b""
    """What is answered to everything, as the page of a hotel's network is."""

    def commit(self, revision: str, files: dict[str, bytes]) -> str:
        """Give `revision` a new commit with these files; returns its hash."""
        sha = hashlib.sha1(repr(sorted(files.items())).encode(), usedforsecurity=False).hexdigest()
        self.revisions |= {revision: sha, sha: sha}
        self.files[sha] = files
        return sha

    def answer(self, method: str, path: str, token: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of one request."""
        self.asked.append((method, path, token))
        if self.page:
            return 200, {"Content-Type": "text/html"}, self.page
        if self.broken and "/resolve/" in path:
            return 403, {}, b"out of order"
        if NAME not in path or (self.needs_token and token != f"Bearer {TOKEN}"):
            return 401 if self.needs_token else 404, {"X-Error-Code": "RepoNotFound"}, b""
        kind, _, rest = path.partition(f"/{NAME}/")[2].partition("/")
        revision, _, file = rest.partition("/")
        sha = self.revisions.get(revision)
        if sha is None:
            return 404, {"X-Error-Code": "RevisionNotFound"}, b""
        if kind == "resolve":
            return self._file(sha, file)
        known = {"id": NAME, "sha": sha, "private": False, "gated": False, "disabled": False, "downloads": 0, "likes": 0, "tags": []}
        siblings = [{"rfilename": name, "size": len(data), "blobId": self._hash(data)} for name, data in self.files[sha].items()]
        tree = [{"type": "file", "path": name, "size": len(data), "oid": self._hash(data)} for name, data in self.files[sha].items()]
        body: Any = tree if kind == "tree" else {**known, "siblings": siblings}
        return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()

    def _file(self, sha: str, file: str) -> tuple[int, dict[str, str], bytes]:
        data = self.files[sha].get(file)
        if data is None:
            return 404, {"X-Error-Code": "EntryNotFound"}, b""
        return 200, {"X-Repo-Commit": sha, "ETag": f'"{self._hash(data)}"'}, data

    @staticmethod
    def _hash(data: bytes) -> str:
        return hashlib.sha1(data, usedforsecurity=False).hexdigest()


@pytest.fixture
def hub() -> Iterator[Hub]:
    known = Hub()

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            path = unquote(urlsplit(self.path).path)
            status, headers, body = known.answer(self.command, path, self.headers.get("Authorization", ""))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = _reply

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield known
    server.shutdown()
    server.server_close()
    thread.join()


Collect = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def collect(tmp_path: Path, hub: Hub) -> Collect:
    """Runs the real script against the server, with a cache of its own."""

    def run(*settings: str, flags: tuple[str, ...] = (), **environment: str) -> subprocess.CompletedProcess[str]:
        given = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "0", "HF_TOKEN": "", **environment}
        keys = [f"paths.workspace={tmp_path / 'ws'}", "collect.python_docs=[]", "collect.hub.timeout_seconds=2", *settings]
        if not any(setting.startswith("collect.hub_datasets") for setting in settings):
            keys.append(f"collect.hub_datasets=[{NAME}]")
        command = [sys.executable, str(PROJECT / "scripts/01_collect.py"), *flags, *(word for key in keys for word in ("--set", key))]
        return subprocess.run(command, env={**os.environ, **given}, capture_output=True, text=True, timeout=60, check=False)

    return run


def outputs(tmp_path: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    folder = tmp_path / "ws/data/01_collected"
    documents = [json.loads(line) for line in (folder / "documents.jsonl").read_text(encoding="utf-8").splitlines()]
    return documents, json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def test_a_data_set_is_read_with_its_commit_and_its_licence(tmp_path: Path, hub: Hub, collect: Collect) -> None:
    table = pa.Table.from_pylist(rows(0, 3))
    pq.write_table(table, tmp_path / "part.parquet")
    data = {
        "data/train-0.parquet": (tmp_path / "part.parquet").read_bytes(),
        "more.jsonl": as_jsonl(rows(3, 5)),
        "more.csv": b"question,answer\na?,b\n",
    }
    sha = hub.commit("main", {**data, "README.md": CARD, "dataset_infos.json": b"{}", "model.bin": b"\0"})
    done = collect()
    assert done.returncode == 0, done.stderr
    documents, manifest = outputs(tmp_path)
    assert [d["source"] for d in documents] == [f"hf://datasets/{NAME}@{sha}/{file}" for file in sorted(data) if file != "more.csv"]
    assert [d["group"] for d in documents] == [f"hf://datasets/{NAME}/{file}" for file in sorted(data) if file != "more.csv"]
    assert {d["licence"] for d in documents} == {"cc-by-4.0"}
    assert {d["format"] for d in documents} == {"rows"}
    assert [json.loads(line) for line in documents[0]["text"].split("\n") if line] == rows(0, 3)
    fates = {entry["name"].rpartition("/")[2]: entry["status"] for entry in manifest["entries"]}
    assert fates == {"train-0.parquet": "text", "more.csv": "empty", "more.jsonl": "text"}
    assert manifest["by_source"][f"hf://datasets/{NAME}"]["documents"] == 2
    assert not any("model.bin" in path or "dataset_infos" in path for method, path, _ in hub.asked if method == "GET")


def test_no_more_rows_than_asked_for_and_a_licence_of_ones_own(tmp_path: Path, hub: Hub, collect: Collect) -> None:
    hub.commit("v1", {"a.jsonl": as_jsonl(rows(0, 5)), "b.jsonl": as_jsonl(rows(5, 10)), "c.jsonl": as_jsonl(rows(10, 12)), "README.md": CARD})
    done = collect(f"collect.hub_datasets=[{{name: {NAME}, revision: v1, files: ['?.jsonl'], max_rows: 7, licence: MIT}}]")
    assert done.returncode == 0, done.stderr
    documents, manifest = outputs(tmp_path)
    assert [len(d["text"].split("\n")) for d in documents] == [5, 2]
    assert {d["licence"] for d in documents} == {"MIT"}
    assert "the first 2 are taken (max_rows 7)" in manifest["entries"][1]["reason"]
    assert [entry["status"] for entry in manifest["entries"]] == ["text", "text", "left out"]


def test_a_branch_is_asked_again_with_force_and_only_new_files_are_read(tmp_path: Path, hub: Hub, collect: Collect) -> None:
    first = hub.commit("main", {"a.jsonl": as_jsonl(rows(0, 5)), "b.jsonl": as_jsonl(rows(5, 10))})
    assert collect().returncode == 0
    hub.asked.clear()
    assert "up to date" in collect().stdout
    assert hub.asked == [], "an up to date step asks nobody"
    second = hub.commit("main", {"a.jsonl": as_jsonl(rows(0, 5)), "b.jsonl": as_jsonl(rows(5, 11))})
    done = collect(flags=("--force",))
    assert done.returncode == 0, done.stderr
    documents, manifest = outputs(tmp_path)
    assert all(second in d["source"] for d in documents)
    assert f"same content as hf://datasets/{NAME}@{first}/a.jsonl, collected on 20" in manifest["entries"][0]["reason"]


def test_without_the_hub_the_cache_serves_and_without_a_cache_the_cure_is_told(tmp_path: Path, hub: Hub, collect: Collect) -> None:
    sha = hub.commit("main", {"a.jsonl": as_jsonl(rows(0, 5)), "README.md": CARD})
    missing = collect(HF_HUB_OFFLINE="1")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert f"ERROR {NAME}: HF_HUB_OFFLINE is set, and the cache does not hold all of this data set. Unset it, or take" in missing.stderr
    assert collect().returncode == 0
    before = outputs(tmp_path)
    offline = collect(flags=("--force",), HF_HUB_OFFLINE="1")
    assert offline.returncode == 0, offline.stderr
    assert f"the cached commit {sha[:12]} is taken" in offline.stderr
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, not listening: a connection is refused
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        gone = collect(flags=("--force",), HF_ENDPOINT=url)
        assert gone.returncode == 0, gone.stderr
        assert f"the hub at {url} gives no usable answer" in gone.stderr
        lost = collect(flags=("--force",), HF_ENDPOINT=url, HF_HOME=str(tmp_path / "elsewhere"))
    assert outputs(tmp_path) == before
    assert lost.returncode == 1
    assert lost.stderr.count("\n") == 2, "the step's own line and one line for the error"
    assert "Check the network and HF_ENDPOINT, or take the data set out of collect.hub_datasets." in lost.stderr


def test_a_silent_hub_is_given_up_after_the_timeout(hub: Hub, collect: Collect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = collect("collect.hub.timeout_seconds=0.3", HF_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert done.returncode == 1
    assert "gives no usable answer (timed out)" in done.stderr
    assert "Check the network" in done.stderr


def test_the_token_comes_from_the_environment_and_is_never_shown(tmp_path: Path, hub: Hub, collect: Collect) -> None:
    hub.commit("main", {"a.jsonl": as_jsonl(rows(0, 5))})
    hub.needs_token = True
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf/token").write_text(TOKEN, encoding="utf-8")
    refused = collect()
    assert refused.returncode == 2
    assert "put your token into the environment variable HF_TOKEN" in refused.stderr
    assert {token for _, _, token in hub.asked} == {""}, "a token on the disk is not used"
    done = collect(flags=("--log-level", "debug"), HF_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr
    written = b"".join(path.read_bytes() for path in (tmp_path / "ws").rglob("*") if path.is_file())
    assert TOKEN not in done.stdout + done.stderr
    assert TOKEN.encode() not in written


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("[someone/nothing]", "someone/nothing: the hub has no such data set, or you may not read it."),
        (f"[{{name: {NAME}, revision: v9}}]", f"{NAME}: the data set has no revision 'v9'."),
        (f"[{{name: {NAME}, files: ['*.txt']}}]", f"{NAME}: no file of the data set matches *.txt (there is a.jsonl)."),
        ("[a--b]", "'a--b' is no name of a data set of the hub"),
        ("[../up]", "'../up' is no name of a data set of the hub"),
        ("[{name: a, rows: 3}]", "an entry has no key 'rows'; there are name, revision, files, max_rows, licence"),
    ],
)
def test_the_users_mistakes_are_told_in_one_line(hub: Hub, collect: Collect, setting: str, told: str) -> None:
    hub.commit("main", {"a.jsonl": as_jsonl(rows(0, 5))})
    done = collect(f"collect.hub_datasets={setting}")
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_set_that_is_too_large_is_not_downloaded(hub: Hub, collect: Collect) -> None:
    hub.commit("main", {"a.jsonl": as_jsonl(rows(0, 500)), "b.jsonl": as_jsonl(rows(0, 50))})
    done = collect("collect.hub.max_mb=0.01")
    assert done.returncode == 2
    assert "the 2 files are 0.05 MB together, collect.hub.max_mb is 0.01. Name fewer in its 'files' (say files: [a.jsonl])" in done.stderr
    assert not any("/resolve/" in path for _, path, _ in hub.asked)


def test_a_download_that_breaks_off_says_so(hub: Hub, collect: Collect) -> None:
    hub.commit("main", {"a.jsonl": as_jsonl(rows(0, 5))})
    hub.broken = True
    done = collect()
    assert done.returncode == 1
    assert "the download broke off" in done.stderr
    hub.broken = False
    assert collect().returncode == 0


@pytest.mark.parametrize("page", [b"<html>Please log in</html>", b"{}"])
def test_an_answer_that_is_not_the_hubs_is_told_in_one_line(hub: Hub, collect: Collect, page: bytes) -> None:
    hub.page = page
    done = collect()
    assert done.returncode in (1, 2)
    assert "defect" not in done.stderr
    assert done.stderr.count("\n") == 2


def test_rows_are_cut_at_rows_and_keep_their_line_numbers() -> None:
    found = Found("t", "\n{1}\n\n{2}\n{3}\n", "rows", "s", "g", "r")
    assert first_rows(found, 2) == (Found("t", "\n{1}\n\n{2}", "rows", "s", "g", "r"), 2, 1)
    assert first_rows(found, 3) == (found, 3, 0)
