"""The OpenAI-compatible server of mlx-lm, narrowed: it answers with the registry's current model and nothing else.

mlx-lm's server loads whatever model, adapter or draft model a request names, fetches pictures from any address, answers
every web page, and lists the hub's cache. Here a request may name the current version only. When the registry names
another version, requests from then on carry its name: mlx-lm then finishes the answers in progress, and loads the other
model before the next.
"""

from __future__ import annotations

import io
import json
import logging
import socket
import sys
import threading
from argparse import Namespace
from functools import partial
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

# isort: split  (gradus.backend loads the fast BLAS before anything imports MLX)
from mlx_lm.models.cache import LRUPromptCache, make_prompt_cache
from mlx_lm.server import APIHandler, ModelProvider, ResponseGenerator

from gradus.backend import mx, nn
from gradus.config.serve import Serve
from gradus.errors import GradusError, UserError
from gradus.models import load_with_config
from gradus.serve.current import Current, Served
from gradus.serve.requests import ALIAS, Refused, check_request, unknown_model

log = logging.getLogger(__name__)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Provider(ModelProvider):
    """mlx-lm's keeper of the loaded model. It loads registered versions by their id, and no path or name from outside."""

    model_key: tuple[str, str, str] | None

    def __init__(self, current: Current, settings: Serve) -> None:
        super().__init__(_arguments(settings))
        self.current = current
        self.loaded = threading.Event()
        self.failure: Exception | None = None
        self._by_id: dict[str, Served] = {}

    def name(self) -> str:
        """The id of the version that is current now."""
        served = self.current.served
        self._by_id[served.version.id] = served
        return served.version.id

    def load_default(self) -> None:
        """Load the current model when the server starts; what goes wrong is kept in `failure`."""
        try:
            self.load(self.name())
        except Exception as error:  # noqa: BLE001  this is the generating thread: the main thread raises it
            self.failure = error
        self.loaded.set()

    def load(self, model_path: str, adapter_path: str | None = None, draft_model_path: str | None = None) -> tuple[nn.Module, Any]:
        """The model of a version and its tokenizer; the arguments are mlx-lm's, of which only the version's id counts."""
        served = self._by_id[model_path]
        # By the weights, not only the folder: a later run of the same name is fused into the same one.
        key = (str(served.model), str(served.adapter), served.version.weights)
        if self.model_key != key:
            self.reset()
            mx.clear_cache()
            self.model, self.tokenizer, _ = load_with_config(served.model, served.adapter)
            self.is_batchable = all(hasattr(cache, "merge") for cache in make_prompt_cache(self.model))
            self.model_key = key
            log.info("Loaded %s.", served)
        return self.model, self.tokenizer


def _arguments(settings: Serve) -> Namespace:
    """What mlx-lm's server takes from its command line."""
    return Namespace(
        model=None, adapter_path=None, draft_model=None, num_draft_tokens=0, pipeline=False, trust_remote_code=False,
        chat_template="", use_default_chat_template=False, chat_template_args={"enable_thinking": False},
        temp=settings.temperature, top_p=settings.top_p, top_k=0, min_p=0.0, max_tokens=settings.max_tokens,
        decode_concurrency=settings.concurrency, prompt_concurrency=settings.concurrency, prefill_step_size=2048,
        prompt_cache_size=settings.prompt_caches, prompt_cache_bytes=None, kv_bits=None, kv_group_size=64, quantized_kv_start=0,
        allowed_origins=settings.origins,
    )  # fmt: skip


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
            body = check_request(self._read_body(), self.path, self._provider.name())
        except Refused as refused:
            self._refuse(refused)
            return
        # mlx-lm reads the request once more, with the version's name in it.
        raw = json.dumps(body).encode()
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
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        origin = self.headers.get("Origin")
        if self._settings.is_private and host not in LOOPBACK:
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

    def _answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self._set_completion_headers(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Generator(ResponseGenerator):
    """mlx-lm's generating thread, with its MLX streams cleared at its end: else ending the process races with them and aborts."""

    def _run_generate(self) -> None:
        try:
            super()._run_generate()
        finally:
            mx.clear_streams()


class Server(ThreadingHTTPServer):
    """Listens from the moment it is made; answers once `run` is called."""

    request_queue_size = 128

    def __init__(self, current: Current, settings: Serve) -> None:
        self._settings, self._current = settings, current
        self.failure: Exception | None = None
        self._stopping = threading.Event()
        self.address_family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        try:
            super().__init__((settings.host, settings.port), Handler)
        except OSError as error:
            cure = "Stop what uses it, or take another with --port, 0 for any that is free"
            raise UserError(f"port {settings.port} of {settings.host} cannot be taken ({error.strerror})", where="serve", cure=cure) from error

    @property
    def address(self) -> str:
        """What a client takes as its base_url."""
        host = f"[{self._settings.host}]" if self.address_family == socket.AF_INET6 else self._settings.host
        return f"http://{host}:{self.server_address[1]}/v1"

    def run(self) -> None:
        """Load the model and answer until `stop` or Ctrl-C. Raises what kept the model from loading or generating."""
        generator = Generator(Provider(self._current, self._settings), LRUPromptCache(self._settings.prompt_caches))
        self.RequestHandlerClass = partial(Handler, self._settings, generator)
        try:
            _wait(generator.model_provider)
            log.info("Answering at %s with %s. Ctrl-C stops it.", self.address, self._current.served)
            threading.Thread(target=self._watch, args=(generator,), daemon=True).start()
            self.serve_forever()
        finally:
            self._stopping.set()
            generator.stop_and_join()
            self.server_close()
        if self.failure:
            raise self.failure

    def stop(self) -> None:
        """End `run` from another thread."""
        self._stopping.set()
        self.shutdown()

    def _watch(self, generator: ResponseGenerator) -> None:
        """Follow the registry, and end the server when its generating thread has died."""
        while not self._stopping.wait(self._settings.poll_seconds):
            self._current.refresh()
            if not generator.generation_available():
                cure = "See the messages above; start it again"
                self.failure = GradusError("generating failed, and the server has stopped", where="serve", cure=cure)
                self.shutdown()
                return

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is none of our business; the rest is told in one line."""
        error = sys.exc_info()[1]
        if self._stopping.is_set() or isinstance(error, ConnectionError):
            log.debug("A request ended early: %s", error)
        else:
            log.error("A request failed (%s: %s).", type(error).__name__, error)


def _wait(provider: Provider) -> None:
    provider.loaded.wait()
    if provider.failure:
        raise provider.failure
