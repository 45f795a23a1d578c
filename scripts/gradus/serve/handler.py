"""What becomes of one request: who asks is checked, then what is asked, and the rest is mlx-lm's."""

from __future__ import annotations

import io
import json
import logging
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from gradus.serve.provider import Provider

# isort: split
# The fast BLAS, which gradus.backend loads, must be there before anything else imports MLX.
from mlx_lm.server import APIHandler, ResponseGenerator

from gradus.config.serve import Serve
from gradus.serve.requests import ALIAS, Refused, check_request, unknown_model

log = logging.getLogger(__name__)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SILENCE_SECONDS = 1.0  # after which a client whose request is refused has sent all that it will send
BLOCK = 1 << 16


class Handler(APIHandler):
    """mlx-lm's handler behind a check of who asks, and for what."""

    def __init__(self, settings: Serve, generator: ResponseGenerator, *args: Any) -> None:
        self._settings = settings
        self._provider: Provider = generator.model_provider
        super().__init__(generator, *args)

    def do_GET(self) -> None:
        """`/v1/models` and `/health`."""
        if self._may_ask():
            super().do_GET()

    def do_OPTIONS(self) -> None:
        """What a browser asks before it sends a request of another page."""
        if self._may_ask():
            super().do_OPTIONS()

    def do_POST(self) -> None:
        """`/v1/chat/completions` and `/v1/completions`, for the current model."""
        if not self._may_ask():
            return
        try:
            raw = check_request(self._read_body(), self.path, self._provider.name(), self._provider.vocabulary)
        except Refused as refused:
            self._refuse(refused)
            return
        # mlx-lm reads the request once more.
        self.rfile = io.BytesIO(raw)
        del self.headers["Content-Length"]
        self.headers["Content-Length"] = str(len(raw))
        super().do_POST()

    def handle_models_request(self) -> None:
        """The names that a request may use."""
        names = [ALIAS, self._provider.name()]
        wanted = self.path.partition("?")[0].removeprefix("/v1/models").strip("/")
        entries = [{"id": name, "object": "model", "created": self.created, "owned_by": "gradus"} for name in names]
        if not wanted:
            self._answer(200, {"object": "list", "data": entries})
        elif wanted in names:
            self._answer(200, entries[names.index(wanted)])
        else:
            self._refuse(unknown_model(wanted, names[1]))

    def log_message(self, format: str, *args: Any) -> None:
        """One line a request, for `--log-level debug`."""
        log.debug("%s %s", self.address_string(), format % args)

    def _may_ask(self) -> bool:
        """Refuse foreign web pages: those whose origin is not allowed, and names of others that point to this machine."""
        host = _host_in(self.headers.get("Host", ""))
        origin = self.headers.get("Origin")
        if self._settings.is_private and host not in (*LOOPBACK, self._settings.host):
            self._refuse(Refused(403, "this server answers to the name localhost only"))
        elif origin is not None and origin not in self._settings.origins:
            self._refuse(Refused(403, f"web pages of {origin[:100]} may not ask; serve.origins lists those that may"))
        else:
            return True
        return False

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        limit = int(self._settings.max_request_mb * 1e6)
        if not (length.isascii() and length.isdigit()) or len(length) > 12 or int(length) > limit:
            raise Refused(413, f"a request has a Content-Length of at most {limit} bytes (serve.max_request_mb)")
        return self.rfile.read(int(length))

    def _refuse(self, refused: Refused) -> None:
        """An error as OpenAI's clients show it."""
        self._answer(refused.status, {"error": {"message": str(refused), "type": "invalid_request_error", "code": refused.code, "param": None}})
        # A client that is still sending would find the connection broken, and never read the answer.
        self.connection.settimeout(SILENCE_SECONDS)
        with suppress(OSError):
            while self.rfile.read(BLOCK):
                pass

    def _answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self._set_completion_headers(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _host_in(header: str) -> str | None:
    """The name in a Host header; None for one that is no name."""
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:  # say an unfinished IPv6 address
        return None
