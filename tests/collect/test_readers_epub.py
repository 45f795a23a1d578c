"""EPUB: chapters in the order of the spine, with what the book says about itself."""

from __future__ import annotations

import zipfile
from pathlib import Path

from gradus.collect.readers import FileReading, options_of, read_file
from gradus.config import load_config

OPTIONS = options_of(load_config().collect)
CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'
)


def chapter(title: str, text: str) -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head>'
        f'<body><section epub:type="chapter"><h1>{title}</h1><p>{text}</p></section></body></html>'
    )


def read(path: Path, chapters: dict[str, str], spine: list[str], **extra: str) -> FileReading:
    items = "".join(f'<item id="i{n}" href="{href}" media-type="application/xhtml+xml"/>' for n, href in enumerate(spine))
    order = "".join(f'<itemref idref="i{n}"/>' for n in range(len(spine)))
    about = "<dc:title>A  Book</dc:title><dc:rights>CC BY 4.0</dc:rights>"
    package = (
        f'<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{about}</metadata>'
        f'<manifest>{items}<item id="css" href="a.css" media-type="text/css"/></manifest><spine><itemref idref="css"/>{order}</spine></package>'
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": CONTAINER,
            "OPS/book.opf": package,
            **chapters,
            **extra,
        }.items():
            file.writestr(name, text)
    return read_file(path, OPTIONS)


def test_chapters_come_in_reading_order_with_title_and_licence(tmp_path: Path) -> None:
    chapters = {"OPS/b.xhtml": chapter("Second", "And <b>then</b>."), "OPS/text/a 1.xhtml": chapter("First", "At first.")}
    reading = read(tmp_path / "a.epub", chapters, ["text/a%201.xhtml", "b.xhtml"])
    assert reading.found is not None
    assert reading.found.text == "# First\n\nAt first.\n\n# Second\n\nAnd **then**."
    assert (reading.found.title, reading.found.licence) == ("A Book", "CC BY 4.0")


def test_a_missing_chapter_is_a_fault_and_no_name_leads_out_of_the_book(tmp_path: Path) -> None:
    (tmp_path / "secret.xhtml").write_text(chapter("Secret", "Not for you."), encoding="utf-8")
    reading = read(tmp_path / "a.epub", {"OPS/a.xhtml": chapter("First", "At first.")}, ["a.xhtml", "../../secret.xhtml", "/etc/passwd"])
    assert reading.found is not None
    assert reading.found.text == "# First\n\nAt first."
    assert [fault.partition(":")[0] for fault in reading.faults] == ["chapter ../secret.xhtml", "chapter /etc/passwd"]


def test_copy_protection_and_other_zip_files_say_so(tmp_path: Path) -> None:
    guarded = read(tmp_path / "a.epub", {}, [], **{"META-INF/rights.xml": "<rights/>"})
    assert guarded.status == "encrypted"
    assert "copy protection" in guarded.reason
    with zipfile.ZipFile(tmp_path / "b.epub", "w") as file:
        file.writestr("a.txt", "nothing")
    assert "META-INF/container.xml" in read_file(tmp_path / "b.epub", OPTIONS).reason
