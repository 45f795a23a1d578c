"""Small examples for the augmentation tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gradus.files import sha256_text
from gradus.records import Example

Make = Callable[..., Example]


@pytest.fixture
def make() -> Make:
    """Makes an example from a question."""

    def make_example(question: str, answer: str = "It is so.", kind: str = "definition") -> Example:
        name = sha256_text(question + answer)[:16]
        return Example(name, question, answer, "document", "group", (3, 9), name, kind, quality=0.9, meta={"page": 4})

    return make_example
