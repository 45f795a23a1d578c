"""What free wordings and rewritten answers must carry over, and what they may not add."""

from __future__ import annotations

import pytest

from gradus.augment.preserved import first_change, first_invention


@pytest.mark.parametrize(
    ("question", "wording", "change"),
    [
        ("Why does Anna like NumPy?", "NumPy is liked by Anna for which reason?", None),
        ("Why does Anna like NumPy?", "NumPy is liked by Berta for which reason?", "name"),
        ("What does `f(x)` do?", "What does `f(y)` do?", "code"),
        ("What does `f(x)` do?", "Say what `f(x)` does with `f(x)`.", "code"),
        ("Is 3.5 s enough?", "Would 3.5 s suffice?", None),
        ("Is 3.5 s enough?", "Would 35 s suffice?", "number"),
        ("Which keys are allowed?", "Which keys are not allowed?", "negation"),
        ("Why can't I write to it?", "What keeps me from writing to it?", "negation"),  # true, yet nothing here can tell
        ("Why can't I write to it?", "Why is it that I cannot write to it?", None),
        ("Does `not` bind tighter?", "Is the binding of `not` tighter?", None),
        ("Wer kennt das?", "Wer kennt das nicht?", "negation"),
    ],
)
def test_change(question: str, wording: str, change: str | None) -> None:
    assert first_change(question, wording) == change


SOURCE = "Call ``mean(a, axis=0)``; see https://a.org/b by Anna Weiss.\n\n    >>> mean([1, 3])\n    2.0\n\nIt takes 2 arguments."


@pytest.mark.parametrize(
    ("text", "invention"),
    [
        ("Call `mean(a, axis=0)`.", None),
        ("Call `mean(a, axis=1)`.", "code"),
        ("So:\n\n```python\n>>> mean([1, 3])\n2.0\n```", None),
        ("So:\n\n```python\n>>> mean([1, 5])\n3.0\n```", "code"),
        ("1. Call it.\n2. Look.\n3. Done.", None),  # numbers of a list state nothing
        ("It takes 3 arguments and 4 more.", "number"),
        ("Anna Weiss wrote it, see https://a.org/b", None),
        ("It was written by Berta Weiss.", "name"),
        ("See https://a.org/c", "name"),
        ("It does not take 2 arguments.", "negation"),
    ],
)
def test_invention(text: str, invention: str | None) -> None:
    assert first_invention(SOURCE, text) == invention
