"""Plain text, as a PDF gives it: headings, lists, paragraphs and questions by their look."""

from __future__ import annotations

from .reading import pairs, reasons

MANUAL = """Coffee Machine X200
User Manual

ACME Appliances

1 Safety Instructions
Read this manual before the first use. Keep chil-
dren away from the machine while it is hot. Small
children must not play with it.

ACME Appliances

2 First Use
2.1 Filling the Tank
Remove the tank and fill it with fresh water up to
the MAX line. Put the tank back until it clicks.

Page 3 of 12

3 Cleaning
The brewing unit should be rinsed once a week:
• Open the side door.
• Rinse it under warm water without soap and let
  it dry.

ACME Appliances

4 Troubleshooting
The machine does not brew
The tank is empty or not in place. Fill it and push
it down.
"""


def test_a_manual() -> None:
    found = pairs(MANUAL, "manual.txt", "text")
    assert all('"Coffee Machine X200 User Manual"' in question for question, _ in (found[0], found[2]))
    assert [(question.rpartition(" about ")[2], answer) for question, answer in found] == [
        (
            "safety instructions?",
            "Read this manual before the first use. Keep children away from the machine while it is hot. Small children must not play with it.",
        ),
        ("How do I fill the tank?", "Remove the tank and fill it with fresh water up to the MAX line. Put the tank back until it clicks."),
        (
            "cleaning?",
            "The brewing unit should be rinsed once a week:\n\n- Open the side door.\n- Rinse it under warm water without soap and let it dry.",
        ),
        ("What can I do when the machine does not brew?", "The tank is empty or not in place. Fill it and push it down."),
    ]
    assert reasons(MANUAL, "manual.txt", "text") == ["a running head or foot of a page"] * 4


def test_numbered_lines_are_a_list_and_dotted_lines_are_contents() -> None:
    text = "Making Tea\n\nHow to make tea\n\n1. Boil the water.\n2. Pour it over the leaves\nand wait.\n"
    assert pairs(text, "tea.txt", "text") == [("How do I make tea?", "1. Boil the water.\n2. Pour it over the leaves and wait.")]
    contents = "Tea Guide\n\nKinds ............ 3\nWater ............ 5\n\nGreen Tea\n\nGreen tea is brewed with water of 80 degrees.\n"
    assert "a table of contents" in reasons(contents, "tea.txt", "text")


def test_a_text_without_headings_is_asked_for_as_a_whole_when_its_name_says_something() -> None:
    text = "Bees live in colonies. In spring the queen begins to lay eggs."
    assert [question for question, _ in pairs(text, "life_of_bees.txt", "text")] in (
        ['What is "life of bees" about?'],
        ['What does the document "life of bees" describe?'],
    )
    assert pairs(text, "scan_001.txt", "text") == []
