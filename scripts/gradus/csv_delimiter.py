"""Which sign separates the fields of a CSV text: where the comma is the decimal point, Excel writes semicolons."""

from __future__ import annotations

import csv
import io
from itertools import islice

DELIMITERS = (",", ";", "\t", "|")
HEAD_CHARACTERS, HEAD_RECORDS = 1 << 18, 100  # that show which of them a text uses


def delimiter_of(text: str, usual: str = ",") -> str:
    """The sign that splits the header and makes most of the first records as long; of equals the usual one."""
    return max((usual, *DELIMITERS), key=lambda sign: _fit(text, sign))


def _fit(text: str, delimiter: str) -> tuple[int, float, int]:
    """How well a delimiter suits: whether it splits the header, the share of the first records that are as long, the columns."""
    lengths = []
    try:
        for row in islice(csv.reader(io.StringIO(text[:HEAD_CHARACTERS], newline=""), delimiter=delimiter, strict=True), HEAD_RECORDS):
            lengths += [len(row)] if row else []
    except csv.Error:
        lengths.append(0)
    columns, *records = lengths or [0]
    return (1, records.count(columns) / max(len(records), 1), columns) if columns > 1 else (0, 0.0, 0)
