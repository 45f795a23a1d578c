"""Rows that are no examples are told with their reason, and a line of any length costs no memory."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from gradus.curate.rows import BadRow, Line, count_lines, parse, read_lines

GOOD: dict[str, Any] = {
    "id": "a", "question": "Q?", "answer": "A.", "document_id": "d", "group": "g", "span": [0, 2], "origin_id": "a", "kind": "faq",
    "context": [{"role": "system", "content": "Be brief."}], "quality": None, "meta": {"line": 3},
}  # fmt: skip


def line(row: object) -> Line:
    content = row if isinstance(row, bytes) else json.dumps(row).encode()
    return Line(1, len(content), content)


def test_a_good_row_is_an_example() -> None:
    example = parse(line(GOOD))
    assert (example.span, example.context[0].role, example.meta) == ((0, 2), "system", {"line": 3})


BAD = [
    (b"{", "not JSON"),
    (b"\xff\xfe{}", "UTF-16; save the file as UTF-8"),
    (b'"\xed\xa0\x80"', "not UTF-8"),
    (b"[" * 100_000, "not JSON"),
    ([1], "a list; write its objects one a line"),
    (1, "not an object"),
    ({key: value for key, value in GOOD.items() if key != "answer"}, "answer: "),
    ({**GOOD, "question": 5}, "question: input should be a valid string"),
    ({**GOOD, "question": "a \ud800 b"}, "a lone surrogate"),
    ({**GOOD, "meta": {"title": "a \udc00 b"}}, "a lone surrogate"),
    ({**GOOD, "meta": {"score": float("nan")}}, "NaN"),
    ({**GOOD, "context": [{"role": "robot", "content": "x"}]}, "context.0.role: "),
    ({**GOOD, "span": [1]}, "span"),
    ({**GOOD, "colour": "red"}, "unknown field 'colour'"),
]


@pytest.mark.parametrize(("row", "why"), BAD, ids=range(len(BAD)))
def test_a_bad_row_says_why(row: object, why: str) -> None:
    with pytest.raises(BadRow, match=f"^{why}"):
        parse(line(row))


def test_a_huge_line_is_skipped_in_pieces_and_the_next_one_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with path.open("wb") as stream:
        stream.write(b"first\n\n")
        for _ in range(50):
            stream.write(b"x" * 1_000_000)
        stream.write(b"\nlast")
    tracemalloc.start()
    lines = list(read_lines(path, 10_000, 100))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(one.number, one.size, len(one.content)) for one in lines] == [(1, 6, 6), (3, 50_000_001, 100), (4, 4, 4)]
    assert peak < 5_000_000
    with pytest.raises(BadRow, match="50,000,001 bytes"):
        parse(lines[1])
    assert count_lines(path) == 4


@pytest.mark.parametrize(("content", "lines"), [(b"", 0), (b"a", 1), (b"a\n", 1), (b"a\n\nb", 3)])
def test_a_line_end_at_the_end_begins_no_line(tmp_path: Path, content: bytes, lines: int) -> None:
    (tmp_path / "rows.jsonl").write_bytes(content)
    assert count_lines(tmp_path / "rows.jsonl") == lines


def test_a_line_of_just_the_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(b"12345678\n123456789\n")
    assert [one.whole for one in read_lines(tmp_path / "rows.jsonl", 8, 2)] == [True, False]
