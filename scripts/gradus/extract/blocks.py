"""Blocks of reStructuredText, as docstrings use it, as Markdown blocks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice

from gradus.extract.block import Block, Kind, item
from gradus.extract.code import as_code, is_python, looks_like_code, looks_like_prose, looks_like_table, may_be_python
from gradus.extract.directives import LANGUAGES, directive
from gradus.extract.inline import joined, label, to_markdown
from gradus.extract.lines import Line, dedent, indented_run, lines_of, raw, strip_blank
from gradus.extract.tables import simple_table


@dataclass(frozen=True)
class Dialect:
    """Habits of a family of texts."""

    topic: bool = False
    """pydoc's topics: `"x"` stands for a literal, and a signature stands alone above its indented description."""


DOCSTRING = Dialect()
TOPIC = Dialect(topic=True)

_BULLET = re.compile(r"([-*+•])( {1,3})(?=\S)")
_INTERRUPTS = re.compile(r"[-*•] {1,3}\S")
_CITATION = re.compile(r"\[\d+\]:? \S")
_NUMBER = re.compile(r"(?:(\d{1,2}|#)[.)]|\((\d{1,2}|[a-z])\)|[a-z]\))(\s+)(?=\S)")
_UNDERLINE = re.compile(r"([=\-~^\"*+#])\1{2,}")
_DIRECTIVE = re.compile(r"\.\.(?:\s+|$)(?:([\w:-]+)::\s*(.*))?")
_FENCE = re.compile(r"(`{3,}|~{3,})\s*(?:\{?\.?([\w+-]*)\}?)[^`]*")
_NOT_A_PARAGRAPH = re.compile(r"(#{1,6}\s|>|[-+*]\s|\d{1,2}[.)]\s|~~~|```)")
_TERM = re.compile(r"\S+( \S+){0,3}|[\w.]+\(.{0,60}\)|[\w*, ]{1,40} : .{1,60}")
_ENTRY = re.compile(r"(\d{1,3}|\*{0,2}[A-Za-z_][\w.]*(?:\([^()]*\))?)(?::| --?>| --| -) +(?=\S)")
SIGNATURE = re.compile(r"(?:class |classmethod |staticmethod |async )?[\w.]+\(.*\)")
"""A line of pydoc's topics that introduces a function, method or class."""
_FIELD = re.compile(r":(param|parameter|arg|argument|keyword|type|returns?|rtype|raises?|except|exception)\b ?([^:`]*): ?(.*)")
_SEE = re.compile(r"(see also|references?|changed in version|new in version)\b.{0,12}:", re.IGNORECASE)


_DEEPEST = 12
"""Lists and indented blocks nested deeper than this are read as plain paragraphs."""
_LONGEST_LISTING = 100
"""Lines of unindented code without a blank line that are still tried as Python."""


def parse(lines: list[Line], dialect: Dialect = DOCSTRING, depth: int = 0) -> list[Block]:
    """All blocks of dedented lines, in order; `depth` counts the lists and indented blocks around them."""
    return _Parser(dedent(lines), dialect, depth).run()


def parse_text(text: str, dialect: Dialect = DOCSTRING) -> list[Block]:
    """All blocks of a text."""
    return parse(lines_of(text), dialect)


def parse_loose(head: Line, rest: list[Line], dialect: Dialect = DOCSTRING, depth: int = 0) -> list[Block]:
    """Blocks of a text whose first line stands apart (beside a bullet, after a colon) from the indented rest."""
    return _Parser([head, *dedent(rest)], dialect, depth).run()


