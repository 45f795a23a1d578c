"""Bytes to text: UTF-8, or UTF-16 where a byte order mark says so. Everything else is named with its line."""

from __future__ import annotations

import codecs
from pathlib import Path

from gradus.collect.readers.reading import Unreadable


def read_text(path: Path) -> str:
    """The text of a file, without its byte order mark.

    Raises:
        Unreadable: `not UTF-8` with line, byte and cure; `broken` for a NUL byte.
    """
    return decode(path.read_bytes())


def decode(data: bytes) -> str:
    """As `read_text`, for bytes that were read already."""
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        wrong = f"byte 0x{error.object[error.start]:02x} is not {encoding.upper()}"
        raise Unreadable("not UTF-8", f"line {line}: {wrong}; save the file as UTF-8") from error
    if "\0" in text:
        raise Unreadable("broken", f"line {text[: text.index(chr(0))].count(chr(10)) + 1}: a NUL byte, so it is no text file")
    return text
