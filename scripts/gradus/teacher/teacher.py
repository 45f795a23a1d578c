"""Ask a teacher: what the cache knows is answered from it, the rest goes to the model and is kept as it comes."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from gradus.config.teacher import Teacher as TeacherSettings
from gradus.errors import GradusError, UserError
from gradus.log import progress
from gradus.teacher.cache import ReplyCache
from gradus.teacher.cost import cost_of
from gradus.teacher.requests import Backend, Failure, Outcome, Reply, Request, Usage

log = logging.getLogger(__name__)
WARNINGS = 3  # failures told on the screen one by one; the sum is told at the end
HOPELESS = 20  # failures at the start without one reply: a server that hangs would hold up a large job for days


class Teacher:
    """A model behind a cache. `name` is what to show and to store as provenance, `usage` what was asked so far."""

    def __init__(self, settings: TeacherSettings, backend: Backend, cache: ReplyCache) -> None:
        self.name = name_of(settings)
        self.usage = Usage(cost=cost_of(settings.price_per_million, 0, 0))
        self._price = settings.price_per_million
        self._backend = backend
        self._cache = cache

    def answers(self, requests: Sequence[Request]) -> Iterator[Outcome]:
        """(index, outcome) of every request as they come, those of the cache first; with a progress bar of its own.

        Equal requests are asked once. A reply is kept on disk before it is yielded.

        Raises:
            UserError: when no request can succeed: no server, no such model, a wrong key.
            GradusError: when 20 requests failed before one gave a reply.
        """
        keys = [self._cache.key(request) for request in requests]
        missing: dict[str, list[int]] = {}
        for index, key in enumerate(keys):
            reply = self._cache.get(key)
            if reply is None:
                missing.setdefault(key, []).append(index)
            else:
                self._count(reply, 0.0)
                yield index, reply
        if missing:
            yield from self._ask(requests, missing)

    def _ask(self, requests: Sequence[Request], missing: dict[str, list[int]]) -> Iterator[Outcome]:
        """Ask once for each key; the first request of a key gets the reply, its equals get it as a cached one."""
        keys = list(missing)
        chosen = [requests[missing[key][0]] for key in keys]
        waiting = sum(map(len, missing.values()))
        failures = 0
        with (
            progress(f"Asking {self.name}", len(requests), start=len(requests) - waiting) as advance,
            closing(self._backend.ask(chosen, lambda number, reply: self._cache.put(keys[number], reply))) as outcomes,
        ):
            before = self.usage.seconds
            start = time.perf_counter()
            for number, outcome in outcomes:
                for index in missing[keys[number]]:
                    self._count(outcome, before + time.perf_counter() - start)
                    yield index, outcome
                    outcome = replace(outcome, cached=True) if isinstance(outcome, Reply) else outcome
                if isinstance(outcome, Failure):
                    failures += 1
                    if failures <= WARNINGS:
                        log.warning("A request to %s failed: %s", self.name, outcome.reason)
                    if failures == HOPELESS and self.usage.failed + self.usage.cached == self.usage.requests:
                        what = f"the first {failures} requests to {self.name} all failed (the last: {outcome.reason})"
                        raise GradusError(what, cure="Check the server and extract.teacher; the same command goes on")
                advance(len(missing[keys[number]]), self._note())
        if failures > WARNINGS:
            log.warning("%d of %d requests to %s failed", failures, len(keys), self.name)

    def _count(self, outcome: Reply | Failure, seconds: float) -> None:
        """Add one outcome to the usage; `seconds` is the new total, 0 to leave it."""
        usage = replace(self.usage, requests=self.usage.requests + 1, seconds=seconds or self.usage.seconds)
        if isinstance(outcome, Failure):
            usage = replace(usage, failed=usage.failed + 1)
        elif outcome.cached:
            usage = replace(usage, cached=usage.cached + 1)
        else:
            prompt, completion = usage.prompt_tokens + outcome.prompt_tokens, usage.completion_tokens + outcome.completion_tokens
            usage = replace(usage, prompt_tokens=prompt, completion_tokens=completion, cost=cost_of(self._price, prompt, completion))
        self.usage = usage

    def _note(self) -> str:
        usage = self.usage
        speed = f"{usage.completion_tokens / usage.seconds:,.0f} tokens/s" if usage.seconds else ""
        return speed if usage.cost is None else f"{speed}, cost {usage.cost:,.4f}"


def name_of(settings: TeacherSettings) -> str:
    """What to call a teacher: its model and where it is."""
    return f"{settings.model} at {settings.base_url.rstrip('/')}" if settings.kind == "openai" else f"{settings.model} (mlx)"


@contextmanager
def open_teacher(settings: TeacherSettings, cache: Path) -> Iterator[Teacher]:
    """The teacher of the settings; its replies are kept in the folder `cache`.

    Raises:
        UserError: when there is none, its key is not set, or its model cannot be loaded.
    """
    backend = _backend(settings)
    try:
        yield Teacher(settings, backend, ReplyCache(settings, cache))
    finally:
        backend.close()


def _backend(settings: TeacherSettings) -> Backend:
    if settings.kind == "openai":
        from gradus.teacher.endpoint import Endpoint

        return Endpoint(settings)
    if settings.kind == "mlx":
        from gradus.teacher.local import LocalModel

        return LocalModel(settings)
    raise UserError("no teacher is set up", where="extract.teacher.kind", cure="Set it to openai or mlx and name a model, or do without")
