"""Questions that stand in a text as questions: `Q:` / `A:`, bold lines, numbered questions, items of a list."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from gradus.extract.block import Block
from gradus.extract.headings import plain
from gradus.extract.markdown import BOLD_LINE, items_of

_MARK = r"(?:\s*\d+)?\s*(?:[:.)]|\s[-–](?=\s))"
_ASK = re.compile(rf"(?:\*\*|__)?(?:Q|Question|Frage){_MARK}\s*(?:\*\*|__)?\s*(.*)", re.IGNORECASE | re.DOTALL)
_ANSWER = re.compile(rf"(?:\*\*|__)?(?:A|Answer|Antwort){_MARK}\s*(\*\*|__)?(?=\s|$)\s*(.*)", re.IGNORECASE | re.DOTALL)
_EMPHASISED = re.compile(r"(?:\d+[.)]\s+)?(\*\*|__|\*|_)(?=\S)((?:(?!\1).){3,300}?\?)\1?\s*:?(?:\1)?(?:\s+|$)(.*)", re.DOTALL)
_ASKING = re.compile(
    r"(?:(?:who|whom|whose|what|which|when|where|why|how|is|are|am|was|were|do|does|did|can|could|may|might|must|shall|should|will|would|has|have)\b"
    r"|(?:if|in|on|for|to|at|with|from) (?:[\w'’]+[ ,]+){0,8}?(?:who|what|which|when|where|why|how|is|are|do|does|can|should|will)\b)"
    r"|(?:wer|wen|wem|was|wie|wo|wohin|woher|wann|warum|wieso|weshalb|wozu|welche[rsnm]?|kann|können|muss|müssen|darf|dürfen|ist|sind|gibt|habe|hat|haben|soll|sollte|wird|werden)\b",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"((?:\d+[.)]\s+)?[^\n.!?]{8,160}(?:\n[^\n.!?]{1,160})?\?)[ \t]*(?:\n(.*))?", re.DOTALL)


@dataclass(frozen=True)
class Pair:
    """A question, the blocks of its answer and the span of both."""

    question: str
    answer: list[Block]
    start: int
    end: int


@dataclass(frozen=True)
class _Ask:
    question: str
    rest: str
    """What follows the question in its own paragraph."""
    needs_answer: bool
    """Only an `A:` below makes it a question: `Q:` alone may be anything."""


def pairs_of(blocks: list[Block], *, plain_lines: bool = False) -> tuple[list[Block], list[Pair]]:
    """The blocks before the first question, and all pairs in order; an answer goes to the next question or the end.

    Args:
        plain_lines: a line that is one question without any mark counts, too (for pages that are known to be an FAQ).
    """
    blocks = [part for block in blocks for piece in _opened(block, plain_lines) for part in _split(piece)]
    asks = [(n, ask) for n, block in enumerate(blocks) if (ask := _asked(block, plain_lines))]
    ends = [*(n for n, _ in asks), len(blocks)][1:]
    found = [_pair(blocks[n:end], ask) for (n, ask), end in zip(asks, ends, strict=True)]
    pairs = [pair for pair in found if pair is not None]
    first = next((n for (n, _), pair in zip(asks, found, strict=True) if pair is not None), len(blocks))
    return blocks[:first], pairs


def plain_questions(blocks: list[Block]) -> int:
    """How many paragraphs are, or begin with, a line that asks, with something after it."""
    following = [*blocks, None][1:]
    return sum(
        bool(block.kind == "paragraph" and (ask := _plain_ask(block.text)) and (ask.rest or after and after.kind != "heading"))
        for block, after in zip(blocks, following, strict=True)
    )


def without_answer_mark(text: str) -> str:
    """A text without the `A:` that it may begin with."""
    match = _ANSWER.fullmatch(text)
    return match[2] if match else text


def asks(text: str) -> bool:
    """Whether a text begins like a question."""
    return bool(_ASKING.match(text))


def _opened(block: Block, plain_lines: bool) -> list[Block]:
    """The blocks of a list's items where every item asks something, else the block itself."""
    if block.kind != "list":
        return [block]
    items = [inner for _, inner in items_of(block) if inner]
    return [b for inner in items for b in _marked(inner)] if items and all(_item_asks(inner, plain_lines) for inner in items) else [block]


