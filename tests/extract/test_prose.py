"""Markdown, text and topics as questions and answers."""

from __future__ import annotations

import pytest

from gradus.extract.draft import Draft, Drop
from gradus.extract.prose import text_drafts

from .reading import document, read, reasons


def drafts(text: str) -> list[Draft]:
    return [item for item in read(text) if isinstance(item, Draft)]


MARKDOWN = """---
title: front matter
---
# Handbook

What this is.

## 1. Why does it **stop**?

Because it
is done.

### Details

More.

## Install the package

```bash
# Not a heading?
pip install it
```

## Background

It began long ago.

**Is it fast?**

Yes, very.

Q: Is it safe?
A: It is,
as far as known.
"""


def test_every_kind_of_question_in_markdown() -> None:
    found = {draft.question: draft for draft in drafts(MARKDOWN)}
    assert [(d.kind, q) for q, d in found.items() if d.kind != "section"] == [
        ("faq", "Why does it stop?"),
        ("how-to", "How do I install the package?"),
        ("faq", "Is it fast?"),
        ("faq", "Is it safe?"),
    ]
    assert found["Why does it stop?"].answer == "Because it is done.\n\n### Details\n\nMore."
    assert found["How do I install the package?"].answer == "```bash\n# Not a heading?\npip install it\n```"
    assert found["Is it fast?"].answer == "Yes, very."
    assert found["Is it safe?"].answer == "It is, as far as known."
    sections = [d for d in found.values() if d.kind == "section"]
    assert {d.answer for d in sections} == {"What this is."}, "`Details` belongs to the answer above it and asks nothing by itself"
    assert all('"Handbook"' in d.question for d in sections)
    assert reasons(MARKDOWN) == ["a heading that makes no question"], "`Background`"


def test_spans_hold_the_answer() -> None:
    text = document(MARKDOWN).text
    for draft in drafts(MARKDOWN):
        for word in draft.answer.replace("#", "").split():
            assert word in text[draft.start : draft.end]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("# Doc\n\n## Contents\n\n- [One](#one)\n- [Two](#two)\n", "a table of contents"),
        ("# Doc\n\n## Links\n\n- [One](#one)\n- [Two](#two)\n", "a table of contents"),
        ("# Doc\n\n## Why so?\n\nTODO\n", "a placeholder instead of an answer"),
        ("# Doc\n\n## Why so?\n\n[Your answer here]\n", "a placeholder instead of an answer"),
        ("Q: Why?\nA: ...\n", "a placeholder instead of an answer"),
    ],
)
def test_what_is_no_answer_is_counted(text: str, reason: str) -> None:
    assert reasons(text) == [reason]
    assert drafts(text) == []


def test_questions_in_setext_headings_and_without_text() -> None:
    assert [(d.question, d.answer) for d in drafts("Why so?\n-------\n\nSo.\n\nAnd why not?\n===========\n")] == [("Why so?", "So.")]


def test_text_files_with_pairs_or_headings() -> None:
    pairs = document("Intro\n\nQuestion 1: What is\nthis?\nAnswer: A test.\n\n- with a list\n\nQ2. And that?\nA. Too.\n", "faq.txt", "text")
    assert [(d.question, d.answer) for d in text_drafts(pairs) if isinstance(d, Draft)] == [
        ("What is this?", "A test.\n\n- with a list"),
        ("And that?", "Too."),
    ]
    headed = document("Run the tests\n=============\n\nCall ``make``.\n", "notes.txt", "text")
    assert [(d.kind, d.question, d.answer) for d in text_drafts(headed) if isinstance(d, Draft)] == [
        ("how-to", "How do I run the tests?", "Call `make`.")
    ]
    assert list(text_drafts(document("Just some text without any question in it.", "a.txt", "text"))) == [Drop("text without a heading")]


def test_topics_give_sections_and_methods() -> None:
    text = (
        'The "del" statement\n*******************\n\n   del_stmt ::= "del" target_list\n\nDeletion is "recursive".\n\n'
        "object.__del__(self)\n\n   Called when the instance is about to go.\n"
    )
    found = [d for d in text_drafts(document(text, "del", "text", "topic del")) if isinstance(d, Draft)]
    assert [d.kind for d in found] == ["topic", "definition"]
    assert "`del` statement" in found[0].question
    assert found[0].answer.startswith('```text\ndel_stmt ::= "del" target_list\n```\n\nDeletion is `recursive`.')
    assert "`object.__del__(self)`" in found[1].question
    assert found[1].answer == "Called when the instance is about to go."
