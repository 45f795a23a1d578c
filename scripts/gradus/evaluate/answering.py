"""Let a model answer the questions and say how likely it finds the references, in parts that survive a kill."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gradus.evaluate.questions import Question
from gradus.files import read_json, write_json
from gradus.models import Answer, Likelihood, Progress, generate_answers, likelihood, load_model

PART_BATCHES = 2
"""Batches of answers in one part: what a killed run has to do again at most."""


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


def ask(name: str, model_folder: Path, adapter: Path | None, questions: Sequence[Question], limits: Limits, cache: Path, progress: Progress) -> Asked:
    """Answer all questions with one model.

    Args:
        name: of the model in the cache.
        cache: folder of finished parts; each is written whole, so a second call only does what is missing.
        progress: called with (number of new answers, name).
    """
    loaded: list[tuple[Any, Any]] = []

    def model() -> tuple[Any, Any]:
        if not loaded:  # a resumed run whose parts are all there needs no model
            loaded.append(load_model(model_folder, adapter))
        return loaded[0]

    answers: dict[int, Answer] = {}
    seconds = 0.0
    for number, part in enumerate(_parts(questions, PART_BATCHES * limits.batch_size)):
        chosen = [questions[index] for index in part]
        row = _cached(cache / f"{name}-answers-{number:04d}.json", lambda chosen=chosen: _generate(*model(), chosen, limits))  # type: ignore[misc]
        answers |= {index: Answer(**answer) for index, answer in zip(part, row["answers"], strict=True)}
        seconds += row["seconds"]
        progress(len(part), name)
    rows = _cached(cache / f"{name}-likelihoods.json", lambda: _likelihoods(*model(), questions, limits))
    likelihoods = [Likelihood(**row) if row else None for row in rows]
    return Asked([answers[index] for index in range(len(questions))], likelihoods, seconds)


def _parts(questions: Sequence[Question], size: int) -> list[list[int]]:
    """Indices in parts of questions of like length: less padding in a batch. The same parts every time."""
    by_length = sorted(range(len(questions)), key=lambda i: (sum(len(turn["content"]) for turn in questions[i].prompt), i))
    return [by_length[start : start + size] for start in range(0, len(by_length), size)]


def _cached(path: Path, make: Callable[[], Any]) -> Any:
    if not path.exists():
        write_json(path, make())
    return read_json(path)


def _generate(model: Any, tokenizer: Any, questions: Sequence[Question], limits: Limits) -> dict[str, Any]:
    start = time.perf_counter()
    prompts = [question.prompt for question in questions]
    answers = generate_answers(model, tokenizer, prompts, max_tokens=limits.answer_tokens, batch_size=limits.batch_size)
    return {"seconds": time.perf_counter() - start, "answers": [asdict(answer) for answer in answers]}


def _likelihoods(model: Any, tokenizer: Any, questions: Sequence[Question], limits: Limits) -> list[dict[str, Any] | None]:
    conversations = [question.messages for question in questions]
    found = likelihood(model, tokenizer, conversations, max_tokens=limits.conversation_tokens)
    return [asdict(one) if one.tokens else None for one in found]
