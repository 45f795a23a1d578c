"""Of examples that say the same the best one stays; the same question with different answers is a conflict."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from gradus.config.schema import NearDuplicates
from gradus.curate.near_duplicates import Pair, find_near_duplicates
from gradus.records import Example

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Duplicate:
    """Why an example goes: the one that stays, by position, and their similarity (Jaccard of word shingles)."""

    of: int
    similarity: float
    exact: bool


def find_duplicates(examples: Sequence[Example], order: Sequence[int], settings: NearDuplicates) -> dict[int, Duplicate]:
    """Which examples repeat a better one, by position.

    Args:
        order: positions, best example first. An example goes only when it repeats one that stays, so no chain of
            likenesses removes an example that is like none of those left.
    """
    found = _exact(examples, order)
    rest = [position for position in order if position not in found]
    pairs = find_near_duplicates([_text(examples[position]) for position in rest], settings)
    return found | _near(examples, rest, pairs)


def find_conflicts(examples: Sequence[Example], positions: Sequence[int]) -> list[list[int]]:
    """Groups of examples that ask the same after the same turns and are answered differently."""
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for position in positions:
        groups[_question_key(examples[position])].append(position)
    return [group for group in groups.values() if len({_fold(examples[p].answer) for p in group}) > 1]


def _exact(examples: Sequence[Example], order: Sequence[int]) -> dict[int, Duplicate]:
    """Same text but for case and white space."""
    first: dict[str, int] = {}
    found: dict[int, Duplicate] = {}
    for position in order:
        best = first.setdefault(_fold(_text(examples[position])), position)
        if best != position:
            found[position] = Duplicate(best, 1.0, exact=True)
    return found


def _near(examples: Sequence[Example], rest: Sequence[int], pairs: Sequence[Pair]) -> dict[int, Duplicate]:
    """Walk from the best to the worst; one that is verified against some that stay goes with the most similar of them."""
    earlier: dict[int, list[Pair]] = defaultdict(list)
    for pair in pairs:
        earlier[pair.second].append(pair)
    found: dict[int, Duplicate] = {}
    for rank, position in enumerate(rest):
        like = [pair for pair in earlier[rank] if rest[pair.first] not in found]
        staying = [pair for pair in like if not _contradict(examples[rest[pair.first]], examples[position])]
        if staying:
            best = max(staying, key=lambda pair: (pair.similarity, -pair.first))
            found[position] = Duplicate(rest[best.first], round(best.similarity, 4), exact=False)
    return found


def _contradict(first: Example, second: Example) -> bool:
    """Same question, much the same words, other numbers: one of the answers is wrong, so neither is a copy."""
    return _question_key(first) == _question_key(second) and _NUMBER.findall(first.answer) != _NUMBER.findall(second.answer)


def _text(example: Example) -> str:
    return "\n".join([*(turn.content for turn in example.context), example.question, example.answer])


def _question_key(example: Example) -> tuple[str, ...]:
    return (*(_fold(turn.content) for turn in example.context), _fold(example.question))


def _fold(text: str) -> str:
    """Case folded, white space made one."""
    return " ".join(text.casefold().split())
