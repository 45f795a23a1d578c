"""One normal form of text, so that the same content has the same hash wherever it came from."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

from gradus.collect.code import code_lines
from gradus.files import sha256_text
from gradus.records import Document

Format = Literal["markdown", "text", "api", "rows"]


@dataclass(frozen=True)
class Found:
    """A text as a reader found it, before it is normalised and hashed."""

    title: str
    text: str
    format: Format
    source: str
    group: str
    reader: str
    licence: str = ""
    signature: str = ""
    unit: str = ""
    """A part inside `group`, used when the group is too large a share of all documents."""


def normalise(text: str, *, keep_first_lines: bool = False) -> str:
    """`\\n` line ends, no byte order mark, no empty lines around; outside code Unicode NFC and no spaces at line ends.

    Args:
        keep_first_lines: keep leading empty lines, so that line numbers stay those of the file.
    """
    lines = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = (line if code else unicodedata.normalize("NFC", line).rstrip() for line, code in zip(lines, code_lines(lines), strict=True))
    text = "\n".join(kept)
    return text.rstrip("\n") if keep_first_lines else text.strip("\n")


def document_of(found: Found, collected_at: str) -> Document:
    """Normalise, hash and build the record."""
    text = normalise(found.text, keep_first_lines=found.format == "rows")
    digest = sha256_text(text)
    return Document(
        id=digest[:16],
        title=found.title,
        text=text,
        format=found.format,
        source=found.source,
        group=found.group,
        sha256=digest,
        bytes=len(text.encode("utf-8", "surrogatepass")),
        reader=found.reader,
        collected_at=collected_at,
        signature=found.signature,
        licence=found.licence,
    )
