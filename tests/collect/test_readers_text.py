"""Markdown, text and their encodings."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradus.collect.readers import FileReading, options_of, read_file
from gradus.config import load_config

OPTIONS = options_of(load_config().collect)


def read(path: Path, data: bytes) -> FileReading:
    path.write_bytes(data)
    return read_file(path, OPTIONS)


@pytest.mark.parametrize("suffix", [".md", ".markdown", ".mdx", ".txt", ".text", ".MD"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_taken_as_it_is(tmp_path: Path, suffix: str, encoding: str) -> None:
    found = read(tmp_path / f"a{suffix}", "# Größe\n\n\tkept\n".encode(encoding)).found
    assert found is not None
    assert (found.text, found.format) == ("# Größe\n\n\tkept\n", "text" if "t" in suffix else "markdown")


def test_front_matter_gives_the_licence_and_goes(tmp_path: Path) -> None:
    found = read(tmp_path / "a.md", b"---\ntitle: A\nlicense: MIT\n---\n\n# A\n").found
    assert found is not None
    assert (found.text.strip(), found.licence) == ("# A", "MIT")


@pytest.mark.parametrize(
    "text", ["---\n\nA rule, then text.\n\n---\n\nMore.", "---\nkey: [broken\n---\nMore.", "---\ndate: 2024-02-30\n---\nMore.", "---\nnever closed"]
)
def test_what_only_looks_like_front_matter_stays(tmp_path: Path, text: str) -> None:
    found = read(tmp_path / "a.md", text.encode()).found
    assert found is not None
    assert found.text == text


def test_broken_utf16_is_named(tmp_path: Path) -> None:
    reading = read(tmp_path / "a.txt", b"\xff\xfea\0b")
    assert (reading.status, reading.found) == ("not UTF-8", None)
    assert "UTF-16" in reading.reason


def test_mdx_loses_its_imports_but_not_its_code(tmp_path: Path) -> None:
    text = "import Tabs from '@theme/Tabs';\nexport const a = 1\n\n# Title\n\n```js\nimport x from 'y'\n```\n"
    found = read(tmp_path / "a.mdx", text.encode()).found
    assert found is not None
    assert found.text.strip() == "# Title\n\n```js\nimport x from 'y'\n```"
