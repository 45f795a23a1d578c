"""The manifest and its table: every class with its count, its size and its first case."""

from __future__ import annotations

from typing import get_args

from gradus.collect.manifest import FAULTS, Collection, Entry, Status, as_json, printable, reason_of, table

ENTRIES = [
    Entry("a.md", "notes", "text", "", 1_500_000),
    Entry("b.pdf", "notes", "scanned", "no text layer on its 3 pages", 2_000_000),
    Entry("c.pdf", "notes", "scanned", "no text layer on its 9 pages", 250_000),
    Entry("d.md", "notes", "duplicate", "same content as a.md, collected on 2026-01-01", 10),
]


def test_the_table_has_a_line_for_every_class_that_occurs() -> None:
    lines = table(ENTRIES)
    assert list(lines) == ["class", "text", "duplicate", "scanned"]
    assert lines["scanned"].split() == ["2", "2.2", "MB", "b.pdf:", "no", "text", "layer", "on", "its", "3", "pages"]
    assert table([]) == {"class": lines["class"]}


def test_a_line_of_the_table_is_one_line_of_bounded_length() -> None:
    line = table([Entry("n" * 300 + "\n\x1b[31m", "notes", "broken", "r" * 300)])["broken"]
    assert line.isprintable()
    assert len(line) < 120


def test_bytes_that_are_no_text_are_shown_as_escapes() -> None:
    assert printable("a\nb\x1b[0m\udce9\u202eé.md") == "a\\nb\\x1b[0m\\udce9\\u202eé.md"


def test_a_reason_names_the_first_faults() -> None:
    assert reason_of("3 rows", ()) == "3 rows"
    assert reason_of("", ("line 1", "line 2", "line 3", "line 4", "line 5")) == "line 1; line 2; line 3; and 2 more"


def test_the_manifest_counts_what_it_lists() -> None:
    manifest = as_json(Collection(entries=ENTRIES))
    assert manifest["by_status"] == {"duplicate": 1, "scanned": 2, "text": 1}
    assert [entry["name"] for entry in manifest["entries"]] == ["a.md", "b.pdf", "c.pdf", "d.md"]
    assert set(get_args(Status)) > FAULTS
    assert not FAULTS & {"text", "duplicate", "empty", "unsupported", "left out"}
