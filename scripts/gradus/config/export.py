"""Section of 12_export: the formats and what each needs to know."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gradus.config.delivery import FidelityLimits
from gradus.config.section import Name, NotNegative, Positive, Section

Format = Literal[
    "huggingface",
    "gguf-f16", "gguf-bf16", "gguf-q8_0", "gguf-q4_0",
    "gguf-q2_k", "gguf-q3_k_s", "gguf-q3_k_m", "gguf-q3_k_l", "gguf-q4_k_s", "gguf-q4_k_m", "gguf-q5_k_s", "gguf-q5_k_m", "gguf-q6_k",
    "ollama",
    "lmstudio",
]  # fmt: skip


class GgufLimits(Section):
    sixteen_bits: FidelityLimits
    fewer_bits: FidelityLimits


class OllamaParameters(Section):
    temperature: NotNegative
    num_ctx: Positive


class Ollama(Section):
    create: bool
    parameters: OllamaParameters


class Upload(Section):
    repo: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*)?$")]
    private: bool


class Export(Section):
    variant: Literal["fused", "quantized"]
    licence: str
    model_name: Name
    publisher: Name
    formats: Annotated[list[Format], Field(min_length=1)]
    gguf: GgufLimits
    ollama: Ollama
    upload: Upload

    @property
    def gguf_kinds(self) -> list[str]:
        """The GGUF formats asked for, as llama.cpp names them: `f16`, `q8_0`, `q4_k_m` …"""
        return [name.removeprefix("gguf-") for name in self.formats if name.startswith("gguf-")]

    @model_validator(mode="after")
    def can_be_honoured(self) -> Export:
        if len(set(self.formats)) < len(self.formats):
            raise ValueError("formats names one twice")
        packed = [name for name in ("ollama", "lmstudio") if name in self.formats]
        if packed and not self.gguf_kinds:
            raise ValueError(f"{packed[0]} in formats needs a gguf format beside it, say gguf-q8_0")
        if self.ollama.create and "ollama" not in self.formats:
            raise ValueError("ollama.create needs ollama in formats")
        return self
