"""Questions and answers out of documents of text: Markdown (HTML, PDF, Word, EPUB and notebooks arrive as such) and plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePath

from gradus.extract.asking import opening, question_of
from gradus.extract.block import Block, join
from gradus.extract.blocks import parse_text
from gradus.extract.draft import Draft, Drafts, Drop
from gradus.extract.furniture import is_placeholder, points_elsewhere, section_furniture, without_furniture
from gradus.extract.headings import TextSection, plain, sections_of_blocks
from gradus.extract.headwords import GENERIC
from gradus.extract.leftovers import unfold, without_html
from gradus.extract.markdown import BOLD_LINE, blocks_of_markdown, without_front_matter
from gradus.extract.pairs import Pair, pairs_of, plain_questions, without_answer_mark
from gradus.extract.plain import blocks_of_plain, with_headings
from gradus.extract.questions import prose_question
from gradus.extract.subjects import WHOLE, Asked, Page, about_term, is_headword, is_useful, subject_of
from gradus.extract.terms import GLOSSARY, asks_in_items, definition_entries, glossary_entries, table_entries
from gradus.extract.topics import topic_drafts
from gradus.extract.unwrap import unwrap
from gradus.fences import fenced_lines
from gradus.records import Document

_FAQ = re.compile(r"\bfaqs?\b|frequently asked|questions (?:and|&) answers|\bq ?& ?a\b", re.IGNORECASE)
_RST = re.compile(r"^(?:\.\. \S|[=\-~^\"*+#]{4,}\s*$)|::\s*$", re.MULTILINE)
_PICTURE = re.compile(r"!\[[^\]]*\]\([^()]*\)")
_LOCAL_LINK = re.compile(r"\[([^\[\]]+)\]\((?!https?:|mailto:)[^()\s]*\)")
_CALL_OUT = re.compile(r"^> \[!(\w+)\](?:\n>)?", re.MULTILINE)
_PLAIN_QUESTIONS = 3
"""So many lines that ask, each with text below it, make a page an FAQ even where nothing says so."""
_NO_QUESTION = "a heading that makes no question"
_ELSEWHERE = "an answer that only points elsewhere"


def markdown_drafts(document: Document) -> Drafts:
    """Questions that stand in a Markdown text (pairs, folded ones, tables, glossaries), and those that its headings stand for."""
    folded = unfold(without_front_matter(document.text))
    blocks = without_html(blocks_of_markdown(folded.text))
    if not any(block.kind == "heading" and block.level < BOLD_LINE for block in blocks):
        blocks = with_headings(_titled(blocks))
    page = _page(document, sections_of_blocks(without_furniture(blocks)[0]))
    for pair in folded.details:
        summary = TextSection(BOLD_LINE, pair.question, None, pair.answer, ())
        text = next((block.text for block in pair.answer if block.kind == "paragraph"), "")
        asked = question_of(summary, replace(page, has_headings=True), None, opening(text))
        yield _entry(asked, pair) if asked else Drop("a folded text whose summary makes no question")
    for pair in folded.terms:
        yield _entry(about_term(pair.question), pair)
    yield from _drafts(document, blocks)


def text_drafts(document: Document) -> Drafts:
    """The same for plain text, whose headings, lists and paragraphs are found by their look; pydoc's topics have rules of their own."""
    if document.source.startswith("topic "):
        yield from topic_drafts(document)
    elif _RST.search(document.text):
        yield from _drafts(document, parse_text(document.text))
    else:
        blocks, drops = blocks_of_plain(document.text)
        yield from drops
        yield from _drafts(document, blocks)


def _titled(blocks: list[Block]) -> list[Block]:
    """A bold line at the very top of a text without headings is its title."""
    first = blocks[0] if blocks else None
    return [replace(first, level=1), *blocks[1:]] if first and first.level == BOLD_LINE and not plain(first.text).endswith("?") else blocks


@dataclass(frozen=True)
class _Read:
    """A section with what was found in it."""

    section: TextSection
    entries: list[tuple[Asked | None, Pair]]
    rest: list[Block]
    """The blocks before the first entry: what the heading itself is answered with."""
    asked: Asked | None
    reason: str
    """Why nothing is asked about it, '' when it may be."""


def _drafts(document: Document, blocks: list[Block]) -> Drafts:
    blocks, drops = without_furniture(blocks)
    yield from drops
    sections = sections_of_blocks(blocks)
    page = _page(document, sections)
    faq = bool(_FAQ.search(page.name) or _FAQ.search(document.title)) or plain_questions(blocks) >= _PLAIN_QUESTIONS
    read: list[_Read] = []
    above: list[_Read] = []
    for section in sections:
        above = [one for one in above if 0 < one.section.level < section.level]
        read.append(_read(section, page, faq, above[-1].asked if above else None))
        above.append(read[-1])
    taken: set[int] = set()
    for number, one in enumerate(read):
        if one.reason:
            yield Drop(one.reason)
            continue
        for asked, pair in one.entries:
            yield _entry(asked, pair)
        if number not in taken:
            body = _body(read, number, taken)
            yield from _answered(one, body, page)


def _page(document: Document, sections: list[TextSection]) -> Page:
    """The page's name: its heading of level 1, else, and where several of them name chapters, the document's title or file name."""
    stem = re.sub(r"[_-]+", " ", PurePath(document.title).stem if document.source.endswith(document.title) else document.title).strip()
    heads = [section.title for section in sections if section.level == 1 and section.title and not section.is_question]
    chapters = [head for head in heads if not (is_headword(head) or GENERIC.fullmatch(head) or section_furniture(head, ()))]
    first = heads[0] if heads and len(chapters) < 2 else ""
    name = first if is_useful(first) else stem if is_useful(stem) else ""
    text = "\n".join(block.text for section in sections for block in section.blocks if block.kind != "code")
    subject = subject_of(name)
    text += f"\nof {subject}" if subject and " " not in subject else ""  # so that it is known as a name
    return Page(name, text, document.id, has_title=len(sections) > 1, has_headings=sum(0 < section.level < BOLD_LINE for section in sections) > 1)


