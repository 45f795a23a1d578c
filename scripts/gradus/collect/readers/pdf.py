"""PDF files with a text layer: pypdfium2 gives letters with places and sizes, `layout` makes Markdown of them."""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from gradus.collect.readers.layout import markdown_of_pages
from gradus.collect.readers.printed import Cell, Line, Page
from gradus.collect.readers.reading import FileReading, ReadOptions, Unreadable, text_reading
from gradus.collect.readers.versions import named

_PICTURE, _BROKEN_PAGE = "a picture without a text layer", "broken, so it is left out"
_FIXED_PITCH = 1  # bit of the font flags, PDF 32000-1, table 123
_BOLD_WEIGHT = 600
_LINE_ENDS = {0, 10, 13}
_NO_TITLE = re.compile(r"\W*(anonymous|untitled|unspecified)\W*|Microsoft \w+ - .*|.*\.\w{2,5}", re.IGNORECASE)
_BROKEN_WORD = {0x02, 0xFFFE}  # pdfium's mark for a hyphen at a line end, instead of the line end itself
_WIDE_GAP = 1.2  # between cells, in letter sizes; a wide space of justified text is smaller
_SAMPLES = 25  # letters of a line that are looked at for its font
_OF_ONE_FONT = 0.9  # share of these that makes a line bold or of fixed pitch: a code line may hold a sign of another font
_NESTED_FORMS = 3  # how deep pictures are looked for: scanners put them into a form or two


def read_pdf(path: Path, options: ReadOptions) -> FileReading:
    """Headings by letter size, paragraphs, list items, code in fixed-pitch letters and plain tables, in the order of the file.

    A table is what has the same columns in at least three lines, one line a row; others come out as lines of text, for
    a PDF does not say where a table is. Broken pages and those without a text layer are faults.
    """
    document = _opened(path, options)
    try:
        read = [_read_page(document, number) for number in range(len(document))]
        title = _title(document)
    finally:
        document.close()
    text = markdown_of_pages([page for page, _ in read], options.heading_size, options.repeated_lines)
    faults = [f"page {number}: {fault}" for number, (_, fault) in enumerate(read, 1) if fault]
    if not text.strip():
        raise _without_text([fault for _, fault in read])
    reading = text_reading(path, text, "markdown", named("pypdfium2"), title=title)
    return FileReading(reading.status, reading.reason, reading.found, tuple(faults))


def _read_page(document: Any, number: int) -> tuple[Page, str]:
    """A page, and what is wrong with it."""
    from pypdfium2 import PdfiumError

    try:
        page = document[number]
        lines = _page(page)
        fault = _PICTURE if not lines.lines and _has_picture(page) else ""
        page.close()
    except PdfiumError:
        return Page([]), _BROKEN_PAGE
    return lines, fault


def _without_text(faults: list[str]) -> Unreadable:
    if _PICTURE in faults:
        cure = "run text recognition (OCR) over it first, say with ocrmypdf"
        return Unreadable("scanned", f"{len(faults)} pages of pictures without a text layer; {cure}")
    if _BROKEN_PAGE in faults:
        return Unreadable("broken", "its pages cannot be read; open it in a viewer and print it to a new PDF")
    return Unreadable("empty", "no text on its pages")


def _title(document: Any) -> str:
    """The title a document names, '' when that is none: a file name, or what its maker writes for want of one."""
    title = " ".join(str(document.get_metadata_value("Title") or "").split())
    return "" if _NO_TITLE.fullmatch(title) else title


def _opened(path: Path, options: ReadOptions) -> Any:
    """The open document, with the first password that fits."""
    from pypdfium2 import PdfDocument, PdfiumError, raw

    passwords = _passwords(options)
    for password in [None, *passwords]:
        try:
            return PdfDocument(path, password=password)
        except PdfiumError as error:
            if error.err_code != raw.FPDF_ERR_PASSWORD:
                raise Unreadable("broken", f"no readable PDF ({str(error).rstrip('.')}); open it in a viewer and print it to a new PDF") from error
    tried = f"none of the {len(passwords)} passwords in collect.password_file opens it" if passwords else "a password guards it"
    raise Unreadable("encrypted", f"{tried}; write its password on a line of the file that collect.password_file names")


