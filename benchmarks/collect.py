"""How fast 01_collect reads: documents per second by format, parallel against one process, a second run against the first.

    python benchmarks/collect.py                    # a corpus made on the spot, the same every time
    python benchmarks/collect.py ~/documents        # or a folder of yours, which is only read

Also shows what became of each file, how many examples 02's rules make of the documents, and, as a measure, plain loops
over trafilatura, pypdfium2 and (where it is installed) markitdown: those without limits, child processes or structure.
Our times include the start of the processes. The last line is JSON.
"""

from __future__ import annotations

import argparse
import html
import importlib.util
import json
import os
import random
import sys
import tempfile
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
sys.path.insert(0, str(SCRIPTS))

from gradus.collect import STEP  # noqa: E402
from gradus.collect.child import read_files  # noqa: E402
from gradus.collect.folders import list_folder  # noqa: E402
from gradus.collect.readers import READERS, ReadOptions, options_of  # noqa: E402
from gradus.config import load_config  # noqa: E402
from gradus.extract.work import extract_all  # noqa: E402
from gradus.files import read_documents, read_json  # noqa: E402
from gradus.machine import cores  # noqa: E402
from gradus.step import run_step  # noqa: E402

WORDS = (
    "adapter model layer token weight gradient batch sample file folder step report grade question answer table "
    "line value name number order first last next small large open closed new old quick slow plain whole same other "
    "holds gives takes reads writes keeps sets counts moves joins splits finds shows begins ends is has needs makes"
).split()


class Text:
    """One made-up document: a title, and sections of a heading, a paragraph, a list and a line of code."""

    def __init__(self, number: int, seed: int) -> None:
        self._random = random.Random(f"{seed}-{number}")
        self.title = f"{self._words(3).capitalize()} {number}"
        self.sections = [
            (self._words(4).capitalize(), self._sentences(4), [self._words(6) for _ in range(3)], f"{self._words(1)}({self._random.randrange(99)})")
            for _ in range(6)
        ]

    def _words(self, count: int) -> str:
        return " ".join(self._random.choices(WORDS, k=count))

    def _sentences(self, count: int) -> str:
        return " ".join(f"The {self._words(self._random.randrange(6, 14))}." for _ in range(count))

    def rows(self) -> list[dict[str, str]]:
        """The sections as questions and answers."""
        return [{"question": f"What is {heading.lower()}?", "answer": paragraph} for heading, paragraph, _, _ in self.sections]


def as_markdown(text: Text) -> str:
    parts = [f"# {text.title}"]
    for heading, paragraph, items, code in text.sections:
        parts += [f"## {heading}", paragraph, "\n".join(f"- {item}" for item in items), f"```python\n{code}\n```"]
    return "\n\n".join(parts) + "\n"


def as_plain(text: Text) -> str:
    return text.title + "\n\n" + "\n\n".join(f"Q: {row['question']}\nA: {row['answer']}" for row in text.rows()) + "\n"


def as_rst(text: Text) -> str:
    parts = [f"{text.title}\n{'=' * len(text.title)}"]
    for heading, paragraph, items, code in text.sections:
        parts += [f"{heading}\n{'-' * len(heading)}", paragraph, "\n".join(f"- {item}" for item in items), f"::\n\n    {code}"]
    return "\n\n".join(parts) + "\n"


def body_of(text: Text) -> str:
    """The document as the inside of an HTML body."""
    parts = [f"<h1>{html.escape(text.title)}</h1>"]
    for heading, paragraph, items, code in text.sections:
        listed = "".join(f"<li>{item}</li>" for item in items)
        parts.append(f"<h2>{heading}</h2><p>{paragraph}</p><ul>{listed}</ul><pre><code>{code}</code></pre>")
    return "\n".join(parts)


def as_html(text: Text) -> str:
    menu = "<nav>" + "".join(f'<a href="/{n}">Page {n}</a>' for n in range(30)) + "</nav>"
    frame = f"<head><title>{text.title}</title></head><body>{menu}<main><article>{body_of(text)}</article></main><footer>Imprint</footer></body>"
    return f"<!doctype html><html lang='en'>{frame}</html>"


def as_ipynb(text: Text) -> str:
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "metadata": {}, "source": f"# {text.title}"}]
    for heading, paragraph, _, code in text.sections:
        cells.append({"cell_type": "markdown", "metadata": {}, "source": f"## {heading}\n\n{paragraph}"})
        cells.append({"cell_type": "code", "metadata": {}, "execution_count": 1, "outputs": [], "source": code})
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


def as_csv(text: Text) -> str:
    return "question,answer\n" + "".join(f'"{row["question"]}","{row["answer"]}"\n' for row in text.rows())


def as_json(text: Text) -> str:
    return json.dumps(text.rows())


def as_jsonl(text: Text) -> str:
    return "".join(json.dumps(row) + "\n" for row in text.rows())


