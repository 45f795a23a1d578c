"""The keys of a teacher: a larger model that writes or rewrites training text."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from gradus.config.section import OFF_IS_A_WORD, Count, NotNegative, Positive, PositiveFloat, Section


class TokenPrice(Section):
    input: NotNegative | None
    output: NotNegative | None


class Teacher(Section):
    kind: Annotated[Literal["off", "openai", "mlx"], OFF_IS_A_WORD]
    model: str
    base_url: str
    api_key_env: Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")]
    timeout_seconds: PositiveFloat
    retries: Count
    concurrency: Annotated[int, Field(ge=1, le=256)]
    batch_size: Positive
    temperature: Annotated[float, Field(ge=0, le=2)]
    max_tokens: Positive
    price_per_million: TokenPrice

    @model_validator(mode="after")
    def is_complete(self) -> Teacher:
        if self.kind != "off" and not self.model.strip():
            raise ValueError(f"kind {self.kind} needs a model: name it in model")
        if self.kind == "openai" and (urlsplit(self.base_url).scheme not in ("http", "https") or not urlsplit(self.base_url).hostname):
            raise ValueError("kind openai needs base_url, say http://127.0.0.1:11434/v1")
        if urlsplit(self.base_url).password or urlsplit(self.base_url).username or urlsplit(self.base_url).query:
            raise ValueError("base_url must hold no key or password: put it into an environment variable and name that in api_key_env")
        return self
