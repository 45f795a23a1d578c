"""The scored examples: their texts in a file, read by position, and what decides about them in arrays.

So memory holds some 130 bytes an example, whatever the length of its texts.
"""

from __future__ import annotations

import json
import os
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gradus.config.schema import Likeness
from gradus.curate.scoring import Keys, Scored
from gradus.overlap import comparable, prompt_of
from gradus.records import Example, example_from_dict

KEYS = tuple(field.name for field in fields(Keys))


@dataclass(frozen=True)
class Tally:
    """What is counted while the examples are scored."""

    repairs: Counter[str]
    personal_data: Counter[str]
    examples_with_personal_data: int
    contaminated_by: Counter[str]
    """Kinds of the matches with benchmark rows; near-duplicates of them are looked for later."""


@dataclass(frozen=True)
class Table:
    """A column for each property, by position of the example; `kinds` and `languages` are what the codes stand for."""

    offsets: np.ndarray
    """Where each row begins in the file, and where the last one ends, int64 `(n + 1,)`."""
    numbers: np.ndarray
    """Line of the input, int64."""
    signals: np.ndarray
    """float64 `(n, signals)` in the order of `SIGNAL_NAMES`; the last, of language, depends on all examples and is filled in later."""
    language: np.ndarray
    confidence: np.ndarray
    kind: np.ndarray
    keys: dict[str, np.ndarray]
    """uint64 hashes by the names in `Keys`."""
    languages: Sequence[str]
    kinds: Sequence[str]
    unusable: dict[int, tuple[str, str]]
    """Reason and detail of those that go whatever the others are like."""
    tally: Tally

    def __len__(self) -> int:
        return len(self.numbers)


class Store:
    """The rows in a temporary file; iterating reads them in order, `row` one by its position."""

    def __init__(self, path: Path, table: Table) -> None:
        self._stream = path.open("rb")
        self.table = table

    def __iter__(self) -> Iterator[Any]:
        self._stream.seek(0)
        return map(json.loads, self._stream)

    def row(self, position: int) -> Any:
        """The row of an example as a dictionary; the beginning of a bad row as a text. Several threads may ask at a time."""
        start, end = map(int, self.table.offsets[position : position + 2])
        return json.loads(os.pread(self._stream.fileno(), end - start, start))

    def example(self, position: int) -> Example:
        """One example. The position must not be that of a bad row."""
        return example_from_dict(self.row(position))

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


class Texts(Sequence[str]):
    """The texts by which examples are compared, by position, read when asked for."""

    def __init__(self, store: Store, likeness: Likeness) -> None:
        self._store, self._likeness = store, likeness

    def __len__(self) -> int:
        return len(self._store.table)

    def __getitem__(self, index: Any) -> Any:
        example = self._store.example(index)
        return comparable(prompt_of(example), example.answer, self._likeness)


class Pairs(Sequence[tuple[str, str]]):
    """Prompt and answer of some examples, read when asked for."""

    def __init__(self, store: Store, positions: np.ndarray) -> None:
        self._store, self._positions = store, positions

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, index: Any) -> Any:
        example = self._store.example(self._positions[index])
        return prompt_of(example), example.answer


class TableBuilder:
    """Takes scored lines one by one, writes their rows to a stream and collects the columns."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._offset = stream, 0
        self._integers = {"offset": array("q"), "number": array("q"), "language": array("h"), "kind": array("i")}
        self._signals, self._confidence = array("d"), array("f")
        self._keys = {name: array("Q") for name in KEYS}
        self._codes: dict[str, dict[str, int]] = {"language": {}, "kind": {}}
        self._unusable: dict[int, tuple[str, str]] = {}
        self._repairs: Counter[str] = Counter()
        self._personal: Counter[str] = Counter()
        self._with_personal = 0
        self._contaminated: Counter[str] = Counter()

    def add(self, scored: Scored) -> None:
        """Take the next line."""
        if scored.reason:
            self._unusable[len(self._confidence)] = (scored.reason, scored.detail)
        if scored.match:
            self._contaminated[scored.match.kind] += 1
        self._integers["offset"].append(self._offset)
        self._integers["number"].append(scored.number)
        for name, codes in self._codes.items():
            self._integers[name].append(codes.setdefault(getattr(scored, name), len(codes)))
        self._signals.extend((*scored.signals, 1.0))
        self._confidence.append(scored.confidence)
        self._add_keys(scored.keys)
        self._repairs.update(scored.repairs)
        self._personal.update(scored.personal_data or {})
        self._with_personal += bool(scored.personal_data)
        self._offset += self._stream.write(scored.row.encode("utf-8") + b"\n")

    def _add_keys(self, keys: Keys) -> None:
        for name in KEYS:
            self._keys[name].append(getattr(keys, name))

    def table(self) -> Table:
        """The columns of all that was taken; no more can be added."""
        self._integers["offset"].append(self._offset)
        columns = {name: np.asarray(values) for name, values in self._integers.items()}  # the same memory, as all below
        return Table(
            offsets=columns["offset"],
            numbers=columns["number"],
            signals=np.asarray(self._signals).reshape(len(self._confidence), -1) if self._confidence else np.zeros((0, 0)),
            language=columns["language"],
            confidence=np.asarray(self._confidence),
            kind=columns["kind"],
            keys={name: np.asarray(values) for name, values in self._keys.items()},
            languages=tuple(self._codes["language"]),
            kinds=tuple(self._codes["kind"]),
            unusable=self._unusable,
            tally=Tally(self._repairs, self._personal, self._with_personal, self._contaminated),
        )
