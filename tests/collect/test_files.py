"""Folders full of rubbish: every file is answered for, and one bad file never stops the others."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from gradus.collect.folders import list_folder
from gradus.collect.gather import gather
from gradus.collect.manifest import Collection, Entry
from gradus.config import load_config
from gradus.config.schema import Collect
from gradus.errors import UserError
from gradus.records import Document

SENTENCE = "A text that is long enough to be kept as a document of its own.\n"


def config_for(*folders: Path, **values: object) -> Collect:
    config = load_config().collect
    return config.model_copy(update={"python_docs": [], "folders": [str(folder) for folder in folders], **values})


def collected(*folders: Path, **values: object) -> tuple[dict[str, Document], dict[str, Entry], Collection]:
    collection = gather(config_for(*folders, **values), "2026-01-01T00:00:00+00:00")
    return {Path(d.source).name: d for d in collection.documents}, {Path(e.name).name: e for e in collection.entries}, collection


@pytest.fixture(autouse=True)
def _heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `caplog` hear the library even when an earlier test set up its logging."""
    monkeypatch.setattr(logging.getLogger("gradus"), "propagate", True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "notes"
    path.mkdir()
    (path / "good.md").write_text("# Good\n\n" + SENTENCE, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "content", "status", "reason"),
    [
        ("latin.md", "Größe und Maß\n".encode("latin-1") * 9, "not UTF-8", "line 1: byte 0xf6"),
        ("binary.md", bytes(range(256)) * 8, "not UTF-8", "line"),
        ("nul.txt", b"first line\nsecond\0line\n" * 9, "broken", "line 2: a NUL byte"),
        ("blank.md", b"\xef\xbb\xbf \r\n\t\n", "empty", "white space"),
        ("short.md", b"hello", "empty", "min_characters (40)"),
        ("photo.png", b"\x89PNG", "unsupported", ".png"),
        ("README", SENTENCE.encode(), "unsupported", "none"),
        ("list.jsonl", b"[1, 2]\n3\n", "broken", "line 1: not a JSON object"),
        ("deep.jsonl", b"[" * 100_000 + b"\n", "broken", "line 1"),
        ("header.csv", b"question,answer\n", "broken", "a header without rows"),
        ("twice.csv", b"question,question\na,b\n", "broken", "two columns have the same name"),
        (".hidden.md", SENTENCE.encode(), "unsupported", "hidden"),
    ],
)
def test_a_bad_file_is_named_with_its_reason(folder: Path, name: str, content: bytes, status: str, reason: str) -> None:
    (folder / name).write_bytes(content)
    documents, entries, _ = collected(folder)
    assert (entries[name].status, set(documents)) == (status, {"good.md"})
    assert reason in entries[name].reason


def test_a_file_over_the_limit_is_not_read(folder: Path) -> None:
    (folder / "big.txt").write_text("word " * 500_000, encoding="utf-8")
    _, entries, _ = collected(folder, max_file_mb=1.0)
    assert entries["big.txt"].status == "too large"
    documents, _, _ = collected(folder, max_file_mb=3.0)
    assert documents["big.txt"].bytes == len("word " * 500_000) - 1


