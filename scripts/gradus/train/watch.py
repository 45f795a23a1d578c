"""Watch a training run in a browser: a small server on this machine alone, fed by `metrics.jsonl`.

The page asks `/metrics.json` again every two seconds and draws what it gets. Nothing is loaded from elsewhere, and
nothing but this machine is answered: the server listens on the loopback, and a request whose Host header is another
name (a foreign site that points its name at 127.0.0.1) is refused.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from gradus.config import Config
from gradus.errors import GradusError, UserError
from gradus.files import read_json
from gradus.step import is_running, target_of, work_of
from gradus.train import STEP
from gradus.train.metadata import read_metadata
from gradus.train.metrics import Row, read_rows

log = logging.getLogger(__name__)
HOST = "127.0.0.1"
ASSETS = Path(__file__).with_name("live")
PAGES = {"/": ("page.html", "text/html"), "/page.js": ("page.js", "text/javascript"), "/page.css": ("page.css", "text/css")}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
RECENT_REPORTS = 5


def snapshot(config: Config) -> dict[str, Any]:
    """What the page shows now: the run in progress when there is one, else the finished run.

    Raises:
        UserError: when nothing trains and the run has no adapter.
    """
    work, target, running = work_of(STEP, config), target_of(STEP, config), is_running(STEP, config)
    if (work / "metrics.jsonl").exists() or (running and work.exists()):
        state = "training" if running else "interrupted"
        return _view(config, state, read_rows(work / "metrics.jsonl"), _settings(work / "job.json"))
    if (target / "metrics.jsonl").exists():
        metadata = read_metadata(target)
        return _view(config, metadata["stopped"], read_rows(target / "metrics.jsonl"), metadata["config"]["train"])
    cure = "Start python scripts/06_train_mlx.py in another terminal, or name the run with --run"
    raise UserError(f"nothing is training, and the run '{config.run.name}' has no curves yet", where=str(target), cure=cure)


def _settings(job: Path) -> dict[str, Any]:
    """The training section of the run in progress; empty before it has been written."""
    return dict(read_json(job)["config"]["train"]) if job.exists() else {}


def _view(config: Config, state: str, rows: list[Row], train: dict[str, Any]) -> dict[str, Any]:
    valid = [row for row in rows if row["kind"] == "valid" and row["loss"] is not None]
    best = min(valid, key=lambda row: row["loss"], default=None)
    iterations, done = train.get("iterations"), rows[-1]["iteration"] if rows else 0
    left = seconds_left(rows, iterations - done) if state == "training" and iterations else None
    return {
        "run": config.run.name, "state": state, "method": train.get("method"), "iteration": done, "iterations": iterations,
        "seconds_left": left, "best": best and {"iteration": best["iteration"], "loss": best["loss"]}, "rows": rows,
    }  # fmt: skip


def seconds_left(rows: list[Row], iterations: int) -> float | None:
    """Time that so many more iterations take at the pace of the latest reports, validation apart; None before there is a pace."""
    recent = [row for row in rows if row["kind"] == "train"][-RECENT_REPORTS - 1 :]
    if not recent:
        return None
    first = recent[0] if len(recent) > 1 else {"iteration": 0, "seconds": 0.0}
    done, seconds = recent[-1]["iteration"] - first["iteration"], recent[-1]["seconds"] - first["seconds"]
    left = iterations * seconds / done if done > 0 else math.nan
    return round(left, 1) if math.isfinite(left) and left >= 0 else None


class Handler(BaseHTTPRequestHandler):
    """Answers GET for the page, its two files and `/metrics.json`."""

    server: Server
    server_version, sys_version = "gradus", ""
    timeout = 10

    def do_GET(self) -> None:
        """Answer, or refuse."""
        path = self.path.partition("?")[0]
        if self.headers.get("Host", "").lower() not in self.server.names():
            self._refuse(HTTPStatus.FORBIDDEN)
        elif path == "/metrics.json":
            self._metrics()
        elif path in PAGES:
            name, kind = PAGES[path]
            self._answer((ASSETS / name).read_bytes(), f"{kind}; charset=utf-8")
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def _metrics(self) -> None:
        try:
            content = json.dumps(self.server.source(), allow_nan=False).encode()
        except GradusError as error:  # the run was deleted or damaged while it was watched
            self._answer(json.dumps({"error": str(error)}).encode(), "application/json", HTTPStatus.NOT_FOUND)
            return
        self._answer(content, "application/json")

    def _answer(self, content: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if status == HTTPStatus.OK and self.headers.get("If-None-Match") == tag:
            status, content = HTTPStatus.NOT_MODIFIED, b""
        self.send_response(status)
        for name, value in {**HEADERS, "ETag": tag, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _refuse(self, status: HTTPStatus = HTTPStatus.METHOD_NOT_ALLOWED) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Allow": "GET", "Content-Length": "0", "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are of interest to nobody but a debugger."""
        log.debug(format, *args)


class Server(ThreadingHTTPServer):
    """Listens on the loopback; `source()` says what the page shows."""

    daemon_threads = True

    def __init__(self, port: int, source: Callable[[], dict[str, Any]]) -> None:
        self.source = source
        try:
            super().__init__((HOST, port), Handler)
        except (OSError, OverflowError) as error:
            cure = "Give another with --port, or --port 0 for any that is free"
            raise UserError(f"port {port} cannot be taken ({getattr(error, 'strerror', error)})", where="--watch", cure=cure) from error

    @property
    def url(self) -> str:
        """Where to point the browser."""
        return f"http://{HOST}:{self.server_address[1]}/"

    def names(self) -> set[str]:
        """Host headers that a browser on this machine sends."""
        return {f"{name}:{self.server_address[1]}" for name in (HOST, "localhost")}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away in the middle of an answer is no fault; anything else goes into the log."""
        log.debug("a request of the live page failed", exc_info=True)


def watch(config: Config, port: int | None, tell: Callable[[str], None], *, dry_run: bool = False) -> None:
    """Serve the page until Ctrl-C.

    Args:
        port: instead of `monitor.port`; 0 takes any that is free.
        tell: shows a line to the user.
        dry_run: only say what would be shown.

    Raises:
        UserError: when there is nothing to watch, or the port is taken.
    """
    wanted = config.monitor.port if port is None else port
    if dry_run:
        tell(f"would show the curves of run {config.run.name} on http://{HOST}:{wanted or '<any>'}/")
        return
    state = snapshot(config)["state"]
    with Server(wanted, lambda: snapshot(config)) as server:
        try:
            tell(f"run {config.run.name} ({state}): {server.url}   Ctrl-C ends the page, not the training")
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            tell("the page is closed")