def _read(section: TextSection, page: Page, faq: bool, above: Asked | None) -> _Read:
    reason = section_furniture(section.title, section.above)
    if reason:
        return _Read(section, [], [], None, reason if section.blocks else "")
    in_faq = faq or bool(_FAQ.search(" ".join([section.title, *section.above])))
    blocks, found = definition_entries(section.blocks)
    entries: list[tuple[Asked | None, Pair]] = list(found)
    glossary = bool(GLOSSARY.fullmatch(section.title) or GLOSSARY.fullmatch(page.name))
    kept: list[Block] = []
    for block in blocks:
        listed = block.kind == "list" and (glossary or asks_in_items(block))
        rows = table_entries(block, page.text) if block.kind == "table" else glossary_entries(block) if listed else []
        entries += rows
        kept += [] if rows else [block]
    rest, pairs = pairs_of(kept, plain_lines=in_faq)
    entries += [(Asked("faq", pair.question), pair) for pair in pairs]
    text = next((block.text for block in rest if block.kind in ("paragraph", "quote")), "")
    asked = question_of(section, page, above, opening(text)) if section.title else None
    return _Read(section, entries, rest, asked, "")


def _body(read: list[_Read], number: int, taken: set[int]) -> list[Block]:
    """The blocks of a section, and of the sections below it that ask nothing themselves; those are marked as taken.

    A question's own subsections all belong to its answer, unless one of them is a question, too.
    """
    one = read[number]
    body = list(one.rest)
    level = one.section.level
    if one.asked is None or one.asked.kind == WHOLE:
        return body
    below = []
    for at in range(number + 1, len(read)):
        if read[at].section.level <= level:
            break
        below.append(at)
    whole = one.section.is_question and not any(read[at].section.is_question or read[at].entries for at in below)
    for at in below:
        if read[at].reason or (not whole and (read[at].asked is not None or read[at].entries)):
            break
        heading = read[at].section.heading
        body += [*([heading] if heading and read[at].rest else []), *read[at].rest]
        taken.add(at)
    return body


def _answered(one: _Read, body: list[Block], page: Page) -> Iterator[Draft | Drop]:
    """The draft of a section's own question."""
    heading = one.section.heading
    if not body:
        if one.section.is_question and not one.entries:
            yield Drop("a question without an answer")
        return
    if one.asked is None:
        yield from [Drop(_NO_QUESTION)] if heading else _untitled(body, page)
        return
    start = heading.start if heading else body[0].start
    yield _checked(Draft(one.asked.kind if one.asked.kind != WHOLE else "section", one.asked.question, "", start, body[-1].end), body)


def _untitled(body: list[Block], page: Page) -> Iterator[Draft | Drop]:
    """Text above the first heading; where there is no heading at all, the file's name says what it is about."""
    if page.has_title or page.has_headings or not page.name or len(_markdown(body)) < len(page.name) * 2 or page.name.count(" ") == 0:
        yield Drop("text without a heading")
    else:
        yield _checked(Draft("section", prose_question("whole", page.seed, title=page.name), "", body[0].start, body[-1].end), body)


def _entry(asked: Asked | None, pair: Pair) -> Draft | Drop:
    """The draft of a question that stands in the text."""
    if not pair.answer:
        return Drop("a question without an answer")
    draft = _checked(Draft(asked.kind if asked else "", plain(pair.question), "", pair.start, pair.end), pair.answer)
    if isinstance(draft, Draft) and (asked is None or len(asked.question.split()) < 2):
        return Drop("a question that cannot stand alone")
    return replace(draft, question=plain(asked.question)) if asked and isinstance(draft, Draft) else draft


def _checked(draft: Draft, body: list[Block]) -> Draft | Drop:
    """The draft with the Markdown of its blocks, unless that is no answer yet."""
    body, _ = without_furniture(body, placeholders=True)
    if not body:
        return Drop("a placeholder instead of an answer")
    first = body[0]
    if first.kind == "paragraph":
        body = [replace(first, text=without_answer_mark(first.text)), *body[1:]]
    answer = _markdown(body)
    if is_placeholder(answer):
        return Drop("a placeholder instead of an answer")
    return Drop(_ELSEWHERE) if points_elsewhere(answer) else replace(draft, answer=answer)


def _markdown(blocks: list[Block]) -> str:
    """Blocks one below the other, each paragraph on one line."""
    if any(block.kind == "item" for block in blocks):
        return join(blocks)
    return "\n\n".join(text for block in blocks if (text := _shown(block)))


def _shown(block: Block) -> str:
    """A block as it stands in an answer: paragraphs unwrapped, links that lead nowhere outside of their page as text, call-outs labelled."""
    if block.kind == "code":
        return block.text
    text = unwrap(block.text) if block.kind in ("paragraph", "list") else _CALL_OUT.sub(lambda match: f"> **{match[1].capitalize()}:**", block.text)
    lines = text.split("\n")
    inside = fenced_lines(lines)
    return "\n".join(line if code else _without_local_links(line) for line, code in zip(lines, inside, strict=True)).strip("\n")


def _without_local_links(line: str) -> str:
    parts = re.split(r"(`+[^`]+`+(?!\]))", line)
    return "".join(part if number % 2 else _LOCAL_LINK.sub(r"\1", _PICTURE.sub("", part)) for number, part in enumerate(parts))