def test_bad_lines_of_a_good_file_are_named_and_the_rest_is_kept(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = ['{"question": "Why?", "answer": "Because it is so."}', '{"question": "Why', "", "17", '{"prompt": "a", "completion": "b"}']
    (folder / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    documents, entries, _ = collected(folder)
    assert documents["rows.jsonl"].text.split("\n") == lines, "line numbers must stay those of the file"
    assert entries["rows.jsonl"].status == "text"
    assert "line 2: not valid JSON" in entries["rows.jsonl"].reason
    assert "line 4: not a JSON object" in entries["rows.jsonl"].reason
    warnings = [record.message for record in caplog.records]
    assert len(warnings) == 1
    assert "rows.jsonl: line 2" in warnings[0]


def test_a_ragged_csv_keeps_its_whole_records(folder: Path) -> None:
    text = '\ufeffQuestion, Answer\r\n"What is\r\na row?",A line.\r\nonly one field\r\nthree,of,them\r\nWhy?,So.\r\n'
    (folder / "faq.csv").write_bytes(text.encode("utf-8"))
    documents, entries, _ = collected(folder)
    rows = [row for row in documents["faq.csv"].text.split("\n") if row]
    assert rows == ['{"question": "What is\\r\\na row?", "answer": "A line."}', '{"question": "Why?", "answer": "So."}']
    assert "line 4: 1 fields, the header has 2" in entries["faq.csv"].reason
    assert "line 5: 3 fields" in entries["faq.csv"].reason


def test_the_same_content_is_stored_once_whatever_its_encoding_details(folder: Path) -> None:
    (folder / "copy.md").write_bytes(b"\xef\xbb\xbf" + ("# Good  \r\n\r\n" + SENTENCE + "\r\n").encode())
    documents, entries, collection = collected(folder)
    assert list(documents) == ["copy.md"], "the first in alphabetical order stays"
    assert entries["good.md"].status == "duplicate"
    assert "copy.md" in entries["good.md"].reason
    assert [(Path(d.name).name, Path(d.same_as).name) for d in collection.duplicates] == [("good.md", "copy.md")]


def test_a_folder_named_twice_is_read_once(folder: Path) -> None:
    _, _, collection = collected(folder, folder / "good.md")
    assert [entry.status for entry in collection.entries] == ["text", "duplicate"]


def test_links_that_leave_the_folder_are_not_followed(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "plan.md").write_text("# Plan\n\n" + SENTENCE, encoding="utf-8")
    (folder / "out.md").symlink_to(secret / "plan.md")
    (folder / "outside").symlink_to(secret)
    (folder / "loop").symlink_to(folder)
    (folder / "itself.md").symlink_to(folder / "itself.md")
    (folder / "dead.md").symlink_to(folder / "nowhere.md")
    os.mkfifo(folder / "pipe.md")
    documents, entries, _ = collected(folder)
    assert set(documents) == {"good.md"}
    answers = {name: entries[name].status for name in ("out.md", "outside", "loop", "itself.md", "dead.md", "pipe.md")}
    assert answers == {"out.md": "refused", "outside": "refused", **dict.fromkeys(("loop", "itself.md", "dead.md", "pipe.md"), "unsupported")}


def test_folders_nested_deeper_than_pythons_calls_are_listed(tmp_path: Path) -> None:
    deepest = tmp_path.joinpath(*"d" * 520)
    deepest.mkdir(parents=True)
    (deepest / "a.md").write_text(SENTENCE, encoding="utf-8")
    try:
        assert [listed.path for listed in list_folder(str(tmp_path))] == [deepest / "a.md"]
    finally:  # what clears the folders of tests calls itself for each
        (deepest / "a.md").unlink()
        os.removedirs(deepest)


def test_a_missing_folder_names_the_key_and_the_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere: no such folder or file \(key collect.folders"):
        collected(tmp_path / "nowhere")


def test_a_folder_without_a_usable_file_is_an_error(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UserError, match=r"no usable file in this folder of collect.folders \(it is empty\)"):
        collected(folder, empty)
    (empty / "a.png").write_bytes(b"\x89PNG")
    with pytest.raises(UserError, match=r"a\.png: unsupported"):
        collected(folder, empty)


def test_many_bad_files_do_not_flood_the_screen(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(20):
        (folder / f"bad{number:02}.md").write_bytes(b"\xff" * 50)
    _, entries, _ = collected(folder)
    assert sum(entry.status == "not UTF-8" for entry in entries.values()) == 20
    assert len(caplog.records) == 6
    assert "see manifest.json" in caplog.records[-1].message


def test_relative_folders_start_at_the_current_directory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    documents = gather(config_for(Path("notes")), "now").documents
    assert [(document.source, document.group) for document in documents] == [("notes/good.md", "notes/good.md")]