class _Parser:
    """Reads block after block from one list of lines."""

    def __init__(self, lines: list[Line], dialect: Dialect, depth: int) -> None:
        self._lines = lines
        self._depth = depth
        self._dialect = dialect
        self._at = 0
        self._blocks: list[Block] = []
        self._styles: list[str] = []

    def run(self) -> list[Block]:
        readers: tuple[Callable[[], bool], ...] = (
            self._fence, self._quote, self._indented, self._doctest,
            self._directive, self._table, self._heading, self._bullet, self._field, self._paragraph,
        )  # fmt: skip
        if self._depth > _DEEPEST:
            readers = (self._flat,)
        while self._at < len(self._lines):
            if self._line.blank:
                self._at += 1
            else:
                next(reader for reader in readers if reader())
        return self._blocks

    def _flat(self) -> bool:
        """Lines up to the next blank one as a plain paragraph."""
        lines = self._take(self._until_blank())
        self._add("paragraph", self._inline(joined([line.text for line in lines])), lines)
        return True

    def _parse(self, lines: list[Line]) -> list[Block]:
        return parse(lines, self._dialect, self._depth + 1)

    def _parse_loose(self, head: Line, rest: list[Line]) -> list[Block]:
        return parse_loose(head, rest, self._dialect, self._depth + 1)

    @property
    def _line(self) -> Line:
        return self._lines[self._at]

    def _take(self, end: int) -> list[Line]:
        taken, self._at = self._lines[self._at : end], end
        return taken

    def _add(self, kind: Kind, text: str, lines: list[Line], level: int = 0) -> None:
        if text.strip():
            self._blocks.append(Block(kind, text, lines[0].start, lines[-1].end, level))

    def _inline(self, text: str) -> str:
        text = to_markdown(text, quotes_are_code=self._dialect.topic)
        return "\\" + text if _NOT_A_PARAGRAPH.match(text) and not text.startswith("```") else text

    def _indented(self) -> bool:
        """An indented block that no `::` announced: code when it reads like code, else the blocks that it holds."""
        if self._line.indent == 0:
            return False
        lines = self._take(indented_run(self._lines, self._at))
        if looks_like_code(raw(lines)) or (self._announced() and not looks_like_prose(raw(lines))):
            self._add("code", as_code(raw(lines)), lines)
        else:
            self._blocks += self._parse(lines)
        return True

    def _fence(self) -> bool:
        """Fenced code, as docstrings written in Markdown have it, byte for byte."""
        match = _FENCE.fullmatch(self._line.text)
        if not match:
            return False
        at = self._at
        end = next(
            (i for i in range(at + 1, len(self._lines)) if re.fullmatch(rf"{match[1][0]}{{{len(match[1])},}}\s*", self._lines[i].text)),
            len(self._lines),
        )
        lines = self._take(min(end + 1, len(self._lines)))
        text = "\n".join(line.text for line in lines[1 : end - at])
        self._add("code", as_code(text, LANGUAGES.get(match[2], match[2])) if text.strip() else "", lines)
        return True

    def _quote(self) -> bool:
        """A Markdown quote as its text, a call-out (`> [!WARNING]`) with a label."""
        if not re.match(r">(?!>)", self._line.text):
            return False
        end = next((i for i in range(self._at, len(self._lines)) if not self._lines[i].text.startswith(">")), len(self._lines))
        lines = self._take(end)
        inner = [replace(line, text=re.sub(r"^> ?", "", line.text)) for line in lines]
        label_ = re.fullmatch(r"\[!(\w+)\]\s*", inner[0].text)
        blocks = self._parse(inner[1:] if label_ else inner)
        if label_ and blocks and blocks[0].kind == "paragraph":
            blocks[0] = replace(blocks[0], text=f"**{label_[1].capitalize()}:** {blocks[0].text}")
        self._blocks += blocks
        return True

    def _doctest(self) -> bool:
        if not self._line.text.startswith(">>>"):
            return False
        end = self._until_blank()
        lines = self._take(end)
        self._add("code", as_code(raw(lines), "python"), lines)
        return True

    def _until_blank(self, most: int | None = None) -> int:
        """Index of the next blank line or the end; after `most` lines at the latest."""
        end = len(self._lines) if most is None else min(self._at + most, len(self._lines))
        return next((i for i in range(self._at, end) if self._lines[i].blank), end)

    def _directive(self) -> bool:
        match = _DIRECTIVE.match(self._line.text)
        if not match:
            return False
        first = self._line
        self._at += 1
        body = self._take(indented_run(self._lines, self._at))
        self._blocks += directive(match[1] or "", match[2] or "", [first, *body], self._parse)
        return True

    def _table(self) -> bool:
        text = self._line.text
        if re.fullmatch(r"=+( +=+)+ *", text):
            below = range(self._at + 1, len(self._lines))
            rules = list(islice((i for i in below if re.fullmatch(r"=+( +=+)+ *", self._lines[i].text)), 2))
            end = (rules[1] if len(rules) > 1 else rules[0] if rules else self._at) + 1
        elif re.fullmatch(r"\+[-=+]+\+", text):
            end = self._until_blank()
        else:
            return False
        lines = self._take(end)
        table = simple_table(lines, self._inline)
        self._add("table" if table else "code", table or as_code(raw(lines), "text"), lines)
        return True

    def _heading(self) -> bool:
        over = _UNDERLINE.fullmatch(self._line.text)
        at = self._at + (1 if over else 0)
        if at + 1 >= len(self._lines):
            if over:
                self._at += 1  # a rule at the end: nothing to show
            return bool(over)
        title, under = self._lines[at], _UNDERLINE.fullmatch(self._lines[at + 1].text)
        if not under or title.blank or title.indent and not over or len(under[0]) + 3 < len(title.text):
            if over:
                self._at += 1
            return bool(over)
        style = ("over" if over else "") + under[1]
        if style not in self._styles:
            self._styles.append(style)
        lines = self._take(at + 2)
        level = self._styles.index(style) + 1
        self._add("heading", f"{'#' * min(level + 2, 6)} {self._inline(title.text.strip().rstrip(':'))}", lines, level)
        return True

    def _bullet(self) -> bool:
        match = _BULLET.match(self._line.text) or _NUMBER.match(self._line.text)
        if not match:
            return False
        first = self._line
        end = self._at + 1
        while end < len(self._lines) and self._continues(self._lines[end]):
            end += 1  # the lazy or hanging rest of the item's first paragraph
        end = max(end, indented_run(self._lines, end, 1))
        lines = self._take(end)
        head = replace(first, text=first.text[match.end() :], start=first.start + match.end())
        name, head = self._named(head, len(lines) > 1)
        number = match[1] if match[1] and match[1].isdigit() else ""
        self._add("item", item(self._parse_loose(head, lines[1:]), f"{number}. " if number else "- ", name), lines)
        return True

    def _named(self, head: Line, more: bool) -> tuple[str, Line]:
        """A bold label when an item begins with `name -- text` or has `name : type` above its text, and the rest of the line."""
        typed = re.fullmatch(r"([a-z_]\w*)(?: : (\w[^.]{0,40}))?", head.text) if more else None
        if typed:
            kind = f" ({self._inline(typed[2])})" if typed[2] else ""
            return f"{label(typed[1])}{kind}: ", replace(head, text="", start=head.end)
        match = _ENTRY.match(head.text)
        if not match or (match[0].rstrip().endswith(":") and not re.search(r"[_.(]", match[1])):
            return "", head
        return f"{label(match[1])}: ", replace(head, text=head.text[match.end() :], start=head.start + match.end())

    def _continues(self, line: Line) -> bool:
        opens = any(pattern.match(line.text) for pattern in (_INTERRUPTS, _FIELD, _NUMBER))
        return not (line.blank or opens or line.text.startswith((">>>", ".. ", "```")))

    def _paragraph(self) -> bool:
        if self._code_without_indent():
            return True
        end = self._at + 1
        while end < len(self._lines) and self._continues(self._lines[end]) and self._lines[end].indent == 0:
            if end + 1 < len(self._lines) and _UNDERLINE.fullmatch(self._lines[end + 1].text) and len(self._lines[end].text) > 2:
                break
            if self._lines[end - 1].text.endswith(":") and _ENTRY.match(self._lines[end].text):
                break
            end += 1
        if self._entries(end):
            return True
        lines = self._take(end)
        if self._dialect.topic and self._signatures(lines):
            return True
        if self._hangs() and len(lines) == 1 and self._defines(lines[0].text):
            self._definition(lines[0])
        else:
            self._prose(lines)
        return True

    def _code_without_indent(self) -> bool:
        """Lines up to the next blank one that are Python together; a single line only after an announcing colon."""
        end = self._until_blank(_LONGEST_LISTING + 1)
        if end - self._at > _LONGEST_LISTING:
            return False
        text = raw(self._lines[self._at : end])
        if (end - self._at == 1 and not self._announced()) or not may_be_python(text) or not is_python(text):
            return False
        lines = self._take(end)
        self._add("code", as_code(text, "python"), lines)
        return True

    def _announced(self) -> bool:
        """Whether the paragraph above ends with a colon."""
        return bool(self._blocks) and self._blocks[-1].kind == "paragraph" and self._blocks[-1].text.endswith(":")

    def _field(self) -> bool:
        """Sphinx's `:param name: text` becomes a list item, `:returns: text` a sentence; types alone say too little."""
        match = _FIELD.match(self._line.text)
        if not match:
            return False
        first = self._line
        self._at += 1
        lines = [first, *(self._take(indented_run(self._lines, self._at)) if self._hangs() else [])]
        text = self._inline(joined([match[3], *(line.text for line in lines[1:])]))
        if match[1].startswith("return") and text:
            self._add("paragraph", f"**Returns:** {text}", lines)
        elif match[2] and text and "type" not in match[1]:
            self._add("item", f"- {label(match[2].split()[-1])}: {text}", lines)
        return True

    def _signatures(self, lines: list[Line]) -> bool:
        """Signatures above an indented description become one list item."""
        body = indented_run(self._lines, self._at)
        if body == self._at or not all(SIGNATURE.fullmatch(line.text.strip()) for line in lines):
            return False
        blocks = self._parse(self._take(body))
        names = ", ".join(label(line.text.strip()) for line in lines)
        self._blocks.append(Block("item", item(blocks, "- ", f"{names}: "), lines[0].start, blocks[-1].end if blocks else lines[-1].end))
        return True

    def _hangs(self) -> bool:
        """Whether indented text follows at once, without a blank line."""
        return self._at < len(self._lines) and not self._line.blank and self._line.indent > 0

    def _entries(self, end: int) -> bool:
        """`name: text` or `name -- text`, line after line or with its text hanging below: a list of names."""
        lines = self._lines[self._at : end]
        hanging = end < len(self._lines) and not self._lines[end].blank and self._lines[end].indent > 0
        named = [_ENTRY.match(line.text) for line in lines]
        goes_on = self._in_entries() and (hanging or not self._lines[self._at - 1].blank)
        alone = len(lines) == 1 and (goes_on or "(" in (named[0][1] if named[0] else ""))
        if not all(named) or not (len(lines) > 1 or alone or hanging and self._next_is_entry(end)):
            return False
        for match in named:
            assert match is not None
            line = self._line
            self._at += 1
            more = self._take(indented_run(self._lines, self._at)) if self._hangs() else []
            head = replace(line, text=line.text[match.end() :], start=line.start + match.end())
            self._add("item", item(self._parse_loose(head, more), "- ", f"{label(match[1])}: "), [line, *more])
        return True

    def _in_entries(self) -> bool:
        return bool(self._blocks) and self._blocks[-1].kind == "item" and self._blocks[-1].text.startswith("- **")

    def _next_is_entry(self, end: int) -> bool:
        after = indented_run(self._lines, end)
        return after < len(self._lines) and bool(_ENTRY.match(self._lines[after].text))

    def _defines(self, term: str) -> bool:
        return bool(_TERM.fullmatch(term)) and not term.endswith((".", "::", ",", ";"))

    def _definition(self, term: Line) -> None:
        """A definition list entry, `term` with its indented text at once below, becomes a list item."""
        lines = [term, *self._take(indented_run(self._lines, self._at))]
        body = strip_blank(dedent(lines[1:]))
        name = term.text.rstrip(":").strip()
        if term.text.endswith(":") and looks_like_code(raw(body)):
            self._add("paragraph", self._inline(term.text), [term])
            self._add("code", as_code(raw(body)), body)
            return
        self._add("item", item(self._parse(body), "- ", f"{self._label(name)}: "), lines)

    def _label(self, name: str) -> str:
        if re.fullmatch(r"[\w.*]+(\(.*\))?", name):
            return label(name)
        text = self._inline(name)
        return text if "*" in text else f"**{text}**"

    def _prose(self, lines: list[Line]) -> None:
        text = joined([line.text for line in lines])
        literal = text.endswith("::")
        if not literal and not text.endswith(":") and self._hangs():
            ends = (i for i in range(self._at, len(self._lines)) if self._lines[i].blank or self._lines[i].indent == 0)
            lines = [*lines, *self._take(next(ends, len(self._lines)))]
            text = joined([line.text for line in lines])
        if len(lines) > 1 and looks_like_table([line.text for line in lines]):
            self._add("code", as_code(raw(lines)), lines)
            return
        if literal:
            text = text[:-2].rstrip() + (":" if text[:-2].strip() and not text.endswith(" ::") else "")
        if text and not _CITATION.match(text) and not (self._dialect.topic and _SEE.match(text)):
            self._add("paragraph", self._inline(text), lines)
        if literal:
            self._literal()

    def _literal(self) -> None:
        at = next((i for i in range(self._at, len(self._lines)) if not self._lines[i].blank), len(self._lines))
        if at < len(self._lines) and self._lines[at].indent > 0:
            self._at = at
            lines = self._take(indented_run(self._lines, at))
            self._add("code", as_code(raw(lines)), lines)
