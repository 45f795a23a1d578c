"""When two conversations say the same, in one place for curation, the split and the checks: folding, texts, leaks, clusters.

A *prompt* is what stands before the answer: earlier turns and the question. System turns are left out, since many
conversations share one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from gradus.config.schema import Likeness
from gradus.near_duplicates import find_overlaps
from gradus.records import Example
from gradus.shingles import tokens


@dataclass(frozen=True)
class Leak:
    """A held-out conversation that training has seen, both by position.

    `kind` is `same prompt` (but for case and punctuation) or `near-duplicate`, of the given Jaccard similarity.
    """

    held_out: int
    trained: int
    kind: Literal["same prompt", "near-duplicate"]
    similarity: float | None = None


def fold(text: str) -> str:
    """The words of a text, case and punctuation folded; a text of nothing but signs stays as it is."""
    return " ".join(tokens(text)) or text.strip()


def prompt_of(example: Example) -> str:
    """The turns before the answer, one below the other, without system turns."""
    return "\n".join([*(turn.content for turn in example.context if turn.role != "system"), example.question])


def comparable(prompt: str, answer: str, settings: Likeness) -> str:
    """The text whose shingles stand for a conversation when near-duplicates are looked for.

    A set holds a shingle once. To let a part count more, its words stand in the text again with a mark, so that its
    shingles are new ones: the Jaccard similarity of such texts is the one weighted by `question_weight` and
    `answer_weight`.
    """
    prompts = _times(prompt, settings.question_weight)
    answers = _times(answer, settings.answer_weight)
    return "\n".join([*prompts, *answers])


def _times(text: str, weight: int) -> list[str]:
    copies = [" ".join(f"{word}_{copy}" for word in tokens(text)) for copy in range(2, weight + 1)]
    return [text, *copies] if weight else []


def find_leaks(held_out: Sequence[tuple[str, str]], trained: Sequence[tuple[str, str]], settings: Likeness) -> list[Leak]:
    """Every held-out conversation with the first of the training conversations that gives it away, prompts before texts.

    Args:
        held_out, trained: pairs of prompt and answer.
    """
    leaks = _same_prompts([prompt for prompt, _ in held_out], [prompt for prompt, _ in trained])
    texts, others = ([comparable(*pair, settings) for pair in part] for part in (held_out, trained))
    for pair in find_overlaps(texts, others, settings):
        known = leaks.get(pair.first)
        if known is None or (known.similarity is not None and known.similarity < pair.similarity):
            leaks[pair.first] = Leak(pair.first, pair.second, "near-duplicate", round(pair.similarity, 4))
    return [leaks[position] for position in sorted(leaks)]


def _same_prompts(held_out: Sequence[str], trained: Sequence[str]) -> dict[int, Leak]:
    first: dict[str, int] = {}
    for position, prompt in enumerate(trained):
        first.setdefault(fold(prompt), position)
    folded = ((position, fold(prompt)) for position, prompt in enumerate(held_out) if prompt.strip())
    return {position: Leak(position, first[prompt], "same prompt") for position, prompt in folded if prompt in first}


def connected(keys: Sequence[Iterable[Hashable]]) -> list[list[int]]:
    """Positions that are tied by a common key, directly or through others (union-find), in order of their first ones."""
    parent = list(range(len(keys)))

    def root(position: int) -> int:
        while parent[position] != position:
            parent[position] = parent[parent[position]]
            position = parent[position]
        return position

    owner: dict[Hashable, int] = {}
    for position, names in enumerate(keys):
        for name in names:
            first, second = sorted((root(owner.setdefault(name, position)), root(position)))
            parent[second] = first
    groups: dict[int, list[int]] = defaultdict(list)
    for position in range(len(keys)):
        groups[root(position)].append(position)
    return list(groups.values())
