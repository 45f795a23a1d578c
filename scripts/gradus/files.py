"""Reading and writing files so that nothing is ever half-written and every bad line is named."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, TextIO, TypeVar

from gradus.errors import GradusError, UserError
from gradus.records import Document, Example, document_from_dict, example_from_dict

T = TypeVar("T")
MODEL_FILES = ("*.safetensors", "config.json", "generation_config.json", "tokenizer*.json", "*.jinja")


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def model_state(folder: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of change of the files that make a model folder, so that a step notices others under the same path."""
    files = sorted(file for pattern in MODEL_FILES for file in folder.glob(pattern))
    return [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]


def size_label(count: int) -> str:
    """A number of bytes for people, in the largest unit that leaves something before the point."""
    named = next((f"{count / unit:,.1f} {name}" for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")) if count >= unit), "")
    return named or f"{count} bytes"


def sha256_text(text: str) -> str:
    """Hex SHA-256 of a text in UTF-8; lone surrogates are kept as they are."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def sha256_json(value: object) -> str:
    """Hex SHA-256 of the canonical JSON of `value` (sorted keys, no spaces)."""
    return sha256_text(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str))


@contextmanager
def open_to_write(path: Path) -> Iterator[TextIO]:
    """Open a text file for writing; an error names the file, which Python leaves out for a full disk.

    A lone surrogate is written as its escape `\\udcXX`: valid UTF-8, and in JSON it reads back as it was.
    """
    try:
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            yield stream
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file through a temporary neighbour and a rename, so that a reader sees the old or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_of(path)
    try:
        with open_to_write(temporary) as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_of(path: Path) -> Path:
    """The hidden neighbour that a file is written to before it is renamed; `is_temporary` knows it again."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def is_temporary(path: Path) -> bool:
    """Whether a file is what a killed `write_text` left behind."""
    return path.name.startswith(".") and path.suffix == ".tmp"


def write_json(path: Path, value: object) -> None:
    """Write readable JSON (2 spaces); NaN and Infinity are refused, since they are not JSON."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read one JSON file. Raises UserError when it is missing, GradusError when it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError("file not found", where=str(path), cure="Run the step that writes it") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise GradusError(f"not valid JSON ({error})", where=str(path), cure="Delete it and run its step again") from error


def write_jsonl(path: Path, records: Iterable[object]) -> int:
    """Write dataclasses or dictionaries one a line; returns how many. Call it inside a step's work folder only."""
    count = 0
    with open_to_write(path) as stream:
        for record in records:
            row = asdict(record) if is_dataclass(record) and not isinstance(record, type) else record
            stream.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
            count += 1
    return count


def iter_jsonl(path: Path, build: Callable[[dict[str, Any]], T]) -> Iterator[T]:
    """Yield `build(row)` for every line. Raises UserError naming file and line on the first one that is no good."""
    if not path.exists():
        raise UserError("file not found", where=str(path), cure="Run the step that writes it")
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            yield _row(line, build, f"{path}:{number}")


def _row(line: bytes, build: Callable[[dict[str, Any]], T], where: str) -> T:
    try:
        return build(json.loads(line.decode("utf-8")))
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"bad row ({error})", where=where, cure="Run the step that wrote this file again with --force") from error


def read_documents(path: Path) -> list[Document]:
    """All documents of a `documents.jsonl`."""
    return list(iter_jsonl(path, document_from_dict))


def read_examples(path: Path) -> list[Example]:
    """All examples of an `examples.jsonl` or `kept.jsonl`."""
    return list(iter_jsonl(path, example_from_dict))


def inside(folder: Path, path: Path) -> Path:
    """`path` resolved, provided it stays inside `folder` once links are followed. Raises UserError if not."""
    resolved = path.resolve()
    if not resolved.is_relative_to(folder.resolve()):
        raise UserError("path leaves its folder", where=str(path), cure=f"Keep it inside {folder}")
    return resolved
