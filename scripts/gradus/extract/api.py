"""Questions and answers about one documented object."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from gradus.config.schema import Extract
from gradus.extract.block import Block, join
from gradus.extract.doctests import first_example, leading_examples
from gradus.extract.draft import Draft, Drafts, Drop
from gradus.extract.inline import code, label, to_markdown
from gradus.extract.limits import cut, first_sentence, without_dangling
from gradus.extract.names import Names
from gradus.extract.questions import api_question
from gradus.extract.sections import DESCRIPTION, Item, Section, related_of, sections_of
from gradus.files import sha256_text
from gradus.records import Document
from gradus.signatures import short_call

_DEFINITIONS = {"module": "definition of a module", "class": "definition of a class", "attribute": "definition of an attribute"}
_EMPTY = re.compile(r"\W*(none|n/?a)?\W*", re.IGNORECASE)


@dataclass(frozen=True)
class ApiObject:
    """A documented object with its parsed docstring."""

    document: Document
    config: Extract

    @property
    def kind(self) -> str:
        """`module`, `class`, `function`, `method` or `attribute`."""
        return self.document.source.partition(" ")[0]

    @property
    def name(self) -> str:
        return self.document.title

    @property
    def call(self) -> str:
        return short_call(self.name, self.document.signature, self.config.max_signature_characters, method=self.kind == "method")

    @cached_property
    def sections(self) -> dict[str, Section]:
        names = Names.of(self.name, self.document.signature)
        found = sections_of(self.document.text, self.name.rpartition(".")[2], names.marked)
        return {s.name: s for s in found if not _EMPTY.fullmatch("".join(line.text for line in s.lines))}

    def question(self, key: str, **values: str) -> str:
        return api_question(key, self.document.id, name=self.name, call=self.call, **values)

    def draft(self, kind: str, answer: str, section: Section, key: str = "") -> Iterator[Draft]:
        """One draft, if there is an answer."""
        if answer:
            yield Draft(kind, self.question(key or kind), answer, section.start, section.end)


def drafts(document: Document, config: Extract) -> Drafts:
    """An overview where there is more than a description, and up to `questions_per_object` questions in all."""
    thing = ApiObject(document, config)
    if not thing.sections:
        yield Drop("a docstring without text")
        return
    found = [draft for rule in _RULES for draft in rule(thing)]
    overviews = [draft for draft in found if draft.kind == "overview"]
    others = sorted((d for d in found if d.kind != "overview"), key=lambda d: sha256_text(document.id + d.kind + d.question))
    room = config.questions_per_object - len(overviews)
    yield from [*overviews, *others[:room]]
    yield from [Drop(f"more than {config.questions_per_object} questions about one object")] * len(others[room:])


def lead(blocks: list[Block], *, followed: bool = False) -> list[Block]:
    """The same blocks with the first sentence in bold when more follows it, and with a full stop or colon when it lacks one.

    Args:
        followed: more follows in any case, from elsewhere.
    """
    if not blocks or blocks[0].kind != "paragraph":
        return blocks
    first = blocks[0]
    announces = len(blocks) > 1 and blocks[1].kind != "paragraph"
    text = first.text if first.text.endswith((".", ":", "!", "?", ")")) else first.text + (":" if announces else ".")
    sentence = first_sentence(text)
    alone = len(blocks) == 1 and sentence == text and not followed
    if alone or "*" in sentence or sentence.endswith(":") or sentence.count("`") % 2:
        return [Block(first.kind, text, first.start, first.end), *blocks[1:]]
    return [Block(first.kind, f"**{sentence}**{text[len(sentence) :]}", first.start, first.end), *blocks[1:]]


def bullet(item: Item, *, short: bool = False) -> str:
    """`- **name** (type): text`, with only the first sentence of the text when it is to be short."""
    head = f"- {label(item.name)}" + (f" ({type_of(item.type)})" if item.type else "")
    paragraph = item.blocks[0].text if item.blocks and item.blocks[0].kind == "paragraph" else ""
    if short:
        sentence = first_sentence(paragraph)
        return f"{head}: {sentence}" if sentence and not sentence.endswith(":") else head
    body = "\n".join("  " + line if line else "" for line in join(item.blocks).split("\n")).strip()
    return (f"{head}: {body}" if paragraph else f"{head}:\n\n  {body}") if body else head


def type_of(text: str) -> str:
    """A type as prose when it is plain words, as code when it has a spelling of its own (`{'C', 'F'}`)."""
    if "`" in text:
        return to_markdown(text)
    body, optional = re.fullmatch(r"(.*?)((?:, optional)?\.?)", text.strip().rstrip(":")).groups()  # type: ignore[union-attr]
    return (body if re.fullmatch(r"[\w ,.-]+", body) and "__" not in body else code(body)) + optional.rstrip(".")


def _definition(thing: ApiObject) -> Iterator[Draft]:
    section = thing.sections.get(DESCRIPTION)
    if section:
        blocks = section.blocks
        titled = blocks and blocks[0].kind == "heading"  # of the whole text: the question says as much
        answer = without_dangling(join(lead(blocks[1:] if titled else blocks)))
        yield from thing.draft("definition", answer, section, _DEFINITIONS.get(thing.kind, "definition"))


def _overview(thing: ApiObject) -> Iterator[Draft]:
    """Summary, parameters in short, return value and a first example, as much as the limit allows."""
    section = thing.sections.get(DESCRIPTION)
    parts = [part for build in (_short_parameters, _short_returns, _short_example) if (part := build(thing))]
    if section is None or len(parts) < 2:
        return
    answer = cut(join(lead(section.blocks[:1], followed=True)), thing.config.max_answer_characters)
    for name, text in parts:
        room = thing.config.max_answer_characters - len(answer) - len("\n\n****\n\n") - len(name)
        fitting = leading_examples(text, room) if name == "Example" else _fitting_items(text, room)
        if fitting:
            answer += f"\n\n**{name}**\n\n{fitting}"
    if answer.count("\n\n**") > 1:
        used = [section, *(s for s in thing.sections.values() if s.name in ("parameters", "returns", "examples"))]
        yield Draft("overview", thing.question("overview"), answer, min(s.start for s in used), max(s.end for s in used))


def _fitting_items(text: str, room: int) -> str:
    """All of a short list; a list that does not fit whole is left out rather than shortened without a word."""
    return text if len(text) <= room else ""


def _short_parameters(thing: ApiObject) -> tuple[str, str] | None:
    section = thing.sections.get("parameters")
    items = section.items if section else []
    return ("Parameters", "\n".join(bullet(item, short=True) for item in items)) if items else None


def _short_returns(thing: ApiObject) -> tuple[str, str] | None:
    section = thing.sections.get("returns")
    items = section.items if section else []
    if items:
        return "Returns", "\n".join(bullet(item, short=True) for item in items)
    blocks = section.blocks if section else []
    sentence = first_sentence(blocks[0].text) if blocks and blocks[0].kind == "paragraph" else ""
    return ("Returns", sentence) if sentence and not sentence.endswith(":") else None


def _short_example(thing: ApiObject) -> tuple[str, str] | None:
    section = thing.sections.get("examples")
    example = first_example(section.blocks, thing.name.rpartition(".")[2]) if section else ""
    return ("Example", example) if example else None


def _list_rule(kind: str, section_name: str, intro: str) -> Callable[[ApiObject], Iterator[Draft]]:
    """A rule that turns a list section into an announced list, and prose in its place into paragraphs."""

    def rule(thing: ApiObject) -> Iterator[Draft]:
        section = thing.sections.get(section_name)
        if section is None:
            return
        items = section.items
        body = "\n".join(bullet(item) for item in items)
        answer = f"{intro.format(name=code(thing.name))}\n\n{body}" if items else join(section.blocks)
        yield from thing.draft(kind, answer, section)

    return rule


def _example(thing: ApiObject) -> Iterator[Draft]:
    section = thing.sections.get("examples")
    blocks = section.blocks if section else []
    intro = f"Example of {code(thing.name)}:\n\n" if blocks and blocks[0].kind == "code" else ""
    body = leading_examples(join(blocks), thing.config.max_answer_characters - len(intro))
    if section and "```" in body:
        meta = {} if body == join(blocks) else {"cut": True}
        yield Draft("example", thing.question("example"), intro + body, section.start, section.end, meta=meta)


def _notes(thing: ApiObject) -> Iterator[Draft]:
    section = thing.sections.get("notes")
    if section:
        yield from thing.draft("notes", join(lead(section.blocks)), section)


def _related(thing: ApiObject) -> Iterator[Draft]:
    section = thing.sections.get("related")
    items = related_of(section) if section else []
    if section and len(items) > 1:
        answer = f"Related to {code(thing.name)}:\n\n" + "\n".join(f"- `{i.name}`: {i.blocks[0].text}" for i in items)
        yield from thing.draft("related", answer, section)


def _parts(thing: ApiObject) -> Iterator[Draft]:
    """Sections of a module's own making: what stands under each heading of its description."""
    section = thing.sections.get(DESCRIPTION)
    blocks = section.blocks if section else []
    heads = [number for number, block in enumerate(blocks) if block.kind == "heading"]
    for head, following in zip(heads, [*heads, len(blocks)][1:], strict=True):
        body = blocks[head + 1 : following]
        if body and head:
            question = thing.question("section", title=blocks[head].text.lstrip("# "))
            yield Draft("section", question, join(lead(body)), blocks[head].start, body[-1].end)


_RULES: tuple[Callable[[ApiObject], Iterator[Draft]], ...] = (
    _overview,
    _definition,
    _list_rule("parameters", "parameters", "{name} takes these parameters:"),
    _list_rule("returns", "returns", "{name} returns:"),
    _list_rule("yields", "yields", "{name} yields:"),
    _list_rule("raises", "raises", "{name} raises:"),
    _list_rule("attributes", "attributes", "{name} has these attributes:"),
    _example,
    _notes,
    _related,
    _parts,
)
