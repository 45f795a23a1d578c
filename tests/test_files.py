"""Files are written whole or not at all, and every bad line is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from gradus.errors import GradusError, UserError
from gradus.files import (
    inside,
    is_temporary,
    read_documents,
    read_examples,
    read_json,
    sha256_file,
    sha256_json,
    sha256_text,
    size_label,
    temporary_of,
    write_json,
    write_jsonl,
    write_text,
)
from gradus.records import Document, Example, Message

EXAMPLE = Example(
    id="e1", question="Why?", answer="Because…", document_id="d1", group="g", span=(3, 9), origin_id="e1", kind="faq",
    context=(Message("system", "Be brief."),), quality=0.5, meta={"path": "x\udc80"},
)  # fmt: skip
DOCUMENT = Document(
    id="d1", title="T", text="äöü \u2028 text", format="markdown", source="a.md", group="a.md", sha256="0" * 64, bytes=12,
    reader="folder", collected_at="2025-01-01T00:00:00+00:00",
)  # fmt: skip


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    assert write_jsonl(tmp_path / "e.jsonl", [EXAMPLE, asdict(EXAMPLE)]) == 2
    write_jsonl(tmp_path / "d.jsonl", [DOCUMENT])
    assert read_examples(tmp_path / "e.jsonl") == [EXAMPLE, EXAMPLE]
    assert read_documents(tmp_path / "d.jsonl") == [DOCUMENT]


def test_lone_surrogate_is_written_as_valid_utf8(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "e.jsonl", [EXAMPLE])
    write_json(tmp_path / "e.json", {"name": "x\udc80"})
    (tmp_path / "e.jsonl").read_bytes().decode("utf-8")
    assert read_json(tmp_path / "e.json") == {"name": "x\udc80"}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_json_is_refused(value: float, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"loss": value})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_jsonl(tmp_path / "x.jsonl", [{"loss": value}])
    assert not (tmp_path / "x.json").exists()


@pytest.mark.parametrize(
    "line",
    [b"{", b"[1]", b"5", b"null", b'{"id": "x"}', b"\xff\xfe", b"", b'{"id": "x", "unknown": 1}'],
    ids=["cut", "list", "number", "null", "missing", "not utf-8", "empty", "unknown"],
)
@pytest.mark.parametrize("read", [read_documents, read_examples])
def test_bad_row_is_named_by_file_and_line(read: object, line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    good = EXAMPLE if read is read_examples else DOCUMENT
    write_jsonl(path, [good])
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(UserError, match=r"rows\.jsonl:2: bad row .*--force"):
        read(path)  # type: ignore[operator]


@pytest.mark.parametrize("read", [read_documents, read_examples, read_json])
def test_missing_file_is_the_users_error(read: object, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none: file not found"):
        read(tmp_path / "none")  # type: ignore[operator]


@pytest.mark.parametrize("content", [b"{", b"\xff"])
def test_damaged_json_names_the_file(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(GradusError, match=r"x\.json: not valid JSON"):
        read_json(tmp_path / "x.json")


def test_write_text_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.txt"
    write_text(path, "one")
    write_text(path, "two\n")
    assert path.read_bytes() == b"two\n"
    assert [file.name for file in path.parent.iterdir()] == ["x.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_full_disk_keeps_the_old_file_and_names_the_new(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_jsonl(path, [{"text": "x" * 100_000}])
    assert caught.value.filename == str(path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_error_while_writing_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    write_text(path, "old")
    temporary_of(path).symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["x.txt"]


def test_temporary_files_are_known_again(tmp_path: Path) -> None:
    assert is_temporary(temporary_of(tmp_path / "x.json"))
    assert not is_temporary(tmp_path / "x.json")
    assert not is_temporary(tmp_path / ".hidden")


def test_rows_may_come_from_a_generator(tmp_path: Path) -> None:
    def rows() -> Iterator[dict[str, int]]:
        yield from ({"n": n} for n in range(3))

    assert write_jsonl(tmp_path / "x.jsonl", rows()) == 3
    assert [json.loads(line)["n"] for line in (tmp_path / "x.jsonl").read_text().splitlines()] == [0, 1, 2]


def test_hashes(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_file(tmp_path / "x") == sha256_text("abc") == known
    assert sha256_json({"a": 1, "b": [1, 2]}) == sha256_json({"b": [1, 2], "a": 1})
    assert sha256_json({"a": 1}) != sha256_json({"a": 2})


def test_inside_follows_links(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path)
    assert inside(folder, folder / "a" / ".." / "b") == folder.resolve() / "b"
    for path in (folder / "..", folder / "out" / "x", Path("/etc/passwd")):
        with pytest.raises(UserError, match="path leaves its folder"):
            inside(folder, path)


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (140, "140 bytes"), (139_712, "139.7 kB"), (1_000_000, "1.0 MB"), (1_234_567_890, "1.2 GB")]
)
def test_a_size_is_told_in_the_unit_that_shows_it(count: int, text: str) -> None:
    assert size_label(count) == text
