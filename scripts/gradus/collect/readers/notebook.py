"""Jupyter notebooks: text cells as they are, code cells as fenced code, short text outputs below them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gradus.collect.readers.decode import read_text
from gradus.collect.readers.reading import FileReading, ReadOptions, Unreadable, text_reading
from gradus.fences import fenced

READER = "gradus-notebook 1"


def read_notebook(path: Path, options: ReadOptions) -> FileReading:
    """A notebook of format 3 or 4. Pictures, HTML and errors among the outputs are left out, so are long outputs."""
    try:
        book = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise Unreadable("broken", f"line {error.lineno}: not valid JSON ({error.msg}); open it in Jupyter and save it anew") from error
    if not isinstance(book, dict):
        raise Unreadable("broken", "no notebook: it holds no JSON object")
    sheets = book.get("worksheets") or [book]
    cells = [cell for sheet in sheets if isinstance(sheet, dict) for cell in sheet.get("cells") or [] if isinstance(cell, dict)]
    text = "\n\n".join(filter(None, (_cell(cell, _language(book), options.notebook_output) for cell in cells)))
    return text_reading(path, text, "markdown", READER, reason="" if text else "no cell with text or code")


def _language(book: dict[str, Any]) -> str:
    about = book.get("metadata")
    parts = [about.get(name) for name in ("kernelspec", "language_info")] if isinstance(about, dict) else []
    kernel = {key: value for part in parts if isinstance(part, dict) for key, value in part.items()}
    return str(kernel.get("language") or kernel.get("name") or "python").lower()


def _cell(cell: dict[str, Any], language: str, longest: int) -> str:
    kind, source = cell.get("cell_type"), _text(cell.get("source", cell.get("input"))).strip("\n")
    if kind == "heading":
        return f"{'#' * int(cell.get('level', 1))} {source}"
    if kind != "code":
        return source if kind == "markdown" else ""
    output = "".join(_output(entry) for entry in cell.get("outputs") or [] if isinstance(entry, dict)).strip("\n")
    shown = fenced(output, "text") if 0 < len(output) <= longest else ""
    return "\n\n".join(filter(None, [fenced(source, language) if source.strip() else "", shown]))


def _output(entry: dict[str, Any]) -> str:
    if entry.get("output_type") == "stream" and entry.get("name") != "stderr":
        return _text(entry.get("text"))
    data = entry.get("data")
    plain = data.get("text/plain") if isinstance(data, dict) else None
    rich = isinstance(data, dict) and any(kind.startswith(("image/", "text/html", "application/")) for kind in data)
    return "" if plain is None or rich else _text(plain) + "\n"


def _text(value: object) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value or "")
