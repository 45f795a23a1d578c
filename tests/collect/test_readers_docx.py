"""DOCX: structure survives, above all tables; a guarded or broken file says so."""

from __future__ import annotations

import zipfile
from pathlib import Path

from gradus.collect.readers import FileReading, options_of, read_file
from gradus.config import load_config

OPTIONS = options_of(load_config().collect)
SPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
NUMBERING = (
    f'<w:numbering {SPACE}><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
)


def styled(text: str, style: str = "", *, bold: bool = False, item: bool = False) -> str:
    about = (f'<w:pStyle w:val="{style}"/>' if style else "") + ('<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>' if item else "")
    run = f'<w:r>{"<w:rPr><w:b/></w:rPr>" if bold else ""}<w:t xml:space="preserve">{text}</w:t></w:r>'
    return f"<w:p><w:pPr>{about}</w:pPr>{run}</w:p>"


def table(*rows: tuple[str, ...]) -> str:
    cells = ("".join(f"<w:tc>{styled(cell)}</w:tc>" for cell in row) for row in rows)
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def read(path: Path, body: str, **parts: str) -> FileReading:
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{name.replace(" ", "")}"><w:name w:val="{name}"/></w:style>'
        for name in ("heading 1", "heading 2", "Title", "Code")
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", TYPES)
        file.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" Type="{KIND}/officeDocument" Target="word/document.xml"/></Relationships>',
        )
        links = "".join(f'<Relationship Id="{name}" Type="{KIND}/{name}" Target="{name}.xml"/>' for name in ("styles", "numbering"))
        file.writestr("word/_rels/document.xml.rels", f'<Relationships xmlns="{PACKAGE}">{links}</Relationships>')
        file.writestr("word/styles.xml", f"<w:styles {SPACE}>{styles}</w:styles>")
        file.writestr("word/numbering.xml", NUMBERING)
        file.writestr("word/document.xml", parts.get("document", f"<w:document {SPACE}><w:body>{body}</w:body></w:document>"))
    return read_file(path, OPTIONS)


def test_headings_emphasis_lists_tables_and_code_survive(tmp_path: Path) -> None:
    body = styled("The title", "Title") + styled("Part one", "heading1") + styled("Plain text.") + styled("Bold text.", bold=True)
    body += styled("first", item=True) + styled("second", item=True) + styled("Tables", "heading2")
    body += table(("Name", "Value"), ("a|b", "1"), ("c", "")) + styled("def f():", "Code") + styled("    return 1", "Code")
    reading = read(tmp_path / "a.docx", body)
    assert reading.found is not None
    assert reading.found.text.strip().split("\n\n") == [
        "# The title",
        "# Part one",
        "Plain text.",
        "**Bold text.**",
        "- first\n- second",
        "## Tables",
        "| Name | Value |\n| --- | --- |\n| a\\|b | 1 |\n| c |  |",
        "```\ndef f():\n    return 1\n```",
    ]
    assert reading.found.reader.startswith("mammoth ")


def test_a_document_without_text_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path / "a.docx", "<w:p/>").status == "empty"


def test_an_encrypted_document_and_a_broken_one_say_so(tmp_path: Path) -> None:
    (tmp_path / "locked.docx").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600)
    locked = read_file(tmp_path / "locked.docx", OPTIONS)
    assert locked.status == "encrypted"
    assert "without a password" in locked.reason
    (tmp_path / "broken.docx").write_bytes(b"PK\x03\x04 cut off")
    assert read_file(tmp_path / "broken.docx", OPTIONS).status == "broken"
    torn = read(tmp_path / "torn.docx", "", document="<w:document>")
    assert torn.status == "broken"
    assert "word/document.xml" in torn.reason
