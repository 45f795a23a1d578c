"""Tables and lists that pair things up: question and answer, term and meaning, symptom and cure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from gradus.extract.block import Block
from gradus.extract.headings import plain
from gradus.extract.markdown import items_of
from gradus.extract.pairs import Pair
from gradus.extract.subjects import Asked, about_symptom, about_term

_QUESTION = re.compile(r"questions?|q|frage|faq", re.IGNORECASE)
_TERM = re.compile(r"terms?|words?|abbreviations?|acronyms?|concepts?|expressions?|begriff", re.IGNORECASE)
_SYMPTOM = re.compile(r"problems?|symptoms?|errors?|error messages?|issues?|messages?|faults?|if you see.*", re.IGNORECASE)
_ANSWER = re.compile(r"answers?|antwort|response", re.IGNORECASE)
_MEANING = re.compile(r"meanings?|definitions?|descriptions?|explanations?|stands for|bedeutung", re.IGNORECASE)
_CURE = re.compile(r"solutions?|cures?|fix(?:es)?|remed(?:y|ies)|what to do|actions?|resolutions?|workarounds?|how to fix.*|do this", re.IGNORECASE)
GLOSSARY = re.compile(r".*\b(?:glossary|terminology|definitions|abbreviations|acronyms|terms(?! (?:of|and))|vocabulary)\b.*", re.IGNORECASE)
_DEFINED = re.compile(r"((?:[^\n]{1,80}\n)+?):[ \t]+(.+)", re.DOTALL)
_ENTRY = re.compile(r"(\*\*|__)(.{1,60}?):?\1\s*(?::|[-–—]|=)?\s+(\S.*)|`([^`\n]{1,60})`\s*(?::|[-–—])\s+(\S.*)", re.DOTALL)
_ASKED_ITEM = re.compile(r"^[-*+] \*\*[^*\n]+\?\*\*: ", re.MULTILINE)
_PLAIN_ENTRY = re.compile(r"([^\s:.][^:.\n]{0,50}?)\s*(?::|\s[-–—]\s)\s*(\S.*)", re.DOTALL)


def table_entries(block: Block, text: str) -> list[tuple[Asked | None, Pair]]:
    """One entry for every row of a table whose head says question and answer, term and meaning, or symptom and cure; `text` is the document's."""
    rows = [_cells(line) for line in block.text.split("\n") if line.strip()]
    if len(rows) < 3:
        return []
    for ask, answer, asked in (
        (_QUESTION, _ANSWER, _as_it_is),
        (_TERM, _MEANING, about_term),
        (_SYMPTOM, _CURE, lambda cell: about_symptom(cell, text)),
    ):
        left = next((n for n, cell in enumerate(rows[0]) if ask.fullmatch(plain(cell))), None)
        right = next((n for n, cell in enumerate(rows[0]) if answer.fullmatch(plain(cell))), None)
        if left is not None and right is not None:
            return list(_rows(block, rows[2:], (left, right), asked))
    return []


def _as_it_is(text: str) -> Asked | None:
    return Asked("faq", text if text.endswith("?") else text + "?") if len(text.split()) > 1 else None


def _rows(block: Block, rows: list[list[str]], columns: tuple[int, int], asked: Callable[[str], Asked | None]) -> Iterator[tuple[Asked | None, Pair]]:
    position = block.start + sum(len(line) + 1 for line in block.text.split("\n")[:2])
    lines = block.text.split("\n")[2:]
    for row, line in zip(rows, lines, strict=False):
        if max(columns) < len(row):
            question = asked(plain(row[columns[0]]))
            answer = Block("paragraph", row[columns[1]].replace("\\|", "|"), position, position + len(line))
            yield question, Pair(plain(row[columns[0]]), [answer] if answer.text else [], position, min(position + len(line), block.end))
        position += len(line) + 1


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))]


def definition_entries(blocks: list[Block]) -> tuple[list[Block], list[tuple[Asked, Pair]]]:
    """Definition lists (`Term` and below it `: meaning`) taken out of the blocks."""
    rest: list[Block] = []
    found: list[tuple[Asked, Pair]] = []
    for block in blocks:
        match = _DEFINED.fullmatch(block.text) if block.kind == "paragraph" else None
        loose = re.match(r":[ \t]+", block.text) if block.kind == "paragraph" and rest and rest[-1].kind == "paragraph" else None
        if match:
            found += _entry(match[1], match[2], block, block.start)
        elif loose and "\n" not in rest[-1].text and len(rest[-1].text) < 80:
            term = rest.pop()
            found += _entry(term.text, block.text[loose.end() :], block, term.start)
        else:
            rest.append(block)
    return rest, found


def _entry(term: str, meaning: str, block: Block, start: int) -> list[tuple[Asked, Pair]]:
    texts = [text.strip() for text in re.split(r"\n:[ \t]+", meaning)]
    name = plain(term)
    asked = about_term(name)
    if asked is None:
        return []
    body = [replace(block, text="\n\n".join(" ".join(text.split()) for text in texts))]
    return [(asked, Pair(asked.question, body, start, block.end))]


def asks_in_items(block: Block) -> bool:
    """Whether a list is of terms some of which are questions (`- **What does it take?**: oil`), as definition lists of HTML arrive."""
    return _ASKED_ITEM.search(block.text) is not None


def glossary_entries(block: Block) -> list[tuple[Asked, Pair]]:
    """One entry for every item `**Term**: meaning` of a list (or `Term: meaning`), if all items are such."""
    found = []
    for _, inner in items_of(block):
        match = (_ENTRY.fullmatch(inner[0].text) or _PLAIN_ENTRY.fullmatch(inner[0].text)) if inner and inner[0].kind == "paragraph" else None
        if match is None:
            return []
        term, meaning = [group for group in match.groups() if group and group not in ("**", "__")][:2]
        asked = about_term(plain(term))
        if asked is None:
            return []
        found.append((asked, Pair(asked.question, [replace(inner[0], text=meaning), *inner[1:]], inner[0].start, inner[0].end)))
    return found
