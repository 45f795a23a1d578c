"""A document in chunks for the teacher: along its headings where they fit, else at blocks and sentences with overlap."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from gradus.extract.teaching.outline import Outline, Section, outline_of_markdown, outline_of_text

Count = Callable[[str], int]
"""Number of tokens of a text."""
_Range = tuple[int, int, tuple[str, ...]]


@dataclass(frozen=True)
class Chunk:
    """`text` is exactly `document.text[start:end]`; `headings` are those above it that do not stand in it, outermost first."""

    text: str
    start: int
    end: int
    headings: tuple[str, ...]
    tokens: int


@dataclass(frozen=True)
class Chunker:
    """How to cut one text.

    A section that fits is never cut, and small neighbours under one heading share a chunk. A section that does not fit
    is cut at a block or list item, else at a sentence, and its chunks overlap by whole sentences. Code and tables stay
    whole, even where one alone is larger than `chunk_tokens`.
    """

    text: str
    outline: Outline
    chunk_tokens: int
    overlap_tokens: int
    count: Count

    def chunks(self) -> Iterator[Chunk]:
        """The chunks in order; what holds nothing but headings is left out."""
        for start, end, headings in self._pieces(self.outline.root, ()):
            start += len(self.text[start:end]) - len(self.text[start:end].lstrip())
            text = self.text[start:end].rstrip()
            if text:
                yield Chunk(text, start, start + len(text), headings, self.count(text))

    def _fits(self, start: int, end: int) -> bool:
        return self.count(self.text[start:end].strip()) <= self.chunk_tokens

    def _pieces(self, section: Section, above: tuple[str, ...]) -> Iterator[_Range]:
        """A section whole, or its body and subsections, neighbours joined as long as they fit."""
        if not _has_text(section, self.text):
            return
        if self._fits(section.start, section.end):
            yield section.start, section.end, above
            return
        inside = (*above, section.title) if section.title else above
        run: tuple[int, int] | None = None
        for start, end, child in self._parts(section):
            if run and self._fits(run[0], end):
                run = (run[0], end)
                continue
            if run:
                yield *run, above if run[0] == section.start else inside
            run = (start, end) if self._fits(start, end) else None
            if run is None:
                yield from self._pieces(child, inside) if child else self._cut(section, above, inside)
        if run:
            yield *run, above if run[0] == section.start else inside

    def _parts(self, section: Section) -> Iterator[tuple[int, int, Section | None]]:
        """The body of a section, unless it is empty, and its subsections that hold text."""
        if self.text[section.body : section.body_end].strip():
            yield section.start, section.body_end, None
        for child in section.children:
            if _has_text(child, self.text):
                yield child.start, child.end, child

    def _cut(self, section: Section, above: tuple[str, ...], inside: tuple[str, ...]) -> Iterator[_Range]:
        """A body that does not fit, in pieces; the first has the heading in it, unless it would hold nothing else."""
        start, end = section.start, section.body_end
        places = self._places(start, end)
        headings = above
        while start < end:
            cut = self._next_cut(start, end, places)
            only_heading = not self.text[section.body : cut].strip()
            if not only_heading:
                yield start, cut, headings
            headings = inside
            start = cut if only_heading or cut == end else self._overlap(start, cut, places)

    def _places(self, start: int, end: int) -> list[int]:
        """Where the range may be cut; prose without a sentence that fits gets cuts between words."""
        blocks, sentences = (
            within[bisect_right(within, start) : bisect_left(within, end)] for within in (self.outline.blocks, self.outline.sentences)
        )
        places = sorted({start, *blocks, *sentences, end})
        loose = [place for a, b in pairwise(places) if self._is_prose(a, b) for place in self._halves(a, b)]
        return sorted({*places, *loose})

    def _is_prose(self, start: int, end: int) -> bool:
        """Whether a range lies outside of everything that must stay whole."""
        return not any(a < end and start < b for a, b in self.outline.solid)

    def _halves(self, start: int, end: int) -> list[int]:
        """Cuts of one overlong sentence: at the blank nearest to the middle of what does not fit, or in the middle."""
        if end - start < 2 or self._fits(start, end):
            return []
        middle = (start + end) // 2
        blanks = [at for at in (self.text.find(" ", middle, end - 1) + 1, self.text.rfind(" ", start, middle) + 1) if start < at < end]
        at = min(blanks, key=lambda blank: abs(blank - middle)) if blanks else middle
        return [*self._halves(start, at), at, *self._halves(at, end)]

    def _next_cut(self, start: int, end: int, places: list[int]) -> int:
        """The farthest place that fits, a block rather than a sentence when that fills half of the chunk; at least the next place."""
        if self._fits(start, end):
            return end
        reached = places[bisect_right(places, start)]
        block = 0
        for place in places[bisect_right(places, start) :]:
            if not self._fits(start, place):
                break
            reached = place
            block = place if self._begins_block(place) else block
        half = self.count(self.text[start:block]) * 2 >= self.chunk_tokens if block else False
        return block if half else reached

    def _begins_block(self, place: int) -> bool:
        at = bisect_left(self.outline.blocks, place)
        return at < len(self.outline.blocks) and self.outline.blocks[at] == place

    def _overlap(self, start: int, cut: int, places: list[int]) -> int:
        """Where the chunk after `cut` begins: as far back as `overlap_tokens` reach, as long as something new still fits."""
        following = places[bisect_right(places, cut)]
        best = cut
        for place in reversed(places[bisect_right(places, start) : bisect_left(places, cut)]):
            if self.count(self.text[place:cut]) > self.overlap_tokens or not self._fits(place, following):
                break
            best = place
        return best


def _has_text(section: Section, text: str) -> bool:
    return bool(text[section.body : section.body_end].strip()) or any(_has_text(child, text) for child in section.children)


def chunks_of(text: str, format_: str, chunk_tokens: int, overlap_tokens: int, count: Count) -> list[Chunk]:
    """The chunks of one document.

    Args:
        format_: of the document; anything but `markdown` is read as plain text, without headings.
        chunk_tokens: the largest size of a chunk, by `count`.
        overlap_tokens: how much of a chunk the next one repeats at most, where a section had to be cut.
    """
    outline = outline_of_markdown(text) if format_ == "markdown" else outline_of_text(text)
    return list(Chunker(text, outline, chunk_tokens, overlap_tokens, count).chunks())
