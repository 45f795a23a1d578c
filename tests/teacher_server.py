"""A real local server that speaks /chat/completions, scripted by a function of the messages."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Status:
    """Answer with this HTTP status and body instead of a completion."""

    code: int
    body: str = '{"error": {"message": "no"}}'
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hang:
    """Do not answer for so many seconds (or until the server stops)."""

    seconds: float = 60.0


@dataclass(frozen=True)
class Cut:
    """A completion that met its limit."""

    text: str


Script = Callable[[Messages], "str | Status | Hang | Cut"]


@dataclass
class TeacherServer:
    """Set `script`; read `requests` (the bodies that came, in order) and `base_url`.

    `script` gets the messages and gives the text of the reply, or a `Status`, `Hang` or `Cut`. With `takes_schema`
    False a request with `response_format` is answered with 400, as servers do that do not know it.
    """

    base_url: str = ""
    script: Script = field(default=lambda messages: "hello")
    takes_schema: bool = True
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    most_at_once: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def settings(self) -> list[str]:
        """`key=value` settings that make this server the teacher."""
        return ["extract.teacher.kind=openai", "extract.teacher.model=scripted", f"extract.teacher.base_url={self.base_url}"]


def _handler(server: TeacherServer) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()
    running = [0]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                running[0] += 1
                server.requests.append(body)
                server.headers.append({name.lower(): value for name, value in self.headers.items()})
                server.most_at_once = max(server.most_at_once, running[0])
            try:
                self._answer(body)
            finally:
                with lock:
                    running[0] -= 1

        def _answer(self, body: dict[str, Any]) -> None:
            if self.path != "/v1/chat/completions":
                return self._send(Status(404))
            if "response_format" in body and not server.takes_schema:
                return self._send(Status(400, '{"error": {"message": "response_format is not supported"}}'))
            said = server.script(body["messages"])
            if isinstance(said, Hang):
                server.stopped.wait(said.seconds)
                said = "too late"
            return self._send(said if isinstance(said, Status) else Status(200, json.dumps(_completion(body, said))))

        def _send(self, status: Status) -> None:
            content = status.body.encode()
            self.send_response(status.code)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **status.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    return Handler


def _completion(body: dict[str, Any], said: str | Cut) -> dict[str, Any]:
    text = said.text if isinstance(said, Cut) else said
    prompt = sum(len(message["content"].split()) for message in body["messages"])
    usage = {"prompt_tokens": prompt, "completion_tokens": len(text.split()), "total_tokens": prompt + len(text.split())}
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "length" if isinstance(said, Cut) else "stop"}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [choice], "usage": usage}


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


@contextmanager
def serve() -> Iterator[TeacherServer]:
    """The server on a free loopback port, until the block ends."""
    server = TeacherServer()
    http = _Quiet(("127.0.0.1", 0), _handler(server))
    server.base_url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        http.shutdown()
        http.server_close()
        thread.join()
