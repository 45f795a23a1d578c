"""A teacher in this process: an MLX model that answers in batches."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gradus.config.teacher import Teacher as TeacherSettings
from gradus.errors import UserError
from gradus.files import sha256_json
from gradus.log import aside
from gradus.teacher.requests import Keep, Outcome, Reply, Request
from gradus.teacher.wording import messages_with_schema, without_thoughts

PATTERNS = ["*.json", "*.safetensors", "*.jinja", "tokenizer.model", "*.txt"]
MOST_PREFILL = 8


def folder_on_disk(model: str) -> Path | None:
    """The folder of a model that is on this machine, by its path or its Hugging Face name; None when it is not."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    if (path := Path(model).expanduser()).is_dir():
        return path
    try:
        found = Path(snapshot_download(model, allow_patterns=PATTERNS, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError):
        return None
    return found if list(found.glob("*.safetensors")) else None


def tokenizer_on_disk(settings: TeacherSettings) -> Any | None:
    """The tokenizer of an MLX model that is on this machine; None for every other teacher."""
    folder = folder_on_disk(settings.model) if settings.kind == "mlx" else None
    if folder is None:
        return None
    from gradus.models import load_tokenizer

    return load_tokenizer(folder)


def _download(model: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, HTTPError

    try:
        with aside():
            return Path(snapshot_download(model, allow_patterns=PATTERNS))
    except (HFValidationError, HTTPError, OSError) as error:
        reason = re.sub(r"\s+", " ", str(error)).strip()[:200]
        cure = "Name a folder or a model of the hub in extract.teacher.model"
        raise UserError(
            f"the teacher '{model}' is no folder and cannot be had from the hub ({reason})", where="extract.teacher.model", cure=cure
        ) from error


class LocalModel:
    """A loaded model with its tokenizer."""

    def __init__(self, settings: TeacherSettings) -> None:
        from gradus.models import load_model

        self._batch_size = settings.batch_size
        self._model, self._tokenizer = load_model(folder_on_disk(settings.model) or _download(settings.model))

    def ask(self, requests: Sequence[Request], keep: Keep) -> Generator[Outcome]:
        """Yield (index, outcome) as they come: continuous batches of `batch_size`, requests of similar length together."""
        from mlx_lm.generate import BatchGenerator

        from gradus.chat import prompt_tokens

        prompts = [prompt_tokens(self._tokenizer, messages_with_schema(request)) for request in requests]
        order = sorted(range(len(requests)), key=lambda i: (len(prompts[i]), i))
        stop = [[token] for token in self._tokenizer.eos_token_ids]
        batches = BatchGenerator(
            self._model, stop_tokens=stop, completion_batch_size=self._batch_size, prefill_batch_size=min(self._batch_size, MOST_PREFILL)
        )
        with closing(batches):
            samplers = [_sampler(requests[i]) for i in order]
            numbers = batches.insert([prompts[i] for i in order], [requests[i].max_tokens for i in order], samplers=samplers)
            for index, tokens, reason in _finished(batches, dict(zip(numbers, order, strict=True))):
                text = without_thoughts(self._tokenizer.decode(tokens, skip_special_tokens=True)).strip()
                reply = Reply(text, len(prompts[index]), len(tokens), False, reason)
                keep(index, reply)
                yield index, reply

    def close(self) -> None:
        """Let go of the model and of what MLX keeps for reuse."""
        from gradus.backend import mx

        del self._model, self._tokenizer
        mx.clear_cache()


def _finished(batches: Any, indices: dict[int, int]) -> Iterator[tuple[int, list[int], str]]:
    """(index, tokens, finish reason) of every sequence when it ends."""
    tokens: dict[int, list[int]] = {number: [] for number in indices}
    while responses := batches.next_generated():
        for response in responses:
            if response.finish_reason != "stop":  # then the token is the end mark
                tokens[response.uid].append(response.token)
            if response.finish_reason is not None:
                yield indices[response.uid], tokens.pop(response.uid), response.finish_reason


def _sampler(request: Request) -> Callable[[Any], Any] | None:
    """Samples with a random state of its own, so that the company in a batch does not matter; None is greedy.

    A request without a seed takes one from its own content: the same request gives the same answer.
    """
    if not request.temperature:
        return None
    from gradus.backend import mx

    key = mx.random.key(request.seed if request.seed is not None else int(sha256_json(asdict(request))[:8], 16))

    def sample(logprobs: Any) -> Any:
        nonlocal key
        key, now = mx.random.split(key)
        return mx.random.categorical(logprobs / request.temperature, key=now)

    return sample
