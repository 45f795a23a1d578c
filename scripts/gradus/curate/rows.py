"""Reads examples line by line with bounded memory; what is no example is told with its reason instead of stopping the run."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import BinaryIO

from pydantic import TypeAdapter, ValidationError

from gradus.records import Example

PIECE = 1 << 20  # bytes read at a time of a line that is too long
_FIELDS = frozenset(field.name for field in fields(Example))


@dataclass(frozen=True)
class Line:
    """A line of the input: its number from 1, its size in bytes, and its content, cut when it is longer than allowed."""

    number: int
    size: int
    content: bytes

    @property
    def whole(self) -> bool:
        """Whether all of the line is here."""
        return self.size == len(self.content)


class BadRow(ValueError):
    """A line that is no example; the message says why."""


def read_lines(path: Path, limit: int, beginning: int) -> Iterator[Line]:
    """The lines that are not blank. One of more than `limit` bytes comes as its first `beginning` bytes."""
    with path.open("rb") as stream:
        number = 0
        while content := stream.readline(limit + 1):
            number += 1
            size = len(content)
            if size > limit and not content.endswith(b"\n"):
                content, size = content[:beginning], size + _skip_rest(stream)
            if content.strip():
                yield Line(number, size, content)


def _skip_rest(stream: BinaryIO) -> int:
    """Read to the end of the line; how many bytes that were."""
    skipped = 0
    while piece := stream.readline(PIECE):
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped


def count_lines(path: Path) -> int:
    """Lines of the file, blank ones included."""
    with path.open("rb") as stream:
        count, last = 0, b"\n"
        while piece := stream.read(PIECE):
            count, last = count + piece.count(b"\n"), piece[-1:]
        return count + (last != b"\n")


def parse(line: Line) -> Example:
    """The example of a line. Raises BadRow: too long, not UTF-8 or JSON, missing or wrong fields, lone surrogates."""
    if not line.whole:
        raise BadRow(f"the line has {line.size:,} bytes, more than curate.max_line_mb allows")
    try:
        row = json.loads(line.content.decode("utf-8"))
    except UnicodeDecodeError as error:
        kind = "UTF-16" if line.content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "not UTF-8 text"
        raise BadRow(f"{kind}; save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise BadRow(f"not JSON ({str(error).partition(':')[0]})") from error
    if not isinstance(row, dict):
        raise BadRow("a list; write its objects one a line" if isinstance(row, list) else "not an object")
    if unknown := sorted(row.keys() - _FIELDS):
        raise BadRow(f"unknown field {unknown[0]!r}")
    try:
        json.dumps(row, ensure_ascii=False, allow_nan=False).encode()
        return _adapter().validate_python(row)
    except UnicodeEncodeError as error:
        raise BadRow("a lone surrogate, which is half a character") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadRow(f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}") from error
    except ValueError as error:
        raise BadRow("NaN or Infinity, which are not JSON") from error


@cache
def _adapter() -> TypeAdapter[Example]:
    return TypeAdapter(Example)
