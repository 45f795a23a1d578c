"""What a variant must carry over unchanged: code, numbers, names, quotations and addresses."""

from __future__ import annotations

import re
from collections import Counter

_CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d.,]*\d|\d+")
# Identifiers (dots, underscores, inner capitals), abbreviations, addresses, quotations; a capital that only opens a sentence is no name.
_NAME = re.compile(r"https?://\S+|\"[^\"\n]+\"|\b\w+(?:[._]\w+)+\b|\b[A-Za-z]+[a-z][A-Z]\w*\b|\b[A-Z]{2,}\b|(?<=[a-z,] )[A-Z]\w+")


def code_of(text: str) -> Counter[str]:
    """Inline and fenced code with how often each stands there."""
    return Counter(match[2] for match in _CODE.finditer(text))


def numbers_of(text: str) -> Counter[str]:
    """Numbers outside code."""
    return Counter(_NUMBER.findall(_CODE.sub(" ", text)))


def names_of(text: str) -> Counter[str]:
    """Names, abbreviations, addresses and quotations outside code."""
    return Counter(_NAME.findall(_CODE.sub(" ", text)))


def first_difference(original: str, variant: str) -> str | None:
    """What the variant does not carry over: `code`, `number`, `name`; None when it keeps all and adds none."""
    checks = {"code": code_of, "number": numbers_of, "name": names_of}
    return next((what for what, of in checks.items() if of(original) != of(variant)), None)
