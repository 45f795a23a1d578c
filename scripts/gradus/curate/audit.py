"""Looks at finished training data, ours or somebody else's, for what spoils training or the comparison with held-out data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradus.config.schema import Curate, Likeness
from gradus.conversations import NO_USER_TURN, Conversation, read_conversations
from gradus.curate.contamination import find_near_rows, index_rows, read_rows
from gradus.errors import UserError
from gradus.near_duplicates import drop_near_duplicates
from gradus.overlap import comparable, find_leaks, fold

PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class Row:
    """A row and its place, `train.jsonl:12`."""

    place: str
    conversation: Conversation


@dataclass(frozen=True)
class Part:
    """What one file holds: its conversations, and the places of the rows that are none."""

    rows: list[Row]
    unreadable: list[str]
    without_user_turn: list[str]

    @property
    def count(self) -> int:
        """All rows."""
        return len(self.rows) + len(self.unreadable) + len(self.without_user_turn)


@dataclass(frozen=True)
class Finding:
    """One kind of fault: every case of it, in words, the first ones first."""

    name: str
    cases: list[str]
    leakage: bool = False


@dataclass(frozen=True)
class Audit:
    """What was looked at and what was found; a finding without cases is a check that passed."""

    rows: dict[str, int]
    """Rows of each file that there is, those included that cannot be read."""
    findings: list[Finding]

    @property
    def leaks(self) -> bool:
        """Whether held-out data repeat what was seen before."""
        return any(finding.leakage and finding.cases for finding in self.findings)


def audit(folder: Path, settings: Curate) -> Audit:
    """Check `train.jsonl`, `valid.jsonl` and `test.jsonl` of a folder, those that are there; against `curate.decontaminate` too.

    Raises:
        UserError: when none of them is there, or none has a row that can be read, or a benchmark file cannot be read.
    """
    likeness = settings.near_duplicates
    read = {name: _read(path) for name in PARTS if (path := folder / f"{name}.jsonl").is_file()}
    if not read:
        raise UserError("no train.jsonl, valid.jsonl or test.jsonl in this folder", where=str(folder), cure="Name the folder of the training data")
    if not any(part.rows for part in read.values()):
        first = next((f" ({case})" for part in read.values() for case in (*part.unreadable, *part.without_user_turn)), "")
        raise UserError(f"the files have no row that can be read{first}", where=str(folder), cure="Name a folder with training data")
    parts = {name: part.rows for name, part in read.items()}
    rows = [row for part in parts.values() for row in part]
    exact = {name: list(_repeated(part)) for name, part in parts.items()}
    return Audit(
        {f"{name}.jsonl": part.count for name, part in read.items()},
        [
            Finding("rows that cannot be read", [case for part in read.values() for case in part.unreadable]),
            Finding("rows without a user turn", [case for part in read.values() for case in part.without_user_turn]),
            Finding("empty answers", [row.place for row in rows if not row.conversation.answer.strip()]),
            Finding("exact duplicates in a file", [f"{row.place} repeats {first.place}" for found in exact.values() for row, first in found]),
            Finding("near-duplicates in a file", [case for name, part in parts.items() for case in _near(part, exact[name], likeness)]),
            Finding("conflicting answers", list(_conflicts(rows))),
            *_leaks(parts, likeness),
            *_benchmark_rows(rows, settings),
        ],
    )


def _read(path: Path) -> Part:
    part = Part([], [], [])
    for row in read_conversations(path):
        if isinstance(row, Conversation):
            part.rows.append(Row(f"{path.name}:{row.line}", row))
        elif row[1] == NO_USER_TURN:
            part.without_user_turn.append(f"{path.name}:{row[0]}")
        else:
            part.unreadable.append(f"{path.name}:{row[0]} {row[1]}")
    return part


def _repeated(part: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
    """Rows with prompt and answer of an earlier one, but for case and punctuation."""
    first: dict[tuple[str, str], Row] = {}
    for row in part:
        earlier = first.setdefault((fold(row.conversation.prompt), fold(row.conversation.answer)), row)
        if earlier is not row:
            yield row, earlier


def _near(part: Sequence[Row], exact: Iterable[tuple[Row, Row]], likeness: Likeness) -> Iterator[str]:
    known = {row.place for row, _ in exact}
    rest = [row for row in part if row.place not in known]
    texts = [comparable(*row.conversation.pair, likeness) for row in rest]

    def are_copies(kept: int, other: int) -> bool:
        """Two wordings of one example are there on purpose."""
        first, second = rest[kept].conversation, rest[other].conversation
        return not first.origin or first.origin != second.origin

    dropped = drop_near_duplicates(texts, range(len(texts)), likeness, are_copies)
    for position, (kept, similarity) in sorted(dropped.items()):
        yield f"{rest[position].place} repeats {rest[kept].place} ({similarity:.2f})"


def _conflicts(rows: Iterable[Row]) -> Iterator[str]:
    """Prompts that have more than one answer."""
    answers: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        if row.conversation.prompt.strip():
            answers[fold(row.conversation.prompt)].setdefault(fold(row.conversation.answer), row.place)
    return (" and ".join(places.values()) for places in answers.values() if len(places) > 1)


def _leaks(parts: dict[str, list[Row]], likeness: Likeness) -> list[Finding]:
    """Held-out rows that an earlier part holds too: validation against training, test against both."""
    prompts, near, seen = [], [], parts.get("train", [])
    for name in PARTS[1:]:
        held_out = parts.get(name, [])
        for leak in find_leaks([row.conversation.pair for row in held_out], [row.conversation.pair for row in seen], likeness):
            case = f"{held_out[leak.held_out].place} repeats {seen[leak.trained].place}"
            if leak.similarity is None:
                prompts.append(case)
            else:
                near.append(f"{case} ({leak.similarity:.2f})")
        seen = [*seen, *held_out]
    return [Finding("leaked prompts", prompts, leakage=True), Finding("leaked near-duplicates", near, leakage=True)]


def _benchmark_rows(rows: Sequence[Row], settings: Curate) -> list[Finding]:
    """Rows that hold one of a benchmark; no finding where no benchmark is named."""
    known = read_rows(settings)
    benchmarks = index_rows(known, settings)
    if benchmarks is None:
        return []
    pairs = [row.conversation.pair for row in rows]
    found = {place: match for place, pair in enumerate(pairs) if (match := benchmarks.match(*pair))}
    near = find_near_rows(pairs, known, settings.near_duplicates)
    return [Finding("benchmark rows", [f"{rows[place].place} {match}" for place, match in sorted((near | found).items())], leakage=True)]


def as_table(found: Audit, shown: int) -> str:
    """The findings with their counts and first cases, for people."""
    files = ", ".join(f"{name} {count:,} rows" for name, count in found.rows.items())
    width = max(len(finding.name) for finding in found.findings)
    lines = [files]
    for finding in found.findings:
        more = f"; {len(finding.cases) - shown:,} more" if len(finding.cases) > shown else ""
        lines.append(f"  {finding.name:<{width}}  {len(finding.cases):>7,}  {'; '.join(finding.cases[:shown])}{more}".rstrip())
    lines.append("Held-out data were seen in training: scores on them are too high." if found.leaks else "No leakage found.")
    return "\n".join(lines)
