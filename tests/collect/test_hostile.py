"""Files made to do harm: each is refused with a reason, quickly, and the next file is read."""

from __future__ import annotations

import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from gradus.collect.child import read_files
from gradus.collect.folders import list_folder
from gradus.collect.readers import FileReading, options_of, read_file
from gradus.config import load_config

OPTIONS = replace(options_of(load_config().collect), timeout=20.0, max_inflated=20_000_000)
LAUGHS = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'


def zipped(path: Path, **parts: bytes | str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return path


def guarded(*paths: Path) -> list[FileReading]:
    return list(read_files(paths, OPTIONS, 2))


@pytest.mark.parametrize("suffix", ["docx", "epub"])
def test_zip_bombs_are_refused_before_they_unpack(tmp_path: Path, suffix: str) -> None:
    big = zipped(tmp_path / f"big.{suffix}", **{"word/document.xml": b"\0" * 30_000_000})
    steep = zipped(tmp_path / f"steep.{suffix}", **{"word/document.xml": b"\0" * 10_000_000})
    for reading in guarded(big, steep):
        assert (reading.status, reading.found) == ("refused", None)
        assert "zip bomb" in reading.reason
        assert "collect.max_inflation_ratio 100" in reading.reason


def test_a_zip_that_lies_about_its_sizes_is_no_way_around(tmp_path: Path) -> None:
    path = zipped(tmp_path / "liar.docx", **{"word/document.xml": b" " * 30_000_000})
    data = bytearray(path.read_bytes())
    size = (30_000_000).to_bytes(4, "little")
    for place in (data.find(size), data.rfind(size)):
        data[place : place + 4] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    assert read_file(path, OPTIONS).status in ("broken", "refused")


@pytest.mark.parametrize("bomb", [LAUGHS, OUTSIDE])
def test_xml_entities_are_refused(tmp_path: Path, bomb: str) -> None:
    docx = zipped(tmp_path / "a.docx", **{"word/document.xml": bomb})
    hidden = zipped(tmp_path / "b.docx", **{"word/document.xml": bomb.replace('"1.0"', '"1.0" encoding="utf-16"').encode("utf-16")})
    epub = zipped(tmp_path / "c.epub", **{"META-INF/container.xml": bomb})
    for reading in guarded(docx, hidden, epub):
        assert (reading.status, reading.found) == ("refused", None)
        assert "XML entities" in reading.reason


def test_xml_entities_are_refused_in_a_document_under_any_name(tmp_path: Path) -> None:
    kind = "http://schemas.openxmlformats.org"
    relation = f'<Relationship Id="r1" Type="{kind}/officeDocument/2006/relationships/officeDocument" Target="word/picture.png"/>'
    text = "<w:body><w:p><w:r><w:t>&b;</w:t></w:r></w:p></w:body>"
    bomb = LAUGHS.replace("<x>&b;</x>", f'<w:document xmlns:w="{kind}/wordprocessingml/2006/main">{text}</w:document>')
    relations = f'<Relationships xmlns="{kind}/package/2006/relationships">{relation}</Relationships>'
    (reading,) = guarded(zipped(tmp_path / "a.docx", **{"_rels/.rels": relations, "word/picture.png": bomb}))
    assert (reading.status, reading.found) == ("refused", None)


def test_a_picture_with_a_document_type_of_its_own_is_no_harm(tmp_path: Path) -> None:
    kind = "http://schemas.openxmlformats.org"
    paragraph = "<w:p><w:r><w:t>Text beside a drawing.</w:t></w:r></w:p>"
    document = f'<w:document xmlns:w="{kind}/wordprocessingml/2006/main"><w:body>{paragraph}</w:body></w:document>'
    named = [("officeDocument", "word/document.xml"), ("image", "word/media/drawing.svg")]
    relations = "".join(f'<Relationship Id="{k}" Type="{kind}/officeDocument/2006/relationships/{k}" Target="{target}"/>' for k, target in named)
    drawing = '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd"><svg/>'
    parts = {"_rels/.rels": f'<Relationships xmlns="{kind}/package/2006/relationships">{relations}</Relationships>'}
    reading = read_file(zipped(tmp_path / "a.docx", **parts, **{"word/document.xml": document, "word/media/drawing.svg": drawing}), OPTIONS)
    assert reading.found is not None
    assert reading.found.text == "Text beside a drawing.\n"


def test_entities_in_a_page_or_chapter_stay_unexpanded(tmp_path: Path) -> None:
    page = LAUGHS.replace("<x>&b;</x>", "<html><body><p>A page with &b; in it.</p></body></html>")
    (tmp_path / "a.xhtml").write_text(page, encoding="utf-8")
    (tmp_path / "b.xhtml").write_text(page.replace('"ha"', 'SYSTEM "file:///etc/passwd"'), encoding="utf-8")
    for reading in guarded(tmp_path / "a.xhtml", tmp_path / "b.xhtml"):
        text = reading.found.text if reading.found else ""
        assert "haha" not in text
        assert "root:" not in text


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("divs.html", b"<div>" * 100_000 + b"deep"),
        ("lists.html", b"<ul><li>" * 50_000 + b"deep"),
        ("inline.html", b"<p>" + b"<b><i>" * 50_000 + b"deep"),
        ("list.json", b"[" * 500_000),
        ("object.json", b'{"a":' * 200_000 + b"1" + b"}" * 200_000),
        ("lines.jsonl", b"[" * 500_000 + b"\n"),
        ("cells.ipynb", b'{"cells":' + b"[" * 200_000),
        ("quotes.rst", b"".join(b" " * depth + b"x\n\n" for depth in range(500))),
        ("tags.epub", b"PK"),
        ("stars.rst", b"*" * 200_000 + b"\n"),
    ],
)
def test_deep_nesting_ends_in_an_answer(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    (tmp_path / "next.md").write_text("the next file", encoding="utf-8")
    start = time.monotonic()
    deep, after = guarded(tmp_path / name, tmp_path / "next.md")
    assert deep.status in ("broken", "text", "empty", "timed out")
    assert deep.status == "text" or deep.reason
    assert after.status == "text"
    assert time.monotonic() - start < 25


def test_links_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret.md").write_text("secret", encoding="utf-8")
    (folder / "out.md").symlink_to(tmp_path / "secret.md")
    (folder / "up").symlink_to(tmp_path)
    (folder / "in.md").write_text("fine", encoding="utf-8")
    (folder / "same.md").symlink_to(folder / "in.md")
    listed = {entry.path.name: entry for entry in list_folder(str(folder))}
    assert {name: entry.status for name, entry in listed.items() if entry.refusal} == {"out.md": "refused", "up": "refused"}
    assert "leads out of the folder" in listed["out.md"].refusal
