"""Which of llama.cpp's pre-tokenizers cuts a text as a `tokenizer.json` does; the wrong one changes tokens without a word."""

from __future__ import annotations

import re
from typing import Any

from gradus.errors import UserError

# The patterns stand in the models' own tokenizer.json; the names are llama.cpp's (`tokenizer.ggml.pre`).
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TEKKEN = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_GPT2, _DIGITS = "GPT-2's own", "single digits"

# (pieces in their order, whether a piece that is a token is taken whole without merges) -> name.
KNOWN: dict[tuple[tuple[str, ...], bool], str] = {
    ((QWEN2,), False): "qwen2",
    ((LLAMA3,), True): "llama-bpe",
    ((LLAMA3,), False): "smaug-bpe",
    ((TEKKEN,), True): "tekken",
    ((_GPT2,), False): "gpt-2",
    ((_DIGITS, _GPT2), False): "smollm",
}


def pretokenizer_name(tokenizer: dict[str, Any], where: str) -> str:
    """The name that llama.cpp has for the pre-tokenizer of a `tokenizer.json`.

    Raises:
        UserError: when it is none of those known to cut alike; none is guessed.
    """
    pieces = tuple(_pieces(tokenizer.get("pre_tokenizer") or {}))
    name = KNOWN.get((pieces, bool(tokenizer["model"].get("ignore_merges"))))
    if name is None:
        what = f"llama.cpp has no pre-tokenizer known to cut text as this tokenizer does ({_shown(pieces)})"
        known = ", ".join(sorted(KNOWN.values()))
        raise UserError(what, where=where, cure=f"Known are {known}. Leave the gguf formats out of export.formats, or take a base with one of these")
    return name


def _pieces(part: dict[str, Any]) -> list[str]:
    """The ways of cutting, in their order; what has no known meaning stays in by its type, so that it matches nothing."""
    kind = part.get("type")
    if kind == "Sequence":
        return [piece for inner in part["pretokenizers"] for piece in _pieces(inner)]
    if kind == "Split" and part.get("behavior") == "Isolated" and not part.get("invert"):
        return [part["pattern"].get("Regex", "")]
    if kind == "Digits" and part.get("individual_digits"):
        return [_DIGITS]
    if kind == "ByteLevel" and not part.get("add_prefix_space"):
        return [_GPT2] if part.get("use_regex", True) else []
    return [f"{kind}"]


def _shown(pieces: tuple[str, ...]) -> str:
    text = re.sub(r"\s+", " ", " then ".join(pieces)) or "none"
    return text if len(text) <= 120 else text[:119] + "…"
