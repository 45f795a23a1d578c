"""pydoc's topics: their sections, and the methods that they describe."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gradus.extract.block import Block, join
from gradus.extract.blocks import SIGNATURE, TOPIC, parse, parse_text
from gradus.extract.draft import Draft, Drafts
from gradus.extract.inline import code
from gradus.extract.lines import indented_run, lines_of
from gradus.extract.questions import prose_question
from gradus.records import Document


def topic_drafts(document: Document) -> Drafts:
    """One question for every section and every described method."""
    for title, body, start in _by_heading(parse_text(document.text, TOPIC)):
        key, shown = "topic", _in_a_sentence(title)
        if match := re.fullmatch(r"The (.+) statement", title):
            key, shown = "statement", match[1]
        yield Draft("topic", prose_question(key, document.id + title, title=shown), join(body), start, body[-1].end)
    yield from _methods(document)


def _by_heading(blocks: list[Block]) -> Iterator[tuple[str, list[Block], int]]:
    heads = [number for number, block in enumerate(blocks) if block.kind == "heading"]
    for head, following in zip(heads, [*heads, len(blocks)][1:], strict=True):
        body = blocks[head + 1 : following]
        if body:
            yield blocks[head].text.lstrip("# "), body, blocks[head].start


def _in_a_sentence(title: str) -> str:
    """A title without its capital, unless others follow (`Mapping Types`)."""
    return title[:1].lower() + title[1:] if not re.search(r"[A-Z]", title[1:]) else title


def _methods(document: Document) -> Iterator[Draft]:
    """`object.__len__(self)` above an indented description: one question each."""
    lines = lines_of(document.text)
    for number, line in enumerate(lines):
        signature = line.text.strip()
        described = SIGNATURE.fullmatch(signature) and number + 2 < len(lines) and lines[number + 1].blank and lines[number + 2].indent > line.indent
        if not described or (number and not lines[number - 1].blank):
            continue
        body = lines[number + 1 : indented_run(lines, number + 1, line.indent + 1)]
        blocks = parse(body, TOPIC)
        if blocks and blocks[0].kind == "paragraph":
            question = prose_question("method", document.id + signature, title=code(signature))
            yield Draft("definition", question, join(blocks), line.start, blocks[-1].end)
