"""The OpenAI-compatible server of mlx-lm, narrowed: it answers with the registry's current model and nothing else.

mlx-lm's server loads whatever model, adapter or draft model a request names, fetches pictures from any address, answers
every web page, and lists the hub's cache. Here a request may name the current version only. When the registry names
another version, requests from then on carry its name: mlx-lm then finishes the answers in progress, and loads the other
model before the next.
"""

from __future__ import annotations

import errno
import logging
import socket
import sys
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from typing import Any

from gradus.backend import mx

# isort: split
# The fast BLAS, which gradus.backend loads, must be there before anything else imports MLX.
from mlx_lm.models.cache import LRUPromptCache
from mlx_lm.server import CompletionRequest, GenerationArguments, ResponseGenerator

from gradus.config.serve import Serve
from gradus.errors import GradusError, UserError
from gradus.serve.current import Current
from gradus.serve.handler import Handler
from gradus.serve.provider import Provider

log = logging.getLogger(__name__)


class Generator(ResponseGenerator):
    """mlx-lm's generating thread, which keeps to what the model reads: else an answer to a client that has left goes on for ever."""

    def _run_generate(self) -> None:
        try:
            super()._run_generate()
        finally:
            mx.clear_streams()  # else ending the process races with them and aborts

    def _tokenize(self, tokenizer: Any, request: CompletionRequest, args: GenerationArguments) -> Any:
        """What is raised here is answered to the client."""
        found = super()._tokenize(tokenizer, request, args)
        room = self.model_provider.context - len(found[0])
        if room < 1:
            raise ValueError(f"the request has {len(found[0]):,} tokens, the model reads {self.model_provider.context:,}, answer included")
        args.max_tokens = min(args.max_tokens, room)
        return found


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
            foreign = isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL
            taken = "Stop what uses it, or take another with --port, 0 for any that is free"
            cure = "Set serve.host to an address of this machine" if foreign else taken
            raise UserError(f"port {settings.port} of {settings.host} cannot be taken ({error.strerror})", where="serve", cure=cure) from error

    @property
    def address(self) -> str:
        """What a client takes as its base_url."""
        host = f"[{self._settings.host}]" if self.address_family == socket.AF_INET6 else self._settings.host
        return f"http://{host}:{self.server_address[1]}/v1"

    def run(self) -> None:
        """Load the model and answer until Ctrl-C. Raises what kept the model from loading or generating."""
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