def _marked(inner: list[Block]) -> list[Block]:
    """An item whose first line asks without any mark, with that line in bold."""
    first = inner[0]
    ask = _plain_ask(first.text) if first.kind == "paragraph" and _asked(first, False) is None else None
    return [replace(first, text=f"**{ask.question}** {ask.rest}".strip()), *inner[1:]] if ask else inner


def _item_asks(inner: list[Block], plain_lines: bool) -> bool:
    first = inner[0]
    if first.kind == "heading":
        return first.level == BOLD_LINE and plain_lines and asks(plain(first.text)) and len(inner) > 1
    ask = _asked(first, True)
    marked = _asked(first, False) is not None
    return ask is not None and (marked or asks(ask.question) and bool(ask.rest or len(inner) > 1))


def _split(block: Block) -> list[Block]:
    """A paragraph at its lines that begin with `Q:` or `A:`."""
    if block.kind != "paragraph" or "\n" not in block.text:
        return [block]
    lines = block.text.split("\n")
    if not (_ASK.match(lines[0]) or _ANSWER.match(lines[0]) or any(_ASK.match(line) for line in lines)):
        return [block]
    marks = [0, *(n for n, line in enumerate(lines) if n and (_ASK.match(line.strip()) or _ANSWER.match(line.strip())))]
    parts, position = [], block.start
    for start, end in zip(marks, [*marks, len(lines)][1:], strict=True):
        text = "\n".join(lines[start:end])
        parts.append(replace(block, text=text.strip(), start=min(position, block.end), end=min(position + len(text), block.end)))
        position += len(text) + 1
    return parts


def _asked(block: Block, plain_lines: bool) -> _Ask | None:
    if block.kind != "paragraph":
        return None
    text = block.text.strip()
    if match := _EMPHASISED.fullmatch(text):
        return _Ask(plain(match[2]), match[3].strip(), False)
    if match := _ASK.fullmatch(text):
        return _Ask(plain(match[1]), "", True)
    return _plain_ask(text) if plain_lines else None


def _plain_ask(text: str) -> _Ask | None:
    match = _PLAIN.fullmatch(text.strip())
    question = plain(match[1]) if match else ""
    return _Ask(question, (match[2] or "").strip(), False) if match and asks(question) else None


def _pair(blocks: list[Block], ask: _Ask) -> Pair | None:
    """The question may run on up to `A:`; a question that is marked as one needs no `A:`."""
    at = next((n for n, block in enumerate(blocks) if n and block.kind == "paragraph" and _ANSWER.fullmatch(block.text)), None)
    if ask.needs_answer and at is None:
        return _unmarked(blocks, ask)
    head = blocks[0]
    if at is not None and (at == 1 or ask.needs_answer) and not ask.rest:
        question = [ask.question, *(plain(block.text) for block in blocks[1:at])]
        body = [replace(blocks[at], text=without_answer_mark(blocks[at].text).strip()), *blocks[at + 1 :]]
    else:
        question = [ask.question]
        rest = without_answer_mark(ask.rest)
        body = [*([replace(head, text=rest)] if rest else []), *blocks[1:]]
    body = [block for block in body if block.text.strip()]
    last = blocks[-1] if len(blocks) > 1 else head
    return Pair(" ".join(filter(None, question)), body, head.start, max(head.end, last.end))


def _unmarked(blocks: list[Block], ask: _Ask) -> Pair | None:
    """`Q: …?` with the answer below it but without `A:`."""
    question, found, rest = ask.question.partition("?")
    body = [*([replace(blocks[0], text=rest.strip())] if rest.strip() else []), *blocks[1:]]
    return Pair(question + "?", body, blocks[0].start, blocks[-1].end) if found and body else None
