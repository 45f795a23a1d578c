"""Which model mlx-lm's server has loaded: the registry's current version, and never what a request names."""

from __future__ import annotations

import logging
import sys
import threading
from argparse import Namespace
from typing import Any

from gradus.backend import mx, nn

# isort: split
# The fast BLAS, which gradus.backend loads, must be there before anything else imports MLX.
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.server import ModelProvider

from gradus.chat import PROMPT_OPTIONS
from gradus.config.serve import Serve
from gradus.errors import UserError
from gradus.models import context_of, load_with_config
from gradus.serve.current import Current, Served

log = logging.getLogger(__name__)


class Provider(ModelProvider):
    """mlx-lm's keeper of the loaded model. It loads registered versions by their id, and no path or name from outside."""

    model_key: tuple[str, str, str] | None

    def __init__(self, current: Current, settings: Serve) -> None:
        super().__init__(_arguments(settings))
        self.current = current
        self.loaded = threading.Event()
        self.failure: Exception | None = None
        self.vocabulary = 0
        """How many tokens the loaded model knows."""
        self.context = sys.maxsize
        """How many it reads."""
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
            try:
                self.model, self.tokenizer, config = load_with_config(served.model, served.adapter)
            except UserError as error:
                if self.loaded.is_set():  # else the main thread raises it
                    log.error("%s Requests fail until %s can be loaded, or another version is current.", error, served.version.id)
                raise
            self.context = context_of(config)
            self.vocabulary = 1 + max(self.tokenizer.get_vocab().values())
            self.is_batchable = all(hasattr(cache, "merge") for cache in make_prompt_cache(self.model))
            self.model_key = key
            log.info("Loaded %s.", served)
        return self.model, self.tokenizer


def _arguments(settings: Serve) -> Namespace:
    """What mlx-lm's server takes from its command line."""
    return Namespace(
        model=None, adapter_path=None, draft_model=None, num_draft_tokens=0, pipeline=False, trust_remote_code=False,
        chat_template="", use_default_chat_template=False, chat_template_args=dict(PROMPT_OPTIONS),
        temp=settings.temperature, top_p=settings.top_p, top_k=0, min_p=0.0, max_tokens=settings.max_tokens,
        decode_concurrency=settings.concurrency, prompt_concurrency=settings.concurrency, prefill_step_size=2048,
        prompt_cache_size=settings.prompt_caches, prompt_cache_bytes=None, kv_bits=None, kv_group_size=64, quantized_kv_start=0,
        allowed_origins=settings.origins,
    )  # fmt: skip
