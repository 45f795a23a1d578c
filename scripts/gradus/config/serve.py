"""Section `serve`: the current model behind an OpenAI-compatible server, and in the terminal."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gradus.config.section import NotNegative, Positive, PositiveFloat, PositiveFraction, Section


class Serve(Section):
    host: Annotated[str, Field(min_length=1)]
    other_hosts: bool
    port: Annotated[int, Field(ge=0, le=65535)]
    origins: list[str]
    model: Literal["adapter", "auto"]
    poll_seconds: PositiveFloat
    max_tokens: Positive
    temperature: NotNegative
    top_p: PositiveFraction
    concurrency: Positive
    prompt_caches: Positive
    max_request_mb: PositiveFloat
    system_prompt: str

    @property
    def is_private(self) -> bool:
        """Whether only programs on this machine can reach the server."""
        return _is_loopback(self.host)

    @model_validator(mode="after")
    def stays_on_this_machine(self) -> Serve:
        if not self.is_private and not self.other_hosts:
            raise ValueError("host is no address of this machine alone (127.0.0.1): to let others in, set serve.other_hosts=true too")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
