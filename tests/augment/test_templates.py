"""Templates: every form of a family is understood, leads to all others, and keeps what it names."""

from __future__ import annotations

import pytest

from gradus.augment.preserved import first_difference
from gradus.augment.templates import FAMILIES, Family, rewordings

FILLED = {"name": "`numpy.sort(a, axis=-1)`", "other": "`sorted`", "x": "the 3 rules of `yield from` in PEP 380", "thing": "a lost update"}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.forms[0])
def test_every_form_leads_to_all_others(family: Family) -> None:
    forms = [form.format(**FILLED) for form in family.forms]
    assert len(set(forms)) > 1
    for form in forms:
        found = rewordings(form)
        assert set(found) == set(forms) - {form}, form
        assert [first_difference(form, wording) for wording in found] == [None] * len(found)


@pytest.mark.parametrize(
    ("question", "wording"),
    [
        ("How do I read config.yaml with version 2.1?", "Show me how to read config.yaml with version 2.1."),
        ("What does `a.b(c={'d': '?'})` do?", "Explain what `a.b(c={'d': '?'})` does."),
        ("What is the capital of France?", "Tell me what the capital of France is."),
        ("Write a haiku about rain.", "Could you write a haiku about rain?"),
        ("Explain Type Promotion in `numpy`.", "What does the documentation of `numpy` say about Type Promotion?"),
    ],
)
def test_questions_in_other_words(question: str, wording: str) -> None:
    assert wording in rewordings(question)


@pytest.mark.parametrize(
    "question",
    [
        "Why is the sky blue?",
        "Explain the difference between a and b. Then write a poem.",
        "Write a function.\n\nInput: 3",
        "How do I do this? It fails.",
        "What is it?",
        "",
    ],
)
def test_what_fits_no_template_has_no_wordings(question: str) -> None:
    assert rewordings(question) == []