def write_parquet(text: Text, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(text.rows()), path)


def write_docx(text: Text, path: Path) -> None:
    def paragraph(content: str, style: str = "") -> str:
        styled = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
        return f"<w:p>{styled}<w:r><w:t>{html.escape(content)}</w:t></w:r></w:p>"

    body = paragraph(text.title, "Heading1")
    for heading, content, items, code in text.sections:
        body += paragraph(heading, "Heading2") + paragraph(content) + "".join(map(paragraph, items)) + paragraph(code)
    office = "http://schemas.openxmlformats.org"
    types = (
        f'<Types xmlns="{office}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
        'relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'wordprocessingml.document.main+xml"/></Types>'
    )
    kind = f"{office}/officeDocument/2006/relationships/officeDocument"
    relation = f'<Relationship Id="r1" Type="{kind}" Target="word/document.xml"/>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("_rels/.rels", f'<Relationships xmlns="{office}/package/2006/relationships">{relation}</Relationships>')
        document = f'<w:document xmlns:w="{office}/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>'
        archive.writestr("word/document.xml", document)


def write_epub(text: Text, path: Path) -> None:
    page = f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{text.title}</title></head><body>{body_of(text)}</body></html>'
    container = '<rootfiles><rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles>'
    package = (
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{text.title}</dc:title></metadata>'
        '<manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine>'
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        names = "urn:oasis:names:tc:opendocument:xmlns:container"
        archive.writestr("META-INF/container.xml", f'<container version="1.0" xmlns="{names}">{container}</container>')
        archive.writestr("book.opf", f'<package version="3.0" xmlns="http://www.idpf.org/2007/opf">{package}</package>')
        archive.writestr("a.xhtml", page)


def write_pdf(text: Text, path: Path) -> None:
    """A page for each two sections, in Helvetica, headings larger."""
    pages = []
    for start in range(0, len(text.sections), 2):
        drawn = [f"BT /F 20 Tf 60 780 Td ({text.title}) Tj"] if not start else ["BT /F 11 Tf 60 780 Td"]
        for heading, paragraph, items, code in text.sections[start : start + 2]:
            words = paragraph.split()
            lines = [" ".join(words[i : i + 12]) for i in range(0, len(words), 12)]
            drawn += ["0 -34 Td /F 15 Tf", f"({heading}) Tj", "0 -8 Td /F 11 Tf"]
            drawn += [f"0 -15 Td ({line}) Tj" for line in [*lines, *items]] + [f"0 -22 Td ({code.replace('(', '[').replace(')', ']')}) Tj"]
        pages.append("\n".join([*drawn, "ET"]))
    count = len(pages)
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(count))
    objects = ["<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Count {count}/Kids[{kids}]>>", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    for number, page in enumerate(pages):
        objects.append(f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {5 + 2 * number} 0 R/Resources<</Font<</F 3 0 R>>>>>>")
        objects.append(f"<</Length {len(page)}>>\nstream\n{page}\nendstream")
    out, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    out += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{table}trailer\n<</Size {len(places) + 1}/Root 1 0 R>>\nstartxref\n{len(out)}\n%%EOF"
    path.write_text(out, encoding="ascii")


TEXTS: dict[str, Callable[[Text], str]] = {
    ".md": as_markdown, ".txt": as_plain, ".html": as_html, ".rst": as_rst, ".ipynb": as_ipynb,
    ".csv": as_csv, ".json": as_json, ".jsonl": as_jsonl,
}  # fmt: skip
BINARIES: dict[str, Callable[[Text, Path], None]] = {".pdf": write_pdf, ".docx": write_docx, ".epub": write_epub, ".parquet": write_parquet}


def make_corpus(folder: Path, each: int, seed: int) -> None:
    """So many files of each format, each with a text of its own, and a few that cannot be read."""
    for index, suffix in enumerate([*TEXTS, *BINARIES]):
        for number in range(each):
            text = Text(index * each + number, seed)
            path = folder / suffix[1:] / f"{number:04}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if suffix in TEXTS:
                path.write_text(TEXTS[suffix](text), encoding="utf-8")
            else:
                BINARIES[suffix](text, path)
    bad = folder / "bad"
    bad.mkdir()
    (bad / "empty.md").write_bytes(b"")
    (bad / "latin.txt").write_bytes("Größe\n".encode("latin-1") * 20)
    (bad / "picture.png").write_bytes(b"\x89PNG\r\n")
    (bad / "copy.md").write_bytes((folder / "md/0000.md").read_bytes())
    (bad / "half.docx").write_bytes((folder / "docx/0000.docx").read_bytes()[:500])
    (bad / "broken.jsonl").write_text('{"question": "wh\n', encoding="utf-8")


def timed(work: Callable[[], Iterable[Any]]) -> tuple[float, list[Any]]:
    """Seconds that it took, and what came out."""
    start = time.perf_counter()
    done = list(work())
    return time.perf_counter() - start, done


def by_format(folder: Path) -> dict[str, list[Path]]:
    """The files that a reader is there for, by suffix."""
    files: dict[str, list[Path]] = defaultdict(list)
    for listed in list_folder(str(folder)):
        if not listed.refusal and listed.path.suffix.lower() in READERS:
            files[listed.path.suffix.lower()].append(listed.path)
    return dict(files)


def others(suffix: str) -> dict[str, Callable[[Path], object]]:
    """Tools that read this format too, each as a plain function of a path."""
    found: dict[str, Callable[[Path], object]] = {}
    if suffix == ".html":
        import trafilatura

        found["trafilatura"] = lambda path: trafilatura.extract(path.read_text(encoding="utf-8"), output_format="markdown")
    if suffix == ".pdf":
        import pypdfium2

        def pdfium(path: Path) -> str:
            with pypdfium2.PdfDocument(path) as document:
                return "\n".join(page.get_textpage().get_text_range() for page in document)

        found["pypdfium2"] = pdfium
    if suffix in (".html", ".pdf", ".docx", ".epub") and importlib.util.find_spec("markitdown"):
        from markitdown import MarkItDown

        found["markitdown"] = MarkItDown().convert
    return found


def measure_formats(files: dict[str, list[Path]], options: ReadOptions) -> dict[str, float]:
    """Print and return documents per second of each format, read by all cores."""
    print(f"{'format':<10}{'files':>7}{'texts':>7}{'MB':>9}{'documents/s':>13}{'1 process/s':>13}  plain loops, documents/s")
    speeds = {}
    for suffix, paths in files.items():
        alone, _ = timed(lambda paths=paths: read_files(paths, options, 1))  # type: ignore[misc]
        seconds, readings = timed(lambda paths=paths: read_files(paths, options, cores()))  # type: ignore[misc]
        texts = sum(reading.status == "text" for reading in readings)
        speeds[suffix] = round(texts / seconds, 1)
        size = sum(path.stat().st_size for path in paths) / 1e6
        loops = [f"{name} {len(paths) / timed(lambda read=read, paths=paths: map(read, paths))[0]:,.0f}" for name, read in others(suffix).items()]  # type: ignore[misc]
        print(f"{suffix:<10}{len(paths):>7}{texts:>7}{size:>9.2f}{speeds[suffix]:>13,.1f}{texts / alone:>13,.1f}  {', '.join(loops)}", flush=True)
    return speeds


def measure_steps(folder: Path, workspace: Path, paths: Sequence[Path], options: ReadOptions) -> dict[str, Any]:
    """The whole step twice, its classes, what 02 makes of it; and the reading alone with one process and with all."""
    config = load_config(settings=[f"paths.workspace={workspace}", "collect.python_docs=[]"])
    config = config.model_copy(update={"collect": config.collect.model_copy(update={"folders": [str(folder)]})})
    one, _ = timed(lambda: read_files(paths, options, 1))
    all_, _ = timed(lambda: read_files(paths, options, cores()))
    first = run_step(STEP, config, {STEP.name: STEP})
    before = (first.target / "documents.jsonl").read_bytes()
    second = run_step(STEP, config, {STEP.name: STEP}, force=True)
    assert (second.target / "documents.jsonl").read_bytes() == before, "a second run must give the same bytes"
    documents = read_documents(first.target / "documents.jsonl")
    extraction = extract_all(documents, config.extract)
    print(f"\nreading all: {one:.2f} s in 1 process, {all_:.2f} s in {cores()}; the step: {first.seconds:.2f} s, again {second.seconds:.2f} s")
    for status, line in first.summary.items():
        if status in ("class", *read_json(first.target / "manifest.json")["by_status"]):
            print(f"{status:<16}{line}")
    print(f"{len(documents)} documents give {len(extraction.examples)} examples, {len(extraction.barren)} give none")
    return {
        "parallel_speedup": round(one / all_, 2),
        "incremental_speedup": round(first.seconds / max(second.seconds, 0.01), 1),
        "classes": read_json(first.target / "manifest.json")["by_status"],
        "documents": len(documents),
        "examples": len(extraction.examples),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="a folder to read instead of a corpus made here")
    parser.add_argument("--files", type=int, default=100, help="files of each format to make (default: 100)")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    options = options_of(load_config().collect)
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.folder or Path(scratch) / "corpus"
        if args.folder is None:
            make_corpus(folder, args.files, args.seed)
        files = by_format(folder)
        speeds = measure_formats(files, options)
        paths = [path for group in files.values() for path in group]
        result = measure_steps(folder.absolute(), Path(scratch) / "workspace", paths, options)
    print(json.dumps({"documents_per_second": speeds, **result, "processes": cores(), "cpu": os.cpu_count()}))


if __name__ == "__main__":
    main()
