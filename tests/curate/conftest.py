"""Small examples for the curation tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gradus.config import load_config
from gradus.config.schema import Curate
from gradus.curate.contamination import read_rows
from gradus.curate.store import Store
from gradus.curate.work import scored
from gradus.files import sha256_text, write_jsonl
from gradus.records import Example, Message

Make = Callable[..., Example]
Score = Callable[..., Store]


@pytest.fixture(scope="session")
def settings() -> Curate:
    """Section `curate` of the shipped configuration."""
    return load_config().curate


@pytest.fixture(scope="session")
def make() -> Make:
    """Makes an example from a question and an answer."""

    def make_example(question: str, answer: str, *, name: str = "", kind: str = "faq", context: tuple[Message, ...] = ()) -> Example:
        name = name or sha256_text(f"{question}\n{answer}")[:16]
        return Example(name, question, answer, "document", "group", (0, len(answer)), name, kind, context)

    return make_example


@pytest.fixture
def score(tmp_path: Path, settings: Curate) -> Iterator[Score]:
    """Scores examples into a store, with the shipped settings or others."""
    with ExitStack() as stack:

        def score_examples(examples: list[Example], others: Curate | None = None) -> Store:
            write_jsonl(tmp_path / "to_score.jsonl", examples)
            return stack.enter_context(scored(tmp_path / "to_score.jsonl", tmp_path, others or settings, read_rows(others or settings)))

        yield score_examples
