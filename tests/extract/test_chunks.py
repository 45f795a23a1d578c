"""Chunks of documents: true ranges, nothing lost, nothing torn, sizes kept, neighbours joined, overlap where a section was cut."""

from __future__ import annotations

import random
import re
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt

from gradus.config.load import PROJECT
from gradus.extract.teaching.chunks import Chunk, chunks_of
from gradus.teacher.requests import tokens_by_length

LIMITS = [(64, 0), (64, 16), (200, 40), (1200, 100)]
WORDS = "the queue keeps its messages in a file and every worker reads them, so `put` returns; e.g. after 30 seconds or [later](x.md)".split()
SOLID = {"fence", "code_block", "table_open", "html_block"}


def markdown(seed: int) -> str:
    """A document of random headings, paragraphs, lists, code and tables, some of them too large for a chunk."""
    rng = random.Random(seed)
    return "\n\n".join(_block(rng) for _ in range(rng.randint(1, 40))) + "\n" * rng.randint(0, 3)


def _block(rng: random.Random) -> str:
    words = [rng.choice(WORDS) for _ in range(rng.choice((3, 30, 300)))]
    match rng.choice("hhhpppplct"):
        case "h":
            return f"{'#' * rng.randint(1, 4)} {' '.join(words[:4])}"
        case "p":
            return re.sub(r"(\S+ \S+ \S+ \S+ \S+ \S+ \S+ \S+) ", r"\1. The ", " ".join(words)).capitalize() + "."
        case "l":
            return "\n".join(f"- {' '.join(words[at : at + 9])}" for at in range(0, len(words), 9))
        case "c":
            return "```python\n# no heading\n\n" + "\n".join(words[:60]) + "\n```"
        case _:
            return "| a | b |\n| --- | --- |\n" + "\n".join(f"| {word} | 1. A |" for word in words[:40])


