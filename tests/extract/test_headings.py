"""What headings ask, and that they ask nothing where no good question can be made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradus.extract.draft import Draft
from gradus.extract.prose import markdown_drafts

from .reading import document, pairs, questions


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("Installation", "How do I install Foo?"),
        ("Getting started", "How do I get started with Foo?"),
        ("Installation on Windows", "How do I install Foo on Windows?"),
        ("Installing the plugin", "How do I install the plugin?"),
        ("To reset your password:", "How do I reset my password?"),
        ("How to reset your password", "How do I reset my password?"),
        ("Running Foo as a service", "How do I run Foo as a service?"),
        ("Configuring and testing the proxy", "How do I configure and test the proxy?"),
        ("Choose base, rank and learning rate", "How do I choose base, rank and learning rate?"),
        ("How to read a Makefile", "How do I read a Makefile?"),
        ("How to Read a Chart", "How do I read a chart?"),
        ("Requirements", "What are the requirements of Foo?"),
        ("Command-line options", "Which command-line options does Foo have?"),
        ("How Foo works", "How does Foo work?"),
        ("When to use Foo", "When should I use Foo?"),
        ("What is a frame", "What is a frame?"),
        ("Foo vs rsync", "What is the difference between Foo and rsync?"),
        ("Differences between a and b", "What is the difference between a and b?"),
        ("Packages cannot be installed", "What can I do when packages cannot be installed?"),
        ("The service does not start", "What can I do when the service does not start?"),
        ('"Permission denied" error', 'How do I fix "Permission denied" error?'),
        ("`foo.run(a, b)`", "What does `foo.run(a, b)` do?"),
        ("`--dry-run`", "What does the option `--dry-run` do?"),
        ("class Widget", "What is the class `Widget` for?"),
    ],
)
def test_what_a_heading_asks(heading: str, question: str) -> None:
    assert question in questions(f"# Foo User Guide\n\n## {heading}\n\nThis is the text below it.\n")


@pytest.mark.parametrize(
    "heading",
    [
        "Notes",
        "Miscellaneous",
        "Step 2",
        "Part II",
        "It depends.",
        "If nothing helps",
        "Use cases",
        "Load files",
        "Download this",
        "With pip",
        "2024-01-02",
        "???",
        "No AI",
        "Avoid this",
    ],
)
def test_no_question_rather_than_a_bad_one(heading: str) -> None:
    assert questions(f"# Foo User Guide\n\n## {heading}\n\nThis is the text below it.\n") == []


def test_a_word_that_needs_a_subject_asks_nothing_without_one() -> None:
    assert questions("## Installation\n\nRun the installer from the page.\n", "readme.md") == []


def test_a_definition_asks_what_it_defines() -> None:
    assert questions("# Handbook\n\n## Learning Rate\n\nThe learning rate is the size of a step.\n") == ["What is the learning rate?"]
    assert questions("# Handbook\n\n## Hooks\n\n**Hooks** are functions called at fixed points.\n") == ["What are hooks?"]
    assert questions("# Foo\n\nFoo is a tool that keeps folders in step.\n") == ["What is Foo?"]
    assert questions("# Handbook\n\n## Loss or Theft\n\nLoss or theft is reported within a day.\n") != ["What is loss or theft?"]


def test_subheadings_that_ask_nothing_belong_to_the_answer_above() -> None:
    text = "# Foo\n\n## Installing the plugin\n\nTwo steps.\n\n### Step 1\n\nUnpack it.\n\n### Step 2\n\nCopy it.\n"
    assert pairs(text) == [("How do I install the plugin?", "Two steps.\n\n### Step 1\n\nUnpack it.\n\n### Step 2\n\nCopy it.")]


def test_platforms_below_a_how_to_go_on_with_its_question() -> None:
    text = "# Foo\n\n## Installation\n\n### Linux\n\nUse the package.\n\n### From source\n\nClone it.\n"
    assert questions(text) == ["How do I install Foo on Linux?", "How do I install Foo from source?"]


def test_a_second_gerund_that_is_no_known_verb_makes_no_action() -> None:
    (question,) = questions("# Foo User Guide\n\n## Stopping and going on\n\nPress Ctrl-C.\n")
    assert question.endswith("about stopping and going on?")


def test_sections_of_a_page_whose_name_is_no_subject() -> None:
    text = "# Guide\n\n## Install\n\nRun the installer.\n\n## Requirements\n\nA disk of one gigabyte.\n\n## Example\n\nPress the button.\n"
    asked = questions(text)
    assert asked[0] == 'According to "Guide", how do I install it?'
    assert len(asked) == 2 and '"Guide"' in asked[1] and asked[1].endswith(" requirements?")


CHAPTERS = "# The river\n\nIt is long.\n\n# The hill\n\nIt is high.\n\n## Paths\n\nThree lead up.\n"


@pytest.mark.parametrize(("name", "book"), [("walks.md", '"walks"'), ("Walks, vol. 2", '"Walks, vol. 2"'), ("readme.md", "")])
def test_a_chapter_is_not_looked_for_in_the_first_one(name: str, book: str) -> None:
    found = document(CHAPTERS, "book.epub" if name.startswith("W") else name)
    drafts = [draft for draft in markdown_drafts(replace(found, title=name)) if isinstance(draft, Draft)]
    assert [draft.answer for draft in drafts] == ["It is long.", "It is high.", "Three lead up."]
    assert all(book in draft.question and '"The river"' not in draft.question for draft in drafts)


def test_sections_of_level_1_below_a_title_of_level_1_are_about_that_title() -> None:
    assert questions("# Foo\n\n# Installation\n\nRun the installer.\n", "readme.md") == ["How do I install Foo?"]


def test_capitals_of_names_stay_and_others_go() -> None:
    text = "# Handbook\n\n## Parental Leave in Germany\n\nIn Germany parental leave lasts long. All leave is paid.\n\n"
    text += "## Docker Images\n\nWe build Docker images.\n"
    assert [q.partition("about ")[2] for q in questions(text)] == ["parental leave in Germany?", "Docker images?"]


def test_meeting_notes_and_policies() -> None:
    notes = "# Team meeting 5 March\n\n## Decisions\n\n- The release moves.\n\n## Attendees\n\nAnna and Ben took part.\n"
    assert questions(notes) == ['What was decided in "Team meeting 5 March"?', 'Who took part in "Team meeting 5 March"?']
    assert questions("# Remote Work Policy\n\n## 1. Purpose\n\nStaff gain freedom.\n") == ["What is the purpose of the Remote Work Policy?"]


def test_lines_in_bold_are_the_headings_of_a_text_without_any() -> None:
    text = "**Expense Policy**\n\nExpenses are paid back.\n\n"
    text += "**Meals**\n\nUp to 30 euros a day.\n\n**How to hand in a claim**\n\n1. Scan it.\n2. Send it.\n"
    found = dict(pairs(text))
    assert found["How do I hand in a claim?"] == "1. Scan it.\n2. Send it."
    assert "Up to 30 euros a day." in found.values()
