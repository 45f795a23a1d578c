"""PDF: headings by size, joined paragraphs, running heads, pages that are pictures, and passwords."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from gradus.collect.readers import FileReading, options_of, read_file
from gradus.config import load_config
from gradus.errors import UserError

OPTIONS = options_of(load_config().collect)
PAD = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
WORDS = "zero ant bee cat dog eel fox".split()
IDENTITY = b"0123456789abcdef"
Placed = tuple[str, float, float, float, str]
"""Font (F1 Helvetica, F2 Courier, F3 Helvetica bold), size, x, y, text."""


def rc4(key: bytes, data: bytes) -> bytes:
    """The stream cipher of the standard security handler, revision 2."""
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def security(password: str) -> tuple[bytes, bytes]:
    """File key and encryption dictionary, PDF 32000-1, algorithms 2 to 4."""
    padded = (password.encode() + PAD)[:32]
    owner = rc4(hashlib.md5(padded, usedforsecurity=False).digest()[:5], padded)
    key = hashlib.md5(padded + owner + (0xFFFFFFFC).to_bytes(4, "little") + IDENTITY, usedforsecurity=False).digest()[:5]
    dictionary = f"<</Filter/Standard/V 1/R 2/O<{owner.hex()}>/U<{rc4(key, PAD).hex()}>/P -4>>"
    return key, dictionary.encode()


def stream(number: int, data: bytes, key: bytes, about: str = "") -> bytes:
    if key:
        data = rc4(hashlib.md5(key + number.to_bytes(3, "little") + b"\0\0", usedforsecurity=False).digest()[:10], data)
    return f"<<{about}/Length {len(data)}>>stream\n".encode() + data + b"\nendstream"


def pdf(*pages: list[Placed] | None, password: str = "") -> bytes:
    """A whole PDF file; a page that is None shows a picture of one grey dot and no text."""
    key, dictionary = security(password) if password else (b"", b"")
    kids = " ".join(f"{10 + 2 * number} 0 R" for number in range(len(pages)))
    fonts = {3: "Helvetica", 4: "Courier", 5: "Helvetica-Bold"}
    objects = {1: b"<</Type/Catalog/Pages 2 0 R>>", 2: f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>".encode()}
    objects |= {number: f"<</Type/Font/Subtype/Type1/BaseFont/{name}/Encoding/WinAnsiEncoding>>".encode() for number, name in fonts.items()}
    about = "/Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8"
    objects[6] = stream(6, b"\x80", key, about)
    for number, page in enumerate(pages):
        place = 10 + 2 * number
        resources = "<</Font<</F1 3 0 R/F2 4 0 R/F3 5 0 R>>/XObject<</I 6 0 R>>>>"
        objects[place] = f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources{resources}/Contents {place + 1} 0 R>>".encode()
        shown = [f"BT /{font} {size} Tf {x} {y} Td ({text}) Tj ET" for font, size, x, y, text in page or []]
        objects[place + 1] = stream(place + 1, "\n".join(shown).encode("cp1252") if shown else b"500 0 0 700 50 50 cm /I Do", key)
    objects |= {7: dictionary} if password else {}
    out, places = bytearray(b"%PDF-1.4\n"), {}
    for number, body in objects.items():
        places[number] = len(out)
        out += f"{number} 0 obj".encode() + body + b"\nendobj\n"
    start = len(out)
    for number in sorted(places):
        out += (b"xref\n" if number == 1 else b"") + f"{number} 1\n{places[number]:010} 00000 n \n".encode()
    guard = f"/Encrypt 7 0 R/ID[<{IDENTITY.hex()}><{IDENTITY.hex()}>]" if password else ""
    return bytes(out + f"trailer<</Root 1 0 R/Size {max(objects) + 1}{guard}>>\nstartxref\n{start}\n%%EOF".encode())


def lines(*texts: str, top: float = 700, font: str = "F1", left: float = 50, size: float = 10) -> list[Placed]:
    return [(font, size, left, top - 12 * number, text) for number, text in enumerate(texts)]


def read(path: Path, data: bytes, password_file: str = "") -> FileReading:
    path.write_bytes(data)
    return read_file(path, replace(OPTIONS, password_file=password_file))


def markdown(reading: FileReading) -> str:
    assert reading.found is not None, reading
    return reading.found.text


def test_large_print_is_a_heading_and_lines_are_joined(tmp_path: Path) -> None:
    body = lines(
        "The first paragraph runs over several lines of print and is hyphen-",
        "ated at the end of one, which is undone, and it goes on and on.",
        "The end.",
    )
    page = [("F1", 20, 50, 760, "A Book"), ("F1", 14, 50, 730, "1 First part"), *body, *lines("Another paragraph.", top=640)]
    text = markdown(read(tmp_path / "a.pdf", pdf(page)))
    assert text.split("\n\n") == [
        "# A Book",
        "## 1 First part",
        "The first paragraph runs over several lines of print and is hyphenated at the end of one, which is undone, and it goes on and on. The end.",
        "Another paragraph.",
    ]


def test_a_word_that_is_written_with_a_hyphen_elsewhere_keeps_it(tmp_path: Path) -> None:
    page = lines("A well-known thing is told here at some length, and then it is a well-", "known thing again.")
    assert markdown(read(tmp_path / "a.pdf", pdf(page))).endswith("it is a well-known thing again.")


def test_lists_bold_lines_and_code_in_fixed_pitch_letters(tmp_path: Path) -> None:
    items = [("F1", 10, 50, 700, "• first item that is"), ("F1", 10, 60, 688, "continued"), ("F1", 10, 50, 676, "• second item")]
    code = [("F2", 9, 50, 640, "def f\\(x\\):"), ("F2", 9, 50 + 4 * 5.4, 629, "return x"), ("F2", 9, 50, 607, "y = 2")]
    page = [
        *lines("Running text that is the most of all, so that its size counts as usual.", top=740),
        *items,
        *code,
        *lines("Note well", top=560, font="F3"),
    ]
    text = markdown(read(tmp_path / "a.pdf", pdf(page)))
    assert "- first item that is continued\n- second item" in text
    assert "```\ndef f(x):\n    return x\n\ny = 2\n```" in text
    assert text.endswith("**Note well**")


def test_lines_with_the_same_columns_are_a_table(tmp_path: Path) -> None:
    rows = [("Name", "Size", "Note"), ("alpha", "10", "a|b"), ("be", "2000", "c")]
    cells = [("F1", 10, x, 600 - 14 * n, text) for n, row in enumerate(rows) for x, text in zip((50, 150, 250), row, strict=True)]
    text = markdown(read(tmp_path / "a.pdf", pdf([*lines("Some text before the table, long enough to be the usual size."), *cells])))
    assert text.endswith("size.\n\n| Name | Size | Note |\n| --- | --- | --- |\n| alpha | 10 | a\\|b |\n| be | 2000 | c |")


def test_running_heads_and_page_numbers_are_left_out_and_sentences_cross_pages(tmp_path: Path) -> None:
    def page(number: int) -> list[Placed]:
        head = f"Chapter {number}: of its own name {number + 6}"
        return [
            *lines(head, top=780),
            *lines(f"the page of the {WORDS[number]} begins and its sentence of many words goes on", f"until the {WORDS[number]} is done and"),
            *lines(f"{number + 6}", top=20),
        ]

    text = markdown(read(tmp_path / "a.pdf", pdf(*map(page, range(1, 7)))))
    assert "Chapter" not in text
    assert text.startswith("the page of the ant begins and its sentence of many words goes on until the ant is done and the page of the bee begins")
    assert "\n" not in text


def test_a_page_that_is_a_picture_is_a_fault_and_a_file_of_them_is_scanned(tmp_path: Path) -> None:
    mixed = read(tmp_path / "mixed.pdf", pdf(lines("A page with a text layer."), None))
    assert (mixed.status, mixed.faults) == ("text", ("page 2: a picture without a text layer",))
    scanned = read(tmp_path / "scanned.pdf", pdf(None, None))
    assert (scanned.status, scanned.found) == ("scanned", None)
    assert "OCR" in scanned.reason


def test_a_broken_page_is_a_fault_and_the_others_are_read(tmp_path: Path) -> None:
    data = pdf(lines("The first page."), lines("The second page."))
    mixed = read(tmp_path / "mixed.pdf", data.replace(b"12 0 obj<</Type/Page", b"12 0 obj[[/Type/Page"))
    assert (mixed.status, mixed.faults) == ("text", ("page 2: broken, so it is left out",))
    assert markdown(mixed) == "The first page."
    lost = read(tmp_path / "lost.pdf", pdf(lines("The only page.")).replace(b"10 0 obj<</Type/Page", b"10 0 obj[[/Type/Page"))
    assert (lost.status, lost.found) == ("broken", None)


def test_a_password_is_tried_and_never_told(tmp_path: Path) -> None:
    data = pdf(lines("The text behind the password."), password="s3cret")
    locked = read(tmp_path / "locked.pdf", data)
    assert (locked.status, locked.found) == ("encrypted", None)
    assert "collect.password_file" in locked.reason
    passwords = tmp_path / "passwords.txt"
    passwords.write_text("wrong\ns3cret\n", encoding="utf-8")
    opened = read(tmp_path / "locked.pdf", data, str(passwords))
    assert markdown(opened) == "The text behind the password."
    passwords.write_text("wrong\nw0rse\n", encoding="utf-8")
    refused = read(tmp_path / "locked.pdf", data, str(passwords))
    assert refused.status == "encrypted"
    assert "none of the 2 passwords" in refused.reason
    assert "w0rse" not in repr((opened, refused))


@pytest.mark.parametrize(
    ("name", "told"), [("none.txt", "No such file or directory"), (".", "Is a directory"), ("latin.txt", "it is not UTF-8 text")]
)
def test_a_password_file_that_cannot_be_read_is_told_before_anything_else_is(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "latin.txt").write_bytes(b"gr\xfc\xdfe\n")
    config = load_config(settings=[f"collect.password_file={tmp_path / name}"]).collect
    with pytest.raises(UserError, match=rf"the passwords cannot be read: {told} \(key collect\.password_file\)"):
        options_of(config)


@pytest.mark.parametrize("data", [b"%PDF-1.4\n", b"no pdf at all", pdf(lines("cut"))[:300]])
def test_a_broken_pdf_says_so(tmp_path: Path, data: bytes) -> None:
    reading = read(tmp_path / "broken.pdf", data)
    assert (reading.status, reading.found) == ("broken", None)
    assert "no readable PDF" in reading.reason
