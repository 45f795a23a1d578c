"""The held-out questions: read, checked, and a seeded choice that keeps the shares of the kinds."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.chat import Messages
from gradus.errors import UserError
from gradus.evaluate.words import words
from gradus.files import iter_jsonl
from gradus.structure import parse


@dataclass(frozen=True)
class Question:
    """One held-out question. `messages` is the whole conversation, the reference answer last."""

    id: str
    kind: str
    group: str
    document_id: str
    messages: Messages

    @property
    def text(self) -> str:
        """The last thing the user says."""
        return self.messages[-2]["content"]

    @property
    def reference(self) -> str:
        """The answer to compare with."""
        return self.messages[-1]["content"]

    @property
    def prompt(self) -> Messages:
        """The conversation up to where the model is to speak."""
        return self.messages[:-1]


@dataclass(frozen=True)
class HeldOut:
    """The questions that were chosen, and of how many."""

    questions: list[Question]
    available: int
    """Those that can be graded."""
    skipped: int
    """Those that cannot."""


def held_out(path: Path, number: int, seed: int) -> HeldOut:
    """`number` of the questions of a `test.jsonl` that can be graded.

    Raises:
        UserError: for a bad line, and for a file without such questions.
    """
    everything = list(iter_jsonl(path, _question))
    able = gradable(everything)
    if not able:
        what = "no reference answer of the held-out questions holds a word" if everything else "there are no held-out questions"
        raise UserError(what, where=str(path), cure="Add documents, or raise prepare.split.test, and run 05_prepare again")
    return HeldOut(choose(able, number, seed), len(able), len(everything) - len(able))


def _question(row: dict[str, Any]) -> Question:
    messages = [{"role": turn["role"], "content": _encodable(turn["content"])} for turn in row["messages"]]
    if [turn["role"] for turn in messages[-2:]] != ["user", "assistant"]:
        raise TypeError("it does not end with a question and its answer")
    return Question(row["id"], row["kind"], row["group"], row["document_id"], messages)


def _encodable(text: str) -> str:
    """Lone surrogates, which no UTF-8 file can hold, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def gradable(questions: list[Question]) -> list[Question]:
    """Those whose reference holds a word: against any other, no answer can be right or wrong."""
    return [question for question in questions if words(parse(question.reference).text)]


def choose(questions: list[Question], number: int, seed: int) -> list[Question]:
    """`number` of the questions, in their old order, each kind with its share of all (largest remainders)."""
    if len(questions) <= number:
        return questions
    kinds: dict[str, list[int]] = defaultdict(list)
    for index, question in enumerate(questions):
        kinds[question.kind].append(index)
    generator = random.Random(seed)
    quotas = _quotas({kind: len(found) for kind, found in sorted(kinds.items())}, number)
    chosen = [index for kind, quota in quotas.items() for index in generator.sample(kinds[kind], quota)]
    return [questions[index] for index in sorted(chosen)]


def _quotas(sizes: dict[str, int], number: int) -> dict[str, int]:
    """Split `number` in proportion to `sizes`; never more than there are."""
    total = sum(sizes.values())
    quotas = {kind: number * size // total for kind, size in sizes.items()}
    by_remainder = sorted(sizes, key=lambda kind: (-(number * sizes[kind] % total), kind))
    for kind in by_remainder[: number - sum(quotas.values())]:
        quotas[kind] += 1
    return quotas
