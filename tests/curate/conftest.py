"""Small examples for the curation tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gradus.config import load_config
from gradus.config.schema import Curate
from gradus.files import sha256_text
from gradus.records import Example, Message

Make = Callable[..., Example]


@pytest.fixture(scope="session")
def settings() -> Curate:
    """Section `curate` of the shipped configuration."""
    return load_config().curate


@pytest.fixture
def make() -> Make:
    """Makes an example from a question and an answer."""

    def make_example(question: str, answer: str, *, name: str = "", kind: str = "faq", context: tuple[Message, ...] = ()) -> Example:
        name = name or sha256_text(f"{question}\n{answer}")[:16]
        return Example(name, question, answer, "document", "group", (0, len(answer)), name, kind, context)

    return make_example