def _passwords(options: ReadOptions) -> list[str]:
    if not options.password_file:
        return []
    lines = Path(options.password_file).expanduser().read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line]


def _has_picture(page: Any) -> bool:
    from pypdfium2 import raw

    return any(True for _ in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=_NESTED_FORMS))


def _page(page: Any) -> Page:
    """The lines of a page, in the order of the file."""
    letters = page.get_textpage()
    try:
        codes = [_code(letters.raw, index) for index in range(letters.count_chars())]
        lines, start = [], 0
        for index, code in enumerate([*codes, 0]):
            if code in _LINE_ENDS or code in _BROKEN_WORD:
                line = _line(letters.raw, codes, start, index + (code in _BROKEN_WORD))
                lines += [line] if line else []
                start = index + 1
    finally:
        letters.close()
    return Page(lines)


def _code(letters: Any, index: int) -> int:
    from pypdfium2 import raw

    return int(raw.FPDFText_GetUnicode(letters, index))


def _line(letters: Any, codes: list[int], start: int, end: int) -> Line | None:
    """One line with place and font, judged by a few of its letters; None when it holds nothing visible."""
    text = "".join(chr(code) if code < 0xD800 or 0xDFFF < code < 0x110000 else "\ufffd" for code in codes[start:end])
    inked = [index for index in range(start, end) if not chr(codes[index]).isspace() and codes[index] > 2]
    if not inked:
        return None
    samples = inked[:: -(-len(inked) // _SAMPLES)]
    size = sorted(_size(letters, index) for index in samples)[len(samples) // 2]
    fonts = [_font(letters, index) for index in samples]
    fixed, bold = (sum(font[kind] for font in fonts) >= _OF_ONE_FONT * len(fonts) for kind in (0, 1))
    cells = tuple(_cells(letters, codes, inked, size))
    bottom = _box(letters, inked[0])[2]
    return Line(text.strip(" \t"), cells[0].left, cells[-1].right, bottom, size, fixed, bold, cells)


def _cells(letters: Any, codes: list[int], inked: list[int], size: float) -> Iterator[Cell]:
    """The parts of a line between gaps that are wider than a letter is high."""
    first = inked[0]
    for one, other in pairwise([*inked, -1]):
        if other >= 0 and other == one + 1:
            continue
        right = _box(letters, one)[1]
        if other < 0 or _box(letters, other)[0] - right > _WIDE_GAP * size:
            text = "".join(chr(code) for code in codes[first : one + 1] if code < 0xD800 or 0xDFFF < code < 0x110000)
            yield Cell(_box(letters, first)[0], right, text)
            first = other


def _size(letters: Any, index: int) -> float:
    """Height of a letter's font in points, with the scale of its matrix."""
    from pypdfium2 import raw

    matrix = raw.FS_MATRIX()
    scale = math.hypot(matrix.b, matrix.d) if raw.FPDFText_GetMatrix(letters, index, matrix) else 1.0
    return round(float(raw.FPDFText_GetFontSize(letters, index)) * (scale or 1.0), 1)


def _font(letters: Any, index: int) -> tuple[bool, bool]:
    """Whether a letter's font is of fixed pitch, and whether it is bold."""
    from pypdfium2 import raw

    name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    raw.FPDFText_GetFontInfo(letters, index, name, 128, flags)
    called = name.value.decode("utf-8", "replace").lower()
    fixed = bool(flags.value & _FIXED_PITCH) or any(part in called for part in ("mono", "nimbusmon", "courier", "consol", "cmtt", "typewriter"))
    return fixed, "bold" in called or raw.FPDFText_GetFontWeight(letters, index) >= _BOLD_WEIGHT


def _box(letters: Any, index: int) -> tuple[float, float, float]:
    """Left and right edge of a letter, and the height of its base line."""
    from pypdfium2 import raw

    left, right, bottom, top, x, y = (ctypes.c_double() for _ in range(6))
    raw.FPDFText_GetCharBox(letters, index, left, right, bottom, top)
    raw.FPDFText_GetCharOrigin(letters, index, x, y)
    return left.value, right.value, y.value