DOCUMENTS = [markdown(seed) for seed in range(40)] + [(PROJECT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/ARCHITECTURE.md")]


def solid_ranges(text: str) -> list[tuple[int, int]]:
    """Where code, tables and HTML blocks stand, by the parser and not by our outline."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    maps = [token.map for token in MarkdownIt("commonmark").enable("table").parse(text) if token.type in SOLID and token.map]
    return [(starts[a], starts[b]) for a, b in maps]


@pytest.mark.parametrize(("size", "overlap"), LIMITS)
def test_ranges_are_true_nothing_is_lost_nothing_is_torn(size: int, overlap: int) -> None:
    cut = 0
    for text in DOCUMENTS:
        chunks = chunks_of(text, "markdown", size, overlap, tokens_by_length)
        cut += len(chunks) - 1
        covered = bytearray(len(text))
        for chunk in chunks:
            assert text[chunk.start : chunk.end] == chunk.text == chunk.text.strip() != ""
            assert chunk.tokens == tokens_by_length(chunk.text)
            covered[chunk.start : chunk.end] = b"\1" * len(chunk.text)
        left = "".join(character if not seen else "\n" for character, seen in zip(text, covered, strict=True))
        assert all(chunk.text.count("\n") or not chunk.text.startswith("#") for chunk in chunks), "no chunk is a heading alone"
        assert all(re.match(r"\s*(#{1,6} .*)?$", line) for line in left.split("\n")), "only headings may be left out"
        for start, end in solid_ranges(text):
            tight = start + len(text[start:end].rstrip())
            assert any(c.start <= start + 3 and tight <= c.end for c in chunks), "code and tables are in one chunk whole"
            assert not any(start + 3 < at < tight for chunk in chunks for at in (chunk.start, chunk.end))
    assert cut > 0


@pytest.mark.parametrize(("size", "overlap"), LIMITS)
def test_only_what_may_not_be_torn_is_larger_than_a_chunk(size: int, overlap: int) -> None:
    for text in DOCUMENTS:
        solid = solid_ranges(text)
        for chunk in chunks_of(text, "markdown", size, overlap, tokens_by_length):
            inside = [text[start:end].strip() for start, end in solid if chunk.start < end and start < chunk.end]
            assert chunk.tokens <= size or chunk.text in inside or chunk.text.split(" ", 1)[-1] in inside


def test_headings_above_are_carried_and_small_neighbours_joined() -> None:
    text = "# A\n\nintro\n\n## B\n\nbee\n\n### C\n\nsee\n\n## D\n\n" + "Some words of it. " * 30 + "\n\n## E\n\nend\n\n## F\n\nlast\n"
    found = [(chunk.headings, chunk.text.split("\n")[0]) for chunk in chunks_of(text, "markdown", 64, 0, tokens_by_length)]
    assert found[0] == ((), "# A")
    assert found[1][0] == ("A",)
    assert found[1][1] == "## D"
    assert found[2][0] == ("A", "D")
    assert found[-1] == (("A",), "## E")
    first, last = (chunks_of(text, "markdown", 64, 0, tokens_by_length)[at] for at in (0, -1))
    assert "### C" in first.text and "## F" in last.text
    (whole,) = chunks_of(text, "markdown", 1200, 0, tokens_by_length)
    assert (whole.headings, whole.start, whole.end) == ((), 0, len(text.rstrip()))


def test_chunks_of_a_cut_section_overlap_by_whole_sentences() -> None:
    text = " ".join(f"This is sentence number {n} of the section." for n in range(60))
    chunks = chunks_of(text, "markdown", 100, 30, tokens_by_length)
    assert len(chunks) > 5
    for one, two in pairwise(chunks):
        shared = text[two.start : one.end]
        assert shared.startswith("This is") and shared.endswith("section.")
        assert 0 < tokens_by_length(shared) <= 30
    apart = chunks_of(text, "markdown", 100, 0, tokens_by_length)
    assert all(one.end <= two.start for one, two in pairwise(apart))


def test_a_sentence_that_does_not_fit_is_cut_between_words() -> None:
    text = "word " * 2000 + "x" * 3000
    chunks = chunks_of(text, "markdown", 100, 0, tokens_by_length)
    assert all(chunk.tokens <= 100 for chunk in chunks)
    assert "".join(chunk.text.replace(" ", "") for chunk in chunks) == text.replace(" ", "")
    assert all(text[chunk.end] == " " for chunk in chunks if chunk.end < 10_000)


def test_what_looks_like_structure_inside_code_or_front_matter_is_none() -> None:
    text = "---\ntitle: x\nlong: " + "y" * 300 + "\n---\n\n# A\n\n```bash\n# not a heading\n```\n\n" + "Words of it. " * 60
    chunks = chunks_of(text, "markdown", 64, 0, tokens_by_length)
    assert {heading for chunk in chunks for heading in chunk.headings} == {"A"}


def test_plain_text_has_no_headings_and_is_cut_at_blank_lines() -> None:
    text = "# not a heading\n\n" + "\n\n".join(f"Paragraph {n} has some words in it." for n in range(40))
    chunks = chunks_of(text, "text", 64, 0, tokens_by_length)
    assert all(chunk.headings == () for chunk in chunks)
    assert all(chunk.text.endswith("it.") and chunk.text.startswith(("Paragraph", "#")) for chunk in chunks)


def test_rubbish_is_cut_in_good_time() -> None:
    texts = ["", "\n\n", "# a\n" * 500, "- a\n" * 2000, "> " * 2000, "`" * 3000, "[a](" * 3000, "a. B " * 5000, "\r\n\x0b\u2028 a" * 900, "|" * 3000]
    found: list[Chunk] = []
    for text in texts:
        for format_ in ("markdown", "text"):
            for chunk in chunks_of(text, format_, 200, 20, tokens_by_length):
                assert text[chunk.start : chunk.end] == chunk.text
                found.append(chunk)
    assert len(found) > 100
