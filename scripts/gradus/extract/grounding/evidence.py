"""A text as evidence: its sentences, list items and table rows with their words, and how rare each word is in it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from gradus.extract.grounding.quotes import Folded, folded
from gradus.extract.grounding.sentences import sentence_starts
from gradus.extract.grounding.words import Term, terms_of

_GAP = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+•]|\d{1,3}[.)])\s)|\n(?=\s*\|)|\n(?=\s*>>>)|(?<=\|)\n|\n(?= {0,3}#{1,6}\s)|$")
_NEW_BLOCK = re.compile(r"\n\s*\n|\n\s*[-*+|>#]")
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.*)", re.MULTILINE)
_JOINTS = re.compile(r"[_.=()\[\]{}<>/\\\"'|*#-]+")
_PHRASE = re.compile(r"[\w-]+(?: [\w-]+)+")
_PROMPT = re.compile(r"^[ \t]*(?:>>>|\.\.\.|\$)(?: |$)", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n\s*\n")
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True)
class Unit:
    """A sentence, list item or table row: `text` (without backticks) is at `start:end` of the evidence."""

    text: str
    start: int
    end: int
    terms: tuple[Term, ...]
    stems: frozenset[str]

    def holds(self, term: Term) -> bool:
        """Whether the term stands in here; a code span as it is written, up to blanks, a phrase in one word by word."""
        if not term.code:
            return term.stem in self.stems
        pieces = re.findall(r"\w+|[^\w\s]", term.code)
        if re.search(r"(?<!\w)" + r"\s*".join(map(re.escape, pieces)) + r"(?!\w)", self.text):
            return True
        return bool(_PHRASE.fullmatch(term.code)) and all(word.stem in self.stems for word in terms_of(term.code))


@dataclass(frozen=True)
class Evidence:
    """A text that answers are checked against, and its `context`: title and headings above, whose words count everywhere."""

    text: str
    context: str = ""

    @cached_property
    def units(self) -> list[Unit]:
        return [_unit(self.text[start:end], start, end) for start, end in _ranges(self.text)]

    @cached_property
    def around(self) -> Unit:
        """The context and the headings of the text."""
        text = "\n".join([self.context, *_HEADING.findall(self.text)])
        return _unit(text, 0, 0)

    @cached_property
    def names(self) -> frozenset[str]:
        """Stems of what is written as a name or identifier anywhere in the text."""
        return frozenset(term.stem for unit in self.units for term in unit.terms if term.hard)

    @cached_property
    def _frequency(self) -> Counter[str]:
        return Counter(stem for unit in self.units for stem in unit.stems)

    @cached_property
    def _folded(self) -> Folded:
        return folded(self.text)

    @cached_property
    def _code(self) -> str:
        return without_blanks(self.text)

    def weight(self, term: Term) -> float:
        """1 + ln((1 + n) / (1 + n_t)): inverse document frequency over the units; 1 for a word that is in all of them."""
        return 1 + math.log((1 + len(self.units)) / (1 + self._frequency[term.stem]))

    def verbatim(self, statement: str) -> tuple[int, int] | None:
        """Where the statement stands in the text as it is, up to markup and blanks, from the beginning of a clause on."""
        wanted, source = folded(statement).text.strip(), self._folded
        at = source.text.find(wanted) if wanted else -1
        before = source.text[: max(at, 0)].rstrip()
        gap = self.text[source.offsets[len(before) - 1] + 1 : source.offsets[at]] if before else "\n\n"
        if at < 0 or (before[-1:].isalnum() and not _NEW_BLOCK.search(gap)):
            return None
        return source.range_of(at, at + len(wanted))

    def holds_code(self, code: str) -> bool:
        """Whether code stands in the text, up to blanks and prompts; what blank lines part may stand in different places."""
        return all(without_blanks(piece) in self._code for piece in _BLANK_LINES.split(code))


def without_blanks(code: str) -> str:
    """Code without blanks and prompts (`>>>`, `...`, `$`), by which it is compared."""
    return _BLANKS.sub("", _PROMPT.sub("", code))


def _ranges(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for gap in _GAP.finditer(text):
        places = [0, *sentence_starts(text[at : gap.start()]), gap.start() - at]
        for start, end in pairwise(places):
            piece = text[at + start : at + end]
            if piece.strip():
                first = at + start + len(piece) - len(piece.lstrip())
                yield first, first + len(piece.strip())
        at = gap.end()


def _unit(text: str, start: int, end: int) -> Unit:
    plain = text.replace("`", " ")
    terms = tuple(terms_of(text))
    # The words inside of names count too: an answer may name in prose what the text has in code.
    inner = (*terms_of(plain), *terms_of(_JOINTS.sub(" ", plain)))
    return Unit(plain, start, end, terms, frozenset(term.stem for term in (*terms, *inner)))
