"""The live page: a real server, a real training process, a real browser."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gradus.config import Config
from gradus.config.load import PROJECT
from gradus.errors import UserError
from gradus.files import write_json
from gradus.step import target_of, work_of
from gradus.train import STEP
from gradus.train.metadata import RECORDED
from gradus.train.watch import Server, seconds_left, snapshot

from .conftest import Command, JobMaker, start_worker

BROWSER = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
ROWS: list[dict[str, Any]] = [
    {"iteration": 0, "kind": "valid", "loss": 3.5, "seconds": 0.0},
    {"iteration": 10, "kind": "train", "loss": 3.0, "learning_rate": 1e-3, "tokens_per_second": 900.0, "seconds": 5.0},
    {"iteration": 20, "kind": "train", "loss": 2.0, "learning_rate": 5e-4, "tokens_per_second": 950.0, "seconds": 10.0},
    {"iteration": 20, "kind": "valid", "loss": 2.25, "seconds": 10.0},
]


def write_rows(path: Path, rows: list[dict[str, Any]] = ROWS, end: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + end, encoding="utf-8")


def in_progress(config: Config, pid: int) -> Path:
    """A run as 06 leaves it on disk while the process `pid` trains."""
    work = work_of(STEP, config)
    write_rows(work / "metrics.jsonl", end='{"iteration": 30, "ki')
    write_json(work / "job.json", {"config": config.model_dump()})
    work.with_name(f"{work.name}.lock").write_text(f"number {pid}", encoding="utf-8")
    return work


def finished(config: Config) -> None:
    target = target_of(STEP, config)
    write_rows(target / "metrics.jsonl", ROWS[:2])
    recorded = {"stopped": "early stopping", "config": config.model_dump(), "iterations": 10}
    write_json(target / "run_metadata.json", {**dict.fromkeys(RECORDED), **recorded})


def test_nothing_to_watch_is_told_in_one_line(tiny_config: Config) -> None:
    with pytest.raises(UserError, match="nothing is training, and the run 'test' has no curves yet") as caught:
        snapshot(tiny_config)
    assert "\n" not in str(caught.value)


def test_the_run_in_progress_comes_before_the_finished_one(tiny_config: Config) -> None:
    finished(tiny_config)
    assert (snapshot(tiny_config)["state"], snapshot(tiny_config)["iteration"]) == ("early stopping", 10)
    in_progress(tiny_config, os.getpid())
    view = snapshot(tiny_config)
    assert (view["state"], view["iteration"], view["iterations"]) == ("training", 20, tiny_config.train.iterations)
    assert view["best"] == {"iteration": 20, "loss": 2.25}
    assert view["rows"] == ROWS, "the line that is not whole yet is left out"
    assert view["seconds_left"] == (tiny_config.train.iterations - 20) * 0.5


def test_a_run_whose_process_died_is_interrupted(tiny_config: Config) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    in_progress(tiny_config, dead.pid)
    view = snapshot(tiny_config)
    assert (view["state"], view["seconds_left"]) == ("interrupted", None)


def test_no_pace_no_time_left() -> None:
    assert seconds_left(ROWS[:1], 10) is None
    assert seconds_left(ROWS[:2], 10) == 5.0


@pytest.fixture
def server(tiny_config: Config) -> Iterator[Server]:
    in_progress(tiny_config, os.getpid())
    with Server(0, lambda: snapshot(tiny_config)) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, {key.lower(): value for key, value in answer.getheaders()}, content


def test_it_answers_the_page_and_the_numbers_and_nothing_else(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"
    for path, kind in (("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css"), ("/metrics.json", "application/json")):
        status, headers, content = ask(server, path)
        assert (status, headers["content-type"].split(";")[0]) == (200, kind)
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "access-control-allow-origin" not in headers
        assert content
    assert json.loads(ask(server, "/metrics.json")[2])["rows"] == ROWS
    for path in ("/page.html", "/../watch.py", "/%2e%2e/watch.py", "/metrics.jsonl", "//etc/passwd"):
        assert ask(server, path)[0] == 404
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
        assert ask(server, "/metrics.json", method)[0] == 405


def test_another_host_name_is_refused(server: Server) -> None:
    port = server.server_address[1]
    assert ask(server, "/metrics.json", Host=f"localhost:{port}")[0] == 200
    for name in (f"evil.example:{port}", "evil.example", "127.0.0.1", f"127.0.0.1.evil.example:{port}", ""):
        status, _, content = ask(server, "/metrics.json", Host=name)
        assert (status, content) == (403, b"")


def test_unchanged_numbers_are_not_sent_again(server: Server, tiny_config: Config) -> None:
    tag = ask(server, "/metrics.json")[1]["etag"]
    assert ask(server, "/metrics.json", If_None_Match=tag)[::2] == (304, b"")
    write_rows(work_of(STEP, tiny_config) / "metrics.jsonl", ROWS[:2])
    assert ask(server, "/metrics.json", If_None_Match=tag)[0] == 200


def test_a_loss_that_is_no_number_stays_json(server: Server, tiny_config: Config) -> None:
    write_rows(work_of(STEP, tiny_config) / "metrics.jsonl", [*ROWS, {"iteration": 30, "kind": "valid", "loss": float("nan")}])
    view = json.loads(ask(server, "/metrics.json")[2], parse_constant=lambda name: pytest.fail(name))
    assert view["rows"][-1]["loss"] is None
    assert view["best"]["iteration"] == 20


def test_a_run_deleted_under_the_page_is_told(server: Server, tiny_config: Config) -> None:
    shutil.rmtree(work_of(STEP, tiny_config))
    status, _, content = ask(server, "/metrics.json")
    assert status == 404
    assert "has no curves yet" in json.loads(content)["error"]


def test_a_taken_port_is_the_users_mistake(server: Server) -> None:
    for port in (server.server_address[1], 99999):
        with pytest.raises(UserError, match=r"port \d+ cannot be taken \(.+\)\. .*--port 0"):
            Server(port, dict)


def test_a_port_without_the_page_is_the_users_mistake(command: Command) -> None:
    assert command("--port", "8000") == 2
    assert not (command.workspace / "adapters").exists()


def test_a_run_with_damaged_metadata_is_told(tiny_config: Config) -> None:
    finished(tiny_config)
    write_json(target_of(STEP, tiny_config) / "run_metadata.json", {})
    with pytest.raises(UserError, match=r"run_metadata\.json: not what 06_train_mlx writes"):
        snapshot(tiny_config)


def test_the_script_serves_until_it_is_stopped(tiny_config: Config) -> None:
    finished(tiny_config)
    script = str(PROJECT / "scripts" / "06_train_mlx.py")
    command = [sys.executable, script, "--watch", "--port", "0", "--run", "test", "--set", f"paths.workspace={tiny_config.paths.workspace}"]
    watching = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert watching.stdout is not None
    line = watching.stdout.readline()
    assert "run test (early stopping): http://127.0.0.1:" in line
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=30)
    assert (watching.returncode, out.strip(), err) == (0, "the page is closed", "")


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine, so the page cannot be opened in a real browser")
def test_a_browser_draws_a_training_that_is_going_on(make_job: JobMaker, tiny_config: Config, tmp_path: Path) -> None:
    job = make_job("live", "train.iterations=2000", "train.report_every=2", "train.validate_every=6", "train.checkpoint_every=1000")
    work = work_of(STEP, tiny_config)
    work.parent.mkdir(parents=True)
    work.symlink_to(job.parent)
    worker = start_worker(job)
    work.with_name(f"{work.name}.lock").write_text(f"number {worker.pid}", encoding="utf-8")
    try:
        deadline = time.monotonic() + 60
        while not (job.with_name("metrics.jsonl").exists() and snapshot(tiny_config)["iteration"] >= 6) and time.monotonic() < deadline:
            time.sleep(0.1)
        with Server(0, lambda: snapshot(tiny_config)) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=1500"]
            dom = subprocess.run([str(BROWSER), *flags, "--dump-dom", server.url], check=True, capture_output=True, text=True, timeout=60).stdout
            server.shutdown()
            thread.join()
    finally:
        worker.kill()
        worker.communicate(timeout=30)
    assert 'class="training">training' in dom
    assert "of 2,000" in dom
    assert 'class="curve train"' in dom and 'class="curve valid"' in dom
    assert "best " in dom and "Learning rate" in dom
