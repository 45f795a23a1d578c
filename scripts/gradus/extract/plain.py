"""Plain text, say out of a PDF, as blocks: paragraphs unwrapped, lists and headings guessed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from gradus.extract.block import Block
from gradus.extract.draft import Drop
from gradus.extract.lines import Line, strip_blank

_NUMBERED = re.compile(r"(\d+(?:\.\d+)*)[.)]?\s+(?=[A-ZÄÖÜ])[^\n]{2,70}")
_BULLET = re.compile(r"\s*(?:[-*•‣▪◦●–]|\d{1,2}[.)]|\(\w\)|[a-z]\))\s+(?=\S)")
_PAGE = re.compile(r"\s*(?:page\s+\d+(?:\s*(?:of|/)\s*\d+)?|[-–—]?\s*\d{1,4}\s*[-–—]?)\s*", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?…][\"”')]?\s*$")
_REPEATED = 3
"""A short line that stands alone at least so often is a running head or foot."""
_TITLE_WORDS = 10
_SMALL = frozenset("a an and as at by for from in of on or the to with vs your our und der die das für".split())


def lines_of_text(text: str) -> list[Line]:
    """Lines as they are, tabs included."""
    lines, position = [], 0
    for raw in text.split("\n"):
        lines.append(Line(raw.replace("\f", ""), position + raw.count("\f")))
        position += len(raw) + 1
    return lines


def blocks_of_plain(text: str) -> tuple[list[Block], list[Drop]]:
    """Headings, paragraphs and lists in order, and a reason for every running head, foot and page number."""
    lines = lines_of_text(text)
    running = _running(lines)
    kept = [line for line in lines if line.text.strip() not in running and not (_PAGE.fullmatch(line.text) and line.text.strip())]
    blocks = [block for lines_ in _paragraphs(kept) for block in _blocks(lines_, text)]
    return with_headings(blocks), [Drop("a running head or foot of a page")] * (len(lines) - len(kept))


def with_headings(blocks: list[Block]) -> list[Block]:
    """The same blocks; paragraphs that look like headings are headings."""
    found = []
    numbered = 0
    for number, block in enumerate(blocks):
        following = blocks[number + 1] if number + 1 < len(blocks) else None
        level = _heading_level(block, following, first=number == 0)
        if level and _NUMBERED.fullmatch(block.text.strip()):
            numbered = level
        elif level > 1 and not block.text.isupper():
            level = numbered + 1 if numbered else level
        found.append(replace(block, kind="heading", text=f"{'#' * min(level, 6)} {block.text}", level=level) if level else block)
    return found


def _running(lines: list[Line]) -> set[str]:
    """Short lines without a full stop that come again and again, whatever page number they end with."""
    counts = Counter(line.text.strip() for line in lines if 0 < len(line.text.strip()) < 80 and not _BULLET.match(line.text))
    return {
        text
        for text, count in counts.items()
        if count >= _REPEATED and not _SENTENCE.search(text) and not re.match(r"[QA]\d*[:.]|[`>{}\[\]()|]", text)
    }


def _paragraphs(lines: list[Line]) -> Iterator[list[Line]]:
    """Runs of lines between blank ones; a long run is also parted where a sentence ends early in its line."""
    run: list[Line] = []
    widths = sorted(len(line.text) for line in lines if len(line.text) > 30)
    usual = widths[len(widths) * 3 // 4] if widths else 0
    for number, line in enumerate(lines):
        if not line.blank:
            run.append(line)
        ends_early = _SENTENCE.search(line.text) and len(line.text) < usual * 3 // 4
        if run and (line.blank or ends_early and _starts_anew(lines, number)):
            yield run
            run = []
    if run:
        yield run


def _starts_anew(lines: list[Line], number: int) -> bool:
    return number + 1 < len(lines) and bool(re.match(r"\s*[A-ZÄÖÜ0-9]", lines[number + 1].text)) and not re.match(r"A\d*[:.]", lines[number + 1].text)


def _blocks(lines: list[Line], text: str) -> Iterator[Block]:
    """A heading that stands right above its text, lists, and what is left as a paragraph."""
    if (
        lines[0].start == next((n for n, c in enumerate(text) if not c.isspace()), 0)
        and 1 < len(lines) < 4
        and all(_short(line.text) for line in lines)
    ):
        yield _block("paragraph", [replace(lines[0], text=" ".join(line.text.strip() for line in lines))], text)
        return
    while len(lines) > 1 and _stands_out(lines[0].text.strip(), lines[1].text.strip(), lines):
        yield _block("paragraph", [lines[0]], text)
        lines = lines[1:]
    start = next((n for n, line in enumerate(lines) if _BULLET.match(line.text)), len(lines))
    bullets = sum(bool(_BULLET.match(line.text)) for line in lines[start:])
    if bullets > 1 or (bullets and start == 0 and not _NUMBERED.fullmatch(lines[0].text.strip())):
        if start:
            yield _block("paragraph", lines[:start], text)
        yield _list(lines[start:], text)
    elif lines:
        yield _block("paragraph", lines, text)


def _short(line: str) -> bool:
    return len(line.strip()) < 60 and not re.search(r"[.,;:!?]$", line.strip()) and len(line.split()) < _TITLE_WORDS and not _BULLET.match(line)


def _stands_out(line: str, below: str, lines: list[Line]) -> bool:
    """A line right above text that is a heading: numbered like `2.1 Foo` or `2 Foo Bar`, in capitals, or broken off early."""
    if not _short(line.partition(" ")[2] if _NUMBERED.fullmatch(line) else line) or len(line) > 70:
        return False
    if match := _NUMBERED.fullmatch(line):
        deeper = _NUMBERED.fullmatch(below)
        listed = line[match.end(1) : match.end(1) + 1] in ".)" and "." not in match[1] and not _titled(line)
        return not listed and (deeper is None or deeper[1].count(".") > match[1].count("."))
    if line.isupper() and len(line) > 3:
        return True
    usual = max(len(other.text.strip()) for other in lines)
    return (
        len(line) * 10 < usual * 6 and line[0].isupper() and below[:1].isupper() and len(below) > len(line) and bool(_SENTENCE.search(lines[-1].text))
    )


def _titled(text: str) -> bool:
    """Whether most words that are not small begin with a capital."""
    large = [word for word in text.split() if word.lower() not in _SMALL]
    return bool(large) and sum(word[0].isupper() or word[0].isdigit() for word in large) * 10 >= len(large) * 6


def _block(kind: str, lines: list[Line], text: str) -> Block:
    lines = strip_blank(lines)
    marked = any(
        re.match(r"\s*(?:Q|A|Question|Answer|Frage|Antwort)\s*\d*\s*[:.)]", line.text, re.IGNORECASE) or line.text.endswith("?") for line in lines
    )
    shown = "\n".join(line.text.strip() for line in lines) if marked else _joined(lines, text)
    return Block("paragraph" if kind == "paragraph" else "list", shown, lines[0].start, lines[-1].end)


def _list(lines: list[Line], text: str) -> Block:
    items: list[list[Line]] = []
    for line in lines:
        if _BULLET.match(line.text) or not items:
            items.append([line])
        else:
            items[-1].append(line)
    shown = []
    for item in items:
        words = _joined(item, text)
        mark = re.match(r"(\d{1,2})[.)]\s+", words)
        shown.append(f"{mark[1]}. {words[mark.end() :]}" if mark else "- " + _BULLET.sub("", words, count=1))
    return Block("list", "\n".join(shown), lines[0].start, lines[-1].end)


def _joined(lines: list[Line], text: str) -> str:
    """One line; a word parted by a hyphen is put together when the text has it whole elsewhere."""
    joined = "\n".join(line.text.strip() for line in lines)

    def whole(match: re.Match[str]) -> str:
        word = match[1] + match[2]
        parted = f"{match[1]}-{match[2]}"
        return parted if parted in text and not re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) else word

    return " ".join(re.sub(r"\b(\w{1,40})-\n([a-zäöü]\w{0,40})", whole, joined).split())


def _heading_level(block: Block, following: Block | None, *, first: bool) -> int:
    """1 for the title of the text, else 2 and deeper by numbering; 0 when the block is no heading."""
    text = block.text.strip()
    if block.kind != "paragraph" or "\n" in text or following is None or len(text) > 90 or re.search(r"[.,;:!?|…]$|[`*<>{}=]|https?:", text):
        return 0
    words = text.split()
    if following.text.startswith(": ") or len(words) > _TITLE_WORDS or not re.match(r"[A-ZÄÖÜ\d]", text) or not re.search(r"[^\W\d_]{3}", text):
        return 0
    if match := _NUMBERED.fullmatch(text):
        follows = following.kind != "paragraph" or not re.match(r"\d+[.)]\s", following.text)
        return 2 + match[1].count(".") if follows else 0
    longer = following.kind != "paragraph" or len(following.text) > len(text) or _SENTENCE.search(following.text) is not None
    titled = _titled(text)
    if first and (titled or len(words) < 8):
        return 1
    return 2 if (titled or len(words) < 7) and longer else 0
