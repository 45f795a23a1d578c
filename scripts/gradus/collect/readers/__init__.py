"""Read one file into a text. A bad file is an answer with a reason, never an exception.

One module a family of formats; each is imported when the first such file is met, and only in a reading process
(`gradus.collect.child`), because parsers are large and some of them crash.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from gradus.collect.readers.reading import FileReading, ReadOptions, Unreadable
from gradus.config.schema import Collect
from gradus.errors import UserError

__all__ = ["READER", "READERS", "FileReading", "ReadOptions", "Unreadable", "options_of", "over_memory", "read_file"]

READER = "files 5"
_HERE = "gradus.collect.readers"
READERS = {
    **dict.fromkeys([".md", ".markdown"], f"{_HERE}.text:read_markdown"),
    ".mdx": f"{_HERE}.text:read_mdx",
    **dict.fromkeys([".txt", ".text"], f"{_HERE}.text:read_plain"),
    **dict.fromkeys([".html", ".htm", ".xhtml"], f"{_HERE}.html:read_html"),
    **dict.fromkeys([".jsonl", ".ndjson"], f"{_HERE}.rows:read_jsonl"),
    ".pdf": f"{_HERE}.pdf:read_pdf",
    ".docx": f"{_HERE}.docx:read_docx",
    ".epub": f"{_HERE}.epub:read_epub",
    ".ipynb": f"{_HERE}.notebook:read_notebook",
    ".rst": f"{_HERE}.rst:read_rst",
    ".json": f"{_HERE}.rows:read_json",
    ".parquet": f"{_HERE}.parquet:read_parquet",
    ".csv": f"{_HERE}.rows:read_csv",
    ".tsv": f"{_HERE}.rows:read_tsv",
}
"""Suffix of a file, in lower case, to the function that reads it."""


def options_of(config: Collect) -> ReadOptions:
    """The part of `collect:` that readers need.

    Raises:
        UserError: when `collect.password_file` names no readable file.
    """
    _check_passwords(config.password_file)
    return ReadOptions(
        max_bytes=int(config.max_file_mb * 1e6),
        timeout=config.file_timeout_seconds,
        memory=int(config.file_memory_mb * 1e6),
        max_inflated=int(config.max_inflated_mb * 1e6),
        max_ratio=config.max_inflation_ratio,
        heading_size=config.pdf_heading_size,
        repeated_lines=config.pdf_repeated_lines,
        notebook_output=config.notebook_output_characters,
        password_file=config.password_file,
    )


def _check_passwords(file: str) -> None:
    """Told here, where each PDF would fail for it."""
    try:
        if file:
            Path(file).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        cure = 'Correct collect.password_file, or set it to ""'
        raise UserError(f"the passwords cannot be read: {what} (key collect.password_file)", where=file, cure=cure) from error


def read_file(path: Path, options: ReadOptions) -> FileReading:
    """Read one file in this very process; `gradus.collect.child.read_files` is the guarded way."""
    reader = {**READERS, **options.readers}.get(path.suffix.lower())
    if reader is None:
        return FileReading("unsupported", f"its type is '{path.suffix or 'none'}'; those that are read: {' '.join(READERS)}")
    try:
        size = path.stat().st_size
        if size > options.max_bytes:
            return FileReading("too large", f"{size / 1e6:.1f} MB, collect.max_file_mb is {options.max_bytes / 1e6:g}")
        return FileReading("empty", "0 bytes") if not size else _function(reader)(path, options)
    except Unreadable as refusal:
        return FileReading(refusal.status, refusal.reason)
    except OSError as error:
        return FileReading("broken", error.strerror or str(error))
    except MemoryError:
        return over_memory(options)
    except RecursionError:
        return FileReading("broken", "nested too deeply")
    except Exception as error:  # noqa: BLE001  parsers raise whatever they like over a bad file; its name is the answer
        return FileReading("broken", f"its reader failed ({type(error).__name__}: {' '.join(str(error).split())[:200]})")


def over_memory(options: ReadOptions) -> FileReading:
    """The reading of a file that needs more memory than it may take."""
    cure = "split the file, or raise that"
    return FileReading("out of memory", f"reading it took more than {options.memory / 1e6:g} MB (collect.file_memory_mb); {cure}")


def _function(name: str) -> Callable[[Path, ReadOptions], FileReading]:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)
