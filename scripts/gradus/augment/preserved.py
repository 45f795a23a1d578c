"""What a variant must carry over unchanged: code, numbers, names, quotations, addresses, and whether it denies."""

from __future__ import annotations

import re
from collections import Counter

from gradus.code_spans import inside_spans, without_spans

_NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d.,]*\d|\d+")
# Identifiers (dots, underscores, inner capitals), abbreviations, addresses, quotations; a capital that only opens a sentence is no name.
_NAME = re.compile(r"https?://\S+|\"[^\"\n]+\"|\b\w+(?:[._]\w+)+\b|\b[A-Za-z]+[a-z][A-Z]\w*\b|\b[A-Z]{2,}\b|(?<=[a-z,] )[A-Z]\w+")
_NEGATION = re.compile(r"\b(?:not|no|never|none|neither|nor|without|cannot|nicht|kein\w*|nie|ohne|pas|jamais|sans)\b|n['’]t\b", re.IGNORECASE)
_FENCE_INFO = re.compile(r"^[\w+-]*\n")
_LIST_NUMBER = re.compile(r"^[ \t]*\d+[.)]\s", re.MULTILINE)


def code_of(text: str) -> Counter[str]:
    """Inline and fenced code with how often each stands there."""
    return Counter(inside_spans(text, across_blank_lines=True))


def numbers_of(text: str) -> Counter[str]:
    """Numbers outside code."""
    return Counter(_NUMBER.findall(without_code(text)))


def names_of(text: str) -> Counter[str]:
    """Names, abbreviations, addresses and quotations outside code."""
    return Counter(_NAME.findall(without_code(text)))


def without_code(text: str) -> str:
    """The text with a space for every span and block of code."""
    return without_spans(text, across_blank_lines=True)


def first_difference(original: str, variant: str) -> str | None:
    """What the variant does not carry over: `code`, `number`, `name`; None when it keeps all and adds none."""
    checks = {"code": code_of, "number": numbers_of, "name": names_of}
    return next((what for what, of in checks.items() if of(original) != of(variant)), None)


def first_change(question: str, wording: str) -> str | None:
    """Like `first_difference` for a free wording: a name may open a sentence or stand there twice; `negation` may change too.

    Negation is told by the words of English, German and French alone.
    """
    if code_of(question) != code_of(wording):
        return "code"
    if numbers_of(question) != numbers_of(wording):
        return "number"
    if _absent(names_of(question), wording) or _absent(names_of(wording), question):
        return "name"
    return "negation" if bool(_NEGATION.search(without_code(question))) != bool(_NEGATION.search(without_code(wording))) else None


def first_invention(source: str, text: str) -> str | None:
    """What `text` holds that its source does not: `code`, `number`, `name`, `negation`; None when it adds none of them."""
    plain = _plain(source)
    if any(_plain(_FENCE_INFO.sub("", code)) not in plain for code in code_of(text)):
        return "code"
    if set(_NUMBER.findall(without_code(_LIST_NUMBER.sub("", text)))) - set(_NUMBER.findall(source)):
        return "number"
    if _absent(names_of(text), source):
        return "name"
    return "negation" if _NEGATION.search(without_code(text)) and not _NEGATION.search(source) else None


def _absent(names: Counter[str], text: str) -> list[str]:
    """The names that do not stand in `text`, quotation marks and case aside."""
    folded = text.casefold()
    return [name for name in names if name.strip('"').casefold() not in folded]


def _plain(text: str) -> str:
    """Without backticks and with single spaces, so that code is found however it is marked up."""
    return " ".join(text.replace("`", "").split())
