"""Questions and answers out of Markdown files, plain text files and pydoc's topics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile
from pathlib import PurePath

from gradus.extract.block import Block, join
from gradus.extract.blocks import DOCSTRING, SIGNATURE, TOPIC, parse, parse_text
from gradus.extract.draft import Draft, Drafts, Drop
from gradus.extract.headings import MarkdownSection, sections_of_markdown
from gradus.extract.inline import code
from gradus.extract.lines import Line, indented_run, lines_of, strip_blank
from gradus.extract.pairs import pairs_of
from gradus.extract.questions import prose_question
from gradus.extract.unwrap import unwrap
from gradus.records import Document

_PLACEHOLDER = re.compile(
    r"\W*(todo|tbd|fixme|xxx|n/?a|coming soon|to be (done|written|added)|(your )?answer( goes)? here|lorem ipsum.*|fill (this )?in)?\W*",
    re.IGNORECASE,
)
_CONTENTS = re.compile(r"(table of )?contents|toc|inhalt(sverzeichnis)?|index|on this page", re.IGNORECASE)
_VERBS = (
    "add adjust build change check choose clean configure connect convert copy create debug define delete deploy disable download enable export "
    "find fix format generate get import install load make measure merge migrate monitor move open prepare publish read remove rename report reset "
    "resume roll run save select send set share start stop switch test train tune uninstall update upgrade use verify view write"
)
_ACTION = re.compile(rf"(?:how to )?({_VERBS.replace(' ', '|')})\b.*", re.IGNORECASE)
"""Headings that name an action: `Install the package` asks how to do it."""


def markdown_drafts(document: Document) -> Drafts:
    """FAQ headings, bold questions, `Q:`/`A:` pairs and sections of a Markdown file."""
    sections = sections_of_markdown(document.text)
    name = _title_of(document, sections)
    for number, section in enumerate(sections):
        pairs = pairs_of(section.lines)
        for pair in pairs:
            yield _checked(Draft("faq", _plain(pair.question), pair.answer, pair.start, pair.end))
        if section.title and not pairs:
            yield from _section(document, section, _body(sections, number), name)


def _title_of(document: Document, sections: list[MarkdownSection]) -> str:
    """The first heading of level 1, else the file's name without its ending."""
    return next((_plain(s.title) for s in sections if s.level == 1 and s.title), PurePath(document.title).stem.replace("_", " "))


def _body(sections: list[MarkdownSection], number: int) -> list[Line]:
    """The lines of a section; a question's own subsections belong to its answer unless they ask questions themselves."""
    section = sections[number]
    below = list(takewhile(lambda following: following.level > section.level, sections[number + 1 :]))
    if not section.title.endswith("?") or any(inner.title.endswith("?") for inner in below):
        return section.lines
    return [*section.lines, *(line for inner in below for line in (inner.heading, *inner.lines))]


def _section(document: Document, section: MarkdownSection, body: list[Line], name: str) -> Iterator[Draft | Drop]:
    title = _plain(section.title)
    lines = strip_blank(body)
    answer = _without_comments("\n".join(line.text for line in lines))
    if not answer:
        return
    if _CONTENTS.fullmatch(title) or _is_link_list(answer):
        yield Drop("a table of contents")
        return
    kind, question = _asks(title, name, document.id)
    yield _checked(Draft(kind, question, answer, section.start, lines[-1].end))


def _asks(title: str, name: str, seed: str) -> tuple[str, str]:
    """Kind and question that a heading stands for."""
    if title.endswith("?"):
        return "faq", title
    if _ACTION.fullmatch(title) and len(title.split()) > 1:
        action = re.sub(r"^how to ", "", title, flags=re.IGNORECASE).rstrip(".:")
        action = re.sub(r"\byour\b", "my", action, flags=re.IGNORECASE)
        return "how-to", prose_question("how-to", seed, title=action[:1].lower() + action[1:])
    if title == name:
        return "section", prose_question("whole", seed, title=title)
    return "section", prose_question("section", seed + title, title=f'"{title}"', document=name)


def _plain(title: str) -> str:
    """A heading or question without numbering, emphasis and link targets."""
    title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title.strip())
    title = re.sub(r"^(?:Q\d*[:.)]|\d+(?:\.\d+)*[.)]?)\s+", "", title)
    return re.sub(r"(\*\*|__)(.+?)\1", r"\2", title).strip(" *_")


def _without_comments(text: str) -> str:
    return re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL).strip()


def _is_link_list(text: str) -> bool:
    """Whether the text is little but links to places on the same page."""
    lines = [line for line in text.split("\n") if line.strip()]
    links = sum(bool(re.fullmatch(r"\s*(?:[-*+]|\d+[.)])\s+\[[^\]]*\]\(#[^)]*\)\s*", line)) for line in lines)
    return bool(lines) and links * 10 >= len(lines) * 7


def _checked(draft: Draft) -> Draft | Drop:
    """The draft with its paragraphs on one line each, unless its answer is none yet."""
    if _PLACEHOLDER.fullmatch(re.sub(r"[<>\[\](){}]", "", draft.answer)):
        return Drop("a placeholder instead of an answer")
    return replace(draft, answer=unwrap(draft.answer))


def text_drafts(document: Document) -> Drafts:
    """`Q:`/`A:` pairs of a text file, else its sections; pydoc's topics give their sections and the methods they describe."""
    if document.source.startswith("topic "):
        yield from _topic(document)
        return
    pairs = pairs_of(lines_of(document.text))
    for pair in pairs:
        yield _checked(Draft("faq", _plain(pair.question), pair.answer, pair.start, pair.end))
    if not pairs:
        name = PurePath(document.title).stem.replace("_", " ")
        for title, body, start in _by_heading(parse_text(document.text, DOCSTRING)):
            kind, question = _asks(title, name, document.id)
            yield _checked(Draft(kind, question, join(body), start, body[-1].end))


def _by_heading(blocks: list[Block]) -> Iterator[tuple[str, list[Block], int]]:
    heads = [number for number, block in enumerate(blocks) if block.kind == "heading"]
    for head, following in zip(heads, [*heads, len(blocks)][1:], strict=True):
        body = blocks[head + 1 : following]
        if body:
            yield blocks[head].text.lstrip("# "), body, blocks[head].start


def _topic(document: Document) -> Drafts:
    for title, body, start in _by_heading(parse_text(document.text, TOPIC)):
        key, shown = "topic", _in_a_sentence(title)
        if match := re.fullmatch(r"The (.+) statement", title):
            key, shown = "statement", match[1]
        yield Draft("topic", prose_question(key, document.id + title, title=shown), join(body), start, body[-1].end)
    yield from _methods(document)


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
