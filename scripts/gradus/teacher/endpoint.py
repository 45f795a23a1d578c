"""A teacher behind any server with an OpenAI-compatible /chat/completions."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from gradus.config.teacher import Teacher as TeacherSettings
from gradus.errors import UserError, first_line
from gradus.teacher.requests import Failure, Keep, Outcome, Reply, Request, tokens_by_length
from gradus.teacher.wording import messages_with_schema, without_thoughts

START = "Start the server, say `ollama serve` or `mlx_lm.server --model FOLDER`, or correct extract.teacher.base_url"
LONGEST_REASON = 200
LOOPBACK = ("localhost", "127.0.0.1", "::1")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Dialect:
    """What the server takes: most take `response_format` and `seed`; OpenAI's newer models want another name for the limit."""

    schema: bool = True
    seed: bool = True
    limit: str = "max_tokens"

    def simpler(self, complaint: str, request: Request) -> Dialect | None:
        """What to try after the server refused a request with `complaint`; None when nothing is left to try."""
        if self.limit == "max_tokens" and "max_completion_tokens" in complaint:
            return replace(self, limit="max_completion_tokens")
        if self.seed and request.seed is not None and "seed" in complaint:
            return replace(self, seed=False)
        return replace(self, schema=False) if self.schema and request.schema is not None else None


class Endpoint:
    """Requests over HTTP, some at a time. The client retries 429, 5xx, broken connections and timeouts, and keeps to Retry-After."""

    def __init__(self, settings: TeacherSettings) -> None:
        from openai import DefaultHttpxClient, OpenAI

        self._settings = settings
        self._key = _api_key(settings.api_key_env)
        self._dialect = Dialect()
        # A proxy of the environment is not meant for a server on this machine.
        http = DefaultHttpxClient(trust_env=urlsplit(settings.base_url).hostname not in LOOPBACK)
        self._client = OpenAI(
            base_url=settings.base_url,
            api_key=self._key or "none",
            timeout=settings.timeout_seconds,
            max_retries=settings.retries,
            http_client=http,
        )

    def ask(self, requests: Sequence[Request], keep: Keep) -> Generator[Outcome]:
        """Yield (index, outcome) as they come. Raises UserError when no request can succeed."""
        from multiprocessing.pool import ThreadPool

        def one(index: int) -> Outcome:
            outcome = self._ask(requests[index], self._dialect)
            if isinstance(outcome, Reply):
                keep(index, outcome)
            return index, outcome

        # Its threads are daemons: after Ctrl-C nobody waits for a server that does not answer.
        with ThreadPool(min(self._settings.concurrency, len(requests))) as pool:
            yield from pool.imap_unordered(one, range(len(requests)))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, request: Request, dialect: Dialect) -> Reply | Failure:
        """One request; what the server refuses is put more simply, and that is remembered once it has worked."""
        import openai

        try:
            reply = self._reply(self._client.chat.completions.create(**self._arguments(request, dialect)), request)
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            simpler = dialect.simpler(str(error), request)
            return self._ask(request, simpler) if simpler else Failure(f"the server refuses it ({self._told(error)})")
        except openai.OpenAIError as error:
            return self._failure(error)
        except ValueError as error:
            return Failure(f"the server's reply is not JSON ({self._told(error)})")
        if dialect != self._dialect:
            log.info("%s: asked more simply from now on (%s)", self._settings.base_url, dialect)
            self._dialect = dialect
        return reply

    def _arguments(self, request: Request, dialect: Dialect) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "model": self._settings.model,
            "messages": messages_with_schema(request),
            "temperature": request.temperature,
            dialect.limit: request.max_tokens,
        }
        if dialect.seed and request.seed is not None:
            arguments["seed"] = request.seed
        if dialect.schema and request.schema is not None:
            arguments["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": request.schema}}
        return arguments

    def _reply(self, completion: Any, request: Request) -> Reply | Failure:
        try:  # the client checks no types: what the server wrote may be anything
            choice = completion.choices[0]
            text, reason = without_thoughts(choice.message.content or ""), str(choice.finish_reason or "stop")
        except (AttributeError, TypeError, LookupError):
            return Failure("the server's reply is no chat completion")
        if reason == "content_filter":
            return Failure("the server's content filter stopped the reply")
        prompt, written = (_counted(completion.usage, name) for name in ("prompt_tokens", "completion_tokens"))
        prompt = prompt or sum(tokens_by_length(message["content"]) for message in messages_with_schema(request))
        return Reply(text, prompt, written or tokens_by_length(text), False, reason)

    def _failure(self, error: Exception) -> Failure:
        """A failure of this request alone. Raises UserError when every other would fail in the same way."""
        import openai

        settings = self._settings
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            # The server's words may quote the key, so they are not repeated.
            key = f"the key in ${settings.api_key_env}" if settings.api_key_env else "a request without a key; extract.teacher.api_key_env is empty"
            cure = "Put a valid key into the environment variable that extract.teacher.api_key_env names"
            raise UserError(f"the server refuses {key} ({error.status_code})", where=settings.base_url, cure=cure) from None
        if isinstance(error, openai.NotFoundError):
            cure = "Correct extract.teacher.model (`ollama list` shows Ollama's) or extract.teacher.base_url, which mostly ends in /v1"
            raise UserError(f"the server has no model '{settings.model}' here ({self._told(error)})", where=settings.base_url, cure=cure) from None
        if isinstance(error, openai.RateLimitError) and error.code == "insufficient_quota":
            raise UserError("the account's quota is used up", where=settings.base_url, cure="Raise it; the same command goes on") from None
        if isinstance(error, openai.APITimeoutError):
            return Failure(f"no reply within {settings.timeout_seconds:g} s, {settings.retries + 1} times")
        if isinstance(error, openai.APIConnectionError):
            if type(error.__cause__).__name__ == "ConnectError":
                raise UserError(f"no connection ({error.__cause__})", where=settings.base_url, cure=START) from None
            return Failure(f"the connection broke ({self._told(error.__cause__ or error)})")
        return Failure(f"the server failed ({self._told(error)})")

    def _told(self, error: BaseException) -> str:
        """The first line of what the server said, without the key."""
        line = first_line(error)
        return (line.replace(self._key, "***") if self._key else line)[:LONGEST_REASON]


def _counted(usage: Any, name: str) -> int:
    """A number of tokens that the server reports, 0 when it does not."""
    count = getattr(usage, name, None)
    return count if isinstance(count, int) else 0


def _api_key(variable: str) -> str:
    key = os.environ.get(variable, "").strip() if variable else ""
    if variable and not key:
        cure = f"Set it, say `export {variable}=...`, or set extract.teacher.api_key_env to '' for a server without a key"
        raise UserError(f"the environment variable {variable} is not set", where="extract.teacher.api_key_env", cure=cure)
    if not (key.isascii() and key.isprintable()):
        what = f"the environment variable {variable} holds a character that no key has, say a line end, an ellipsis or a curly quote"
        raise UserError(what, where="extract.teacher.api_key_env", cure="Copy the key again, in one line")
    return key
