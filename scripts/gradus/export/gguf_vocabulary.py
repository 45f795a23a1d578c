"""A Hugging Face tokenizer as GGUF holds it: tokens with their types, merges, special tokens, chat template."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.errors import UserError
from gradus.export.gguf_pretokenizer import pretokenizer_name
from gradus.files import read_json

log = logging.getLogger(__name__)
CURE = "Leave the gguf formats out of export.formats, or take a base with a byte-level BPE tokenizer (Llama 3, Qwen, Mistral Nemo)"


@dataclass(frozen=True)
class Vocabulary:
    """Everything GGUF says of a byte-level BPE tokenizer."""

    pre: str
    tokens: list[str]
    types: list[int]
    merges: list[str]
    special: dict[str, int]
    """Ids by their role: `bos`, `eos`, further ends of a turn as `eot` and `eom`, `pad`, `unk`."""
    adds_bos: bool
    adds_eos: bool
    chat_template: str | None


def read_vocabulary(folder: Path, size: int, bos: int | None = None) -> Vocabulary:
    """Read the tokenizer of a model folder.

    Args:
        size: rows of the embedding; the vocabulary is filled up to it with unused tokens.
        bos: the beginning-of-sequence token of the model's configuration, for a tokenizer that names none.

    Raises:
        UserError: when llama.cpp would cut texts in another way.
    """
    from gradus.models import load_tokenizer

    where = str(folder / "tokenizer.json")
    data = read_json(folder / "tokenizer.json")
    _check_is_byte_level_bpe(data, where)
    tokenizer = load_tokenizer(folder)
    tokens, types = _tokens(data, size, where)
    alone, marked = (tokenizer.encode("a", add_special_tokens=special) for special in (False, True))
    return Vocabulary(
        pre=pretokenizer_name(data, where),
        tokens=tokens,
        types=types,
        merges=[_merge(merge, where) for merge in data["model"]["merges"]],
        special=_special(tokenizer, bos),
        adds_bos=marked[: -len(alone)] == [tokenizer.bos_token_id] if len(marked) > len(alone) else False,
        adds_eos=len(marked) > len(alone) and marked[-1] == tokenizer.eos_token_id,
        chat_template=tokenizer.chat_template,
    )


def _check_is_byte_level_bpe(data: dict[str, Any], where: str) -> None:
    model, normalizer = data["model"], data.get("normalizer")
    changed = [key for key in ("byte_fallback", "dropout", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk") if model.get(key)]
    if model.get("type") != "BPE" or changed:
        raise UserError(f"not a byte-level BPE tokenizer ({', '.join(changed) or model.get('type')})", where=where, cure=CURE)
    if normalizer and normalizer.get("type") == "NFC":
        log.warning("The tokenizer puts texts into Unicode's composed form (NFC), llama.cpp does not: texts in another form give other tokens there.")
    elif normalizer:
        raise UserError(f"llama.cpp cannot change texts as this tokenizer does first ({normalizer.get('type')})", where=where, cure=CURE)
    for token in data.get("added_tokens", []):
        if any(token.get(key) for key in ("lstrip", "rstrip", "single_word")):
            raise UserError(f"the token {token['content']!r} takes the spaces around it, llama.cpp's would not", where=where, cure=CURE)


def _tokens(data: dict[str, Any], size: int, where: str) -> tuple[list[str], list[int]]:
    """Texts and types by id; ids without a token are unused ones."""
    from gguf import TokenType

    found = {number: (text, TokenType.NORMAL) for text, number in data["model"]["vocab"].items()}
    for token in data.get("added_tokens", []):
        found[token["id"]] = (token["content"], TokenType.CONTROL if token["special"] else TokenType.USER_DEFINED)
    if max(found) >= size:
        raise UserError(f"the tokenizer has ids up to {max(found)}, the model only {size} rows", where=where, cure="Take the model's own tokenizer")
    rows = [found.get(number, (f"[PAD{number}]", TokenType.UNUSED)) for number in range(size)]
    return [text for text, _ in rows], [int(kind) for _, kind in rows]


def _merge(merge: str | list[str], where: str) -> str:
    parts = merge.split(" ") if isinstance(merge, str) else merge
    if len(parts) != 2 or any(" " in part for part in parts):
        raise UserError(f"a merge that GGUF cannot hold: {merge!r}", where=where, cure=CURE)
    return " ".join(parts)


def _special(tokenizer: Any, bos: int | None) -> dict[str, int]:
    ends = [tokenizer.eos_token_id, *sorted(set(tokenizer.eos_token_ids) - {tokenizer.eos_token_id})]
    if len(ends) > 3:
        log.warning("GGUF has room for three tokens that end an answer; the model has %d: %s are left out.", len(ends), ends[3:])
    named = dict(zip(("eos", "eot", "eom"), ends, strict=False))
    named |= {
        "bos": tokenizer.bos_token_id if tokenizer.bos_token_id is not None else bos,
        "pad": tokenizer.pad_token_id,
        "unk": tokenizer.unk_token_id,
    }
    return {role: number for role, number in named.items() if number is not None}
