"""Let a model answer the questions and say how likely it finds the references; whatever is finished survives a kill.

Each answer is appended to a file of the work folder as it comes. A run that goes on asks only what is missing. It then
stands in another batch, so on hardware whose rounding depends on the batch a word may differ from an uninterrupted run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gradus.errors import GradusError
from gradus.evaluate.questions import Question
from gradus.files import write_text
from gradus.models import Answer, Likelihood, Progress, likelihood, load_model, stream_answers

MOST_NATS = 700.0  # exp of more is no floating-point number; a uniform guess costs about 12


@dataclass(frozen=True)
class Asked:
    """All answers of one model with the likelihood of each reference (None where nothing of it fits the context)."""

    answers: list[Answer]
    likelihoods: list[Likelihood | None]
    seconds: float
    """Spent generating, over all starts of the step."""


@dataclass(frozen=True)
class Limits:
    """How to ask: longest answer and batch size, and the longest conversation for the likelihood, in tokens."""

    answer_tokens: int
    batch_size: int
    conversation_tokens: int


class _Model:
    """A model that is loaded when it is first needed: a resumed run that lacks nothing needs none."""

    def __init__(self, folder: Path, adapter: Path | None) -> None:
        self._folder, self._adapter = folder, adapter

    @cached_property
    def loaded(self) -> tuple[Any, Any]:
        """Model and tokenizer."""
        return load_model(self._folder, self._adapter)


def ask(name: str, model_folder: Path, adapter: Path | None, questions: Sequence[Question], limits: Limits, cache: Path, progress: Progress) -> Asked:
    """Answer all questions with one model.

    Args:
        name: of the model in the cache.
        cache: folder of what is finished, one line an answer, so that a second call only does what is missing.
        progress: called with (number of new answers, name).

    Raises:
        GradusError: when the model gives no numbers, say because its training diverged.
    """
    model = _Model(model_folder, adapter)
    answered = _Lines(cache / f"{name}-answers.jsonl")
    progress(len(answered.rows), name)
    for index, row in _generate(model, questions, answered.missing(len(questions)), limits):
        answered.add(index, row)
        progress(1, name)
    known = _Lines(cache / f"{name}-likelihoods.jsonl")
    for index in known.missing(len(questions)):
        found = likelihood(*model.loaded, [questions[index].messages], max_tokens=limits.conversation_tokens)[0]
        known.add(index, asdict(_usable(found, adapter or model_folder)))
    rows = [answered.rows[index] for index in range(len(questions))]
    likelihoods = [Likelihood(**known.rows[index]) for index in range(len(questions))]
    return Asked(
        [Answer(row["text"], row["finished"], row["tokens"]) for row in rows],
        [found if found.tokens else None for found in likelihoods],
        sum(row["seconds"] for row in rows),
    )


def _usable(found: Likelihood, folder: Path) -> Likelihood:
    """The likelihood, which is no number when the weights are none or their products are too large for their type."""
    if found.tokens and not found.nats / found.tokens < MOST_NATS:  # true of NaN, too
        what = f"a reference answer costs the model {found.nats / found.tokens:g} nats a token, so its weights are not usable"
        raise GradusError(what, where=str(folder), cure="Train again with a lower train.learning_rate, or take another base")
    return found


def _generate(model: _Model, questions: Sequence[Question], missing: Sequence[int], limits: Limits) -> Iterator[tuple[int, dict[str, Any]]]:
    """(index, row) of each missing answer as it comes; `seconds` is the time since the one before."""
    if not missing:
        return
    prompts = [questions[index].prompt for index in missing]
    network, tokenizer = model.loaded
    before = time.perf_counter()
    for number, answer in stream_answers(network, tokenizer, prompts, max_tokens=limits.answer_tokens, batch_size=limits.batch_size):
        now = time.perf_counter()
        yield missing[number], {**asdict(answer), "seconds": now - before}
        before = now


class _Lines:
    """A JSON Lines file of rows by question that only grows; half a line, which a kill left, is cut off."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[int, dict[str, Any]] = {}
        whole = path.read_text(encoding="utf-8").rpartition("\n")[0] if path.exists() else ""
        for line in whole.split("\n") if whole else ():
            row = json.loads(line)
            self.rows[row.pop("question")] = row
        write_text(path, whole + "\n" if whole else "")

    def missing(self, count: int) -> list[int]:
        """Which of `count` questions have no row."""
        return [index for index in range(count) if index not in self.rows]

    def add(self, index: int, row: dict[str, Any]) -> None:
        """Keep a row; when this returns, a kill of the process cannot lose it."""
        self.rows[index] = row
        with self.path.open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(json.dumps({"question": index, **row}) + "\n")
