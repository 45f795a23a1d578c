"""Every shape in which an FAQ is written gives its questions, and nothing but them."""

from __future__ import annotations

import pytest

from .reading import pairs, questions, reasons

ANSWER = "Yes, within fourteen days of the purchase."
ASKED = "Can I return it after a week?"


@pytest.mark.parametrize(
    "text",
    [
        f"## {ASKED}\n\n{ANSWER}\n",
        f"### 3. {ASKED}\n\n{ANSWER}\n",
        f"## Q: {ASKED}\n\nA: {ANSWER}\n",
        f"## Shop\n\n**{ASKED}**\n\n{ANSWER}\n",
        f"## Shop\n\n**{ASKED}** {ANSWER}\n",
        f"## Shop\n\n**{ASKED}**\n{ANSWER}\n",
        f"## Shop\n\n__{ASKED}__\n\n{ANSWER}\n",
        f"## Shop\n\n*{ASKED}*\n\n{ANSWER}\n",
        f"## Shop\n\n**Q: {ASKED}** {ANSWER}\n",
        f"## Shop\n\n- **{ASKED}** {ANSWER}\n",
        f"## Shop\n\n- **{ASKED}**\n\n  {ANSWER}\n",
        f"## Shop\n\n1. **{ASKED}**\n\n{ANSWER}\n",
        f"## Shop\n\n1. {ASKED}\n   {ANSWER}\n",
        f"## Shop\n\n1. {ASKED}\n\n   {ANSWER}\n",
        f"Q: {ASKED}\nA: {ANSWER}\n",
        f"Q: {ASKED}\n\nA: {ANSWER}\n",
        f"Q1. {ASKED}\nA1. {ANSWER}\n",
        f"Question: {ASKED}\nAnswer: {ANSWER}\n",
        f"**Question 1:** {ASKED}\n\n**Answer:** {ANSWER}\n",
        f"**Q:** {ASKED}\n**A:** {ANSWER}\n",
        f"<details>\n<summary>{ASKED}</summary>\n\n{ANSWER}\n\n</details>\n",
        f"<details><summary><b>{ASKED}</b></summary>{ANSWER}</details>\n",
        f"<dl>\n  <dt>{ASKED}</dt>\n  <dd>{ANSWER}</dd>\n</dl>\n",
        f"{ASKED}\n: {ANSWER}\n",
        f"| Question | Answer |\n|---|---|\n| {ASKED} | {ANSWER} |\n",
    ],
)
def test_one_question_in_every_shape(text: str) -> None:
    assert pairs(text) == [(ASKED, ANSWER)]


def test_questions_without_any_mark_on_a_page_that_is_an_faq() -> None:
    text = "FREQUENTLY ASKED QUESTIONS\n\nHow do I register?\nFill in the form on the page and\nsend it.\n\nWhat does it cost?\nIt costs 120 euros.\n"
    expected = [("How do I register?", "Fill in the form on the page and send it."), ("What does it cost?", "It costs 120 euros.")]
    assert pairs(text, "faq.txt", "text") == expected
    assert questions("# Trip\n\nWe left early. Was it worth it?\n\nIt was a fine day.\n") == ['What is "Trip" about?']


def test_an_answer_keeps_its_lists_and_blocks_up_to_the_next_question() -> None:
    text = "## Kit\n\n**What is in the box?**\n\nThree things:\n\n- a lamp\n- a cable\n\n> Keep the box.\n\n**Is it heavy?**\n\nNo.\n"
    assert pairs(text) == [("What is in the box?", "Three things:\n\n- a lamp\n- a cable\n\n> Keep the box."), ("Is it heavy?", "No.")]


def test_a_definition_list_below_folded_questions_is_no_part_of_their_answers() -> None:
    text = f"# Boiler\n\n**{ASKED}**\n\n{ANSWER}\n\n- **What fuel does it take?**: It takes oil.\n- **Flue**: The pipe for the smoke.\n"
    assert set(pairs(text)) == {
        (ASKED, ANSWER),
        ("What fuel does it take?", "It takes oil."),
        ('What does "Flue" mean?', "The pipe for the smoke."),
    }


def test_a_term_of_a_glossary_that_asks_is_asked() -> None:
    assert questions("# Glossary\n\n- **What fuel does it take?**: It takes oil.\n") == ["What fuel does it take?"]


def test_tables_and_lists_of_terms_and_of_symptoms() -> None:
    terms = "# Glossary\n\n- **LoRA**: Few weights are trained.\n- **KV cache** – Keys and values of earlier tokens.\n\n"
    terms += "| Term | Meaning |\n|---|---|\n| BPE | Byte pairs. |\n"
    assert questions(terms) == ['What does "LoRA" mean?', 'What does "KV cache" mean?', 'What does "BPE" mean?']
    assert pairs("Epoch\n: One pass over the data.\n\nBatch\n\n: Some examples\n  at once.\n") == [
        ('What does "Epoch" mean?', "One pass over the data."),
        ('What does "Batch" mean?', "Some examples at once."),
    ]
    cures = "| Problem | Solution |\n|---|---|\n| The lamp does not light | Change the bulb. |\n| `E42: busy` | Wait. |\n"
    assert pairs(cures) == [("What can I do when the lamp does not light?", "Change the bulb."), ("How do I fix `E42: busy`?", "Wait.")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("# FAQ\n\n- [How?](#how)\n- [Why not?](#why)\n", "a table of contents"),
        ("# FAQ\n\n- How is it done?\n- Why is it done?\n", "a list of questions without answers"),
        ("# A\n\n- [One](https://one.example)\n- [Two](https://two.example)\n", "a list of links"),
        ("Home > Docs > Lamp\n", "navigation"),
        ("[Previous](a.md) | [Next](b.md)\n", "navigation"),
        ("[![Build](https://x.example/a.svg)](https://x.example)\n", "a badge or picture"),
        ("© 2024 Lamp Ltd. All rights reserved.\n", "a licence or copyright line"),
        ("We use cookies to improve this site.\n", "a cookie notice"),
        ("## Changelog\n\n### 1.2.0 (2024-01-02)\n\n- faster\n", "a changelog"),
        ("## Is it bright?\n\nTBD\n", "a placeholder instead of an answer"),
        ("## Is it bright?\n\nFIXME: ask Anna\n", "a placeholder instead of an answer"),
        ("## Is it bright?\n\nInsert the answer here.\n", "a placeholder instead of an answer"),
        ("## Is it bright?\n\nComing soon!\n", "a placeholder instead of an answer"),
        ("## Is it bright?\n\n**Lorem ipsum** dolor sit amet.\n", "a placeholder instead of an answer"),
        ("## Is it bright?\n\nSee [the manual](https://x.example).\n", "an answer that only points elsewhere"),
        ("## Is it bright?\n\n## Lamp oil\n\n", "a question without an answer"),
        ("## Why?\n\nBecause it is so.\n", "a heading that makes no question"),
        ("## Miscellaneous\n\nThis and that.\n", "a heading that makes no question"),
        ("<details><summary>Click me</summary>\n\nSome text.\n\n</details>\n", "a folded text whose summary makes no question"),
    ],
)
def test_what_makes_no_example_is_counted(text: str, reason: str) -> None:
    assert reason in reasons(text)
    assert questions(text) == []


def test_html_left_over_becomes_markdown() -> None:
    text = '<div align="center">\n<img src="a.png">\n</div>\n\n## Is it <b>quick</b>?\n\nPress <kbd>q</kbd>,<br>then see `<b>`.\n\n<!-- TODO -->\n'
    assert pairs(text) == [("Is it quick?", "Press `q`, then see `<b>`.")]
