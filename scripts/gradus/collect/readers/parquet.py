"""Parquet files of data sets: one JSON object a row."""

from __future__ import annotations

import json
from pathlib import Path

from gradus.collect.readers.reading import FileReading, ReadOptions, Unreadable, text_reading
from gradus.collect.readers.versions import named

_SHOWN = 1000  # rows turned into text at a time


def read_parquet(path: Path, options: ReadOptions) -> FileReading:
    """All rows; values that JSON has no form for (times, decimals, bytes) are written as text."""
    import pyarrow
    from pyarrow.parquet import ParquetFile

    lines = []
    size = 0
    try:
        with ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_SHOWN):
                rows = [json.dumps(row, ensure_ascii=False, default=str) for row in batch.to_pylist()]
                size += sum(map(len, rows))
                if size > options.max_inflated:
                    limit = f"collect.max_inflated_mb {options.max_inflated / 1e6:g}"
                    raise Unreadable("refused", f"its rows are more text than allowed ({limit}); split the file, or raise that")
                lines += rows
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:  # the last for a text that is none
        raise Unreadable("broken", f"no readable parquet file ({' '.join(str(error).split())[:150]})") from error
    return text_reading(path, "\n".join(lines), "rows", named("pyarrow"), reason=f"{len(lines)} row{'s' * (len(lines) != 1)}")
