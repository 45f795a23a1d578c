"""EPUB books: the chapters in reading order."""

from __future__ import annotations

import posixpath
from pathlib import Path
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from gradus.collect.readers.archive import Archive
from gradus.collect.readers.decode import decode
from gradus.collect.readers.html import parse, pruned
from gradus.collect.readers.markdown import markdown_of
from gradus.collect.readers.reading import FileReading, ReadOptions, Unreadable, text_reading
from gradus.collect.readers.versions import named

_CONTAINER = "META-INF/container.xml"
_DC = "{http://purl.org/dc/elements/1.1/}"
_HTML = ("application/xhtml+xml", "text/html")


def read_epub(path: Path, options: ReadOptions) -> FileReading:
    """Title and licence from the package file, then every chapter of its spine; a chapter that is missing is a fault."""
    with Archive(path, options) as archive:
        if any(name.endswith("META-INF/rights.xml") for name in archive.names):
            raise Unreadable("encrypted", "copy protection (DRM) guards it; use a copy without")
        place = _package_name(archive)
        package = archive.xml(place)
        parts, faults = [], []
        for name in _spine(package, posixpath.dirname(place)):
            try:
                parts.append(markdown_of(pruned(parse(decode(archive.read(name))).find("body"))))
            except Unreadable as fault:
                if fault.status == "refused":
                    raise
                faults.append(f"chapter {name[:80]}: {fault.reason}")
    text = "\n\n".join(filter(None, (part.strip() for part in parts)))
    reader = named("markdownify")
    reading = text_reading(path, text, "markdown", reader, licence=_stated(package, "rights"), title=_stated(package, "title"))
    if reading.found is None and faults:
        return FileReading("broken", faults[0], faults=tuple(faults))
    return FileReading(reading.status, reading.reason, reading.found, tuple(faults))


def _package_name(archive: Archive) -> str:
    for element in archive.xml(_CONTAINER).iter():
        if element.tag.rpartition("}")[2] == "rootfile" and element.get("full-path"):
            return str(element.get("full-path"))
    raise Unreadable("broken", f"{_CONTAINER} names no package file; it is no EPUB book")


def _spine(package: Element, folder: str) -> list[str]:
    """Member names of the chapters, in reading order. Names that lead out of the book do not exist in it."""
    items = {item.get("id"): item for item in package.iter() if item.tag.rpartition("}")[2] == "item"}
    names = []
    for reference in package.iter():
        item = items.get(reference.get("idref")) if reference.tag.rpartition("}")[2] == "itemref" else None
        if item is not None and item.get("media-type") in _HTML and "nav" not in (item.get("properties") or "").split():
            names.append(posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or ""))))
    return names


def _stated(package: Element, name: str) -> str:
    return next((" ".join((element.text or "").split()) for element in package.iter(f"{_DC}{name}")), "")
