"""Word documents: mammoth makes HTML of them, which keeps the tables that its Markdown loses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gradus.collect.readers.archive import Archive
from gradus.collect.readers.html import parse
from gradus.collect.readers.markdown import markdown_of
from gradus.collect.readers.reading import FileReading, ReadOptions, Unreadable, text_reading
from gradus.collect.readers.versions import named

_COMPOUND = bytes.fromhex("d0cf11e0a1b11ae1")  # the container of encrypted .docx files, and of the old .doc
_XML = (".xml", ".rels")
_PARTS = frozenset({"officeDocument", "comments", "endnotes", "footnotes", "numbering", "styles"})
"""Kinds of the relationships whose targets mammoth parses."""
_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p > strong:fresh
p[style-name='Code'] => pre:separator('\\n')
p[style-name='Source Code'] => pre:separator('\\n')
p[style-name='HTML Preformatted'] => pre:separator('\\n')
p[style-name='Plain Text'] => pre:separator('\\n')
r[style-name='Verbatim Char'] => code
r[style-name='HTML Code'] => code
p[style-name='Quote'] => blockquote > p:fresh
p[style-name='Intense Quote'] => blockquote > p:fresh
"""


def read_docx(path: Path, options: ReadOptions) -> FileReading:
    """Headings, emphasis, lists, tables, notes and code styles of a .docx file; its pictures are left out."""
    with path.open("rb") as file:
        if file.read(len(_COMPOUND)) == _COMPOUND:
            raise Unreadable("encrypted", "a password guards it, or it is an old .doc under a new name; save it in Word as .docx without a password")
    with Archive(path, options) as archive:
        _refuse_entities(archive)
    tree = parse(f"<html><body>{_html(path)}</body></html>")
    return text_reading(path, markdown_of(tree), "markdown", named("mammoth", "markdownify"))


def _refuse_entities(archive: Archive) -> None:
    """mammoth parses these parts with a parser that would expand entities, and any file may be named as one: a picture, too.

    Other pictures are not looked at; an honest SVG has a document type.
    """
    parts: set[str] = set()
    for name in archive.names:
        if name.endswith(_XML):
            root = archive.xml(name)
            parts |= {_last(each.get("Target", "")) for each in root.iter() if _last(each.get("Type", "")) in _PARTS}
    for name in archive.names:
        if _last(name) in parts and not name.endswith(_XML):
            archive.xml(name)


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _html(path: Path) -> str:
    import mammoth

    with path.open("rb") as file:
        pictures = mammoth.images.img_element(_no_picture)
        return str(mammoth.convert_to_html(file, style_map=_STYLES, convert_image=pictures, external_file_access=False).value)


def _no_picture(_: Any) -> dict[str, str]:
    return {"src": ""}
