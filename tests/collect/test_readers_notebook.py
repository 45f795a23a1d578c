"""Jupyter notebooks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gradus.collect.readers import FileReading, options_of, read_file
from gradus.config import load_config

OPTIONS = options_of(load_config().collect)


def read(path: Path, *cells: dict[str, Any], **about: Any) -> FileReading:
    path.write_text(json.dumps({"nbformat": 4, "metadata": about, "cells": list(cells)}), encoding="utf-8")
    return read_file(path, OPTIONS)


def code(source: str | list[str], *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "outputs": list(outputs)}


def test_text_and_code_come_in_order_with_short_outputs(tmp_path: Path) -> None:
    picture = {"output_type": "display_data", "data": {"image/png": "iVBOR", "text/plain": "<Figure>"}}
    value = {"output_type": "execute_result", "data": {"text/plain": ["3"]}}
    printed = {"output_type": "stream", "name": "stdout", "text": ["a\n", "b\n"]}
    warned = {"output_type": "stream", "name": "stderr", "text": "warning"}
    cells = [{"cell_type": "markdown", "source": ["# Title\n", "\n", "Text"]}, code(["def f():\n", "    return 3"], printed, value, warned)]
    reading = read(
        tmp_path / "a.ipynb", *cells, code("plot()", picture), code("long()", {**printed, "text": "x" * 5000}), {"cell_type": "raw", "source": "r"}
    )
    assert reading.found is not None
    assert reading.found.text.split("\n\n") == [
        "# Title",
        "Text",
        "```python\ndef f():\n    return 3\n```",
        "```text\na\nb\n3\n```",
        "```python\nplot()\n```",
        "```python\nlong()\n```",
    ]


def test_the_kernel_names_the_language(tmp_path: Path) -> None:
    found = read(tmp_path / "a.ipynb", code("x <- 1"), kernelspec={"language": "R"}).found
    assert found is not None
    assert found.text == "```r\nx <- 1\n```"


def test_what_is_no_notebook_says_so(tmp_path: Path) -> None:
    assert read(tmp_path / "a.ipynb").status == "empty"
    (tmp_path / "b.ipynb").write_text("{\n broken", encoding="utf-8")
    reading = read_file(tmp_path / "b.ipynb", OPTIONS)
    assert (reading.status, reading.found) == ("broken", None)
    assert "line 2" in reading.reason


def test_what_a_notebook_says_of_itself_may_be_anything(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "source": "1"}
    odd: list[object] = [[], "text", {"kernelspec": "python3", "language_info": None}]
    for about in odd:
        (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [cell], "metadata": about}), encoding="utf-8")
        found = read_file(tmp_path / "a.ipynb", OPTIONS).found
        assert found is not None
        assert found.text == "```python\n1\n```"
