"""Templates: every form of a family is understood, leads to all others, and keeps what it names."""

from __future__ import annotations

import pytest

from gradus.augment.preserved import first_difference
from gradus.augment.templates import FAMILIES, Family, rewordings
from gradus.extract.headwords import HEADWORDS, OF_DOCUMENT
from gradus.extract.questions import prose_question

FILLED = {
    "name": "`numpy.sort(a, axis=-1)`",
    "other": "`sorted`",
    "quoted": '"The guide: part 2"',
    "x": "the 3 rules of `yield from` in PEP 380",
    "way": "read `a.csv` with NumPy 2",
    "topic": "`yield from`, and what PEP 380 says",
    "pair": "`list` and `tuple` in Python 3",
    "object": "a list of 3 rules in PEP 8",
    "thing": "a lost update",
    "things": "the rules of PEP 8",
    "single": "the parser",
    "plural": "shallow copies",
    "several": "long answers",
    "term": '"lost update"',
    "points": "known limitations",
    "kind": "option",
    "be": "are",
    "done": "graded in CI",
}
GOOD = {
    "What is the capital of France?": [
        "Tell me what the capital of France is.",
        "Do you know what the capital of France is?",
    ],
    "What is a linked list?": [
        "Tell me what a linked list is.",
        "Do you know what a linked list is?",
    ],
    "What is the meaning of this word?": [
        "Tell me what the meaning of this word is.",
        "Do you know what the meaning of this word is?",
    ],
    "What is the president's name?": [
        "Tell me what the president's name is.",
        "Do you know what the president's name is?",
    ],
    "What is your favourite colour?": [
        "Tell me what your favourite colour is.",
        "Do you know what your favourite colour is?",
    ],
    'What is "Gradus"?': [
        'Tell me what "Gradus" is.',
        'Do you know what "Gradus" is?',
    ],
    "What is GitHub?": [
        "Tell me what GitHub is.",
        "Do you know what GitHub is?",
    ],
    "What are the main causes of the war?": [
        "Tell me what the main causes of the war are.",
        "Do you know what the main causes of the war are?",
    ],
    'What does "leakage" mean?': [
        'What is meant by "leakage"?',
        'Explain the meaning of "leakage".',
        'What is the meaning of "leakage"?',
    ],
    "What does HTTP mean?": [
        "What is meant by HTTP?",
        "Explain the meaning of HTTP.",
        "What is the meaning of HTTP?",
    ],
    "What does entropy mean?": [
        "What is meant by entropy?",
        "Explain the meaning of entropy.",
        "What is the meaning of entropy?",
    ],
    "What is the purpose of unit tests?": [
        "Explain the purpose of unit tests.",
        "Tell me the purpose of unit tests.",
    ],
    "What are the key features of Gradus?": [
        "Tell me the key features of Gradus.",
        "Name the key features of Gradus.",
    ],
    "Which options does the tool have?": [
        "What options does the tool have?",
        "Tell me which options the tool has.",
    ],
    "How does a car engine work?": [
        "Explain how a car engine works.",
        "Describe how a car engine works.",
        "Tell me how a car engine works.",
    ],
    "How do solar panels work?": [
        "Explain how solar panels work.",
        "Describe how solar panels work.",
        "Tell me how solar panels work.",
    ],
    "How are answers graded?": [
        "Explain how answers are graded.",
        "Describe how answers are graded.",
        "Tell me how answers are graded.",
    ],
    "How is bread made in France?": [
        "Explain how bread is made in France.",
        "Describe how bread is made in France.",
        "Tell me how bread is made in France.",
    ],
    "When should I not use a teacher?": [
        "Tell me when I should not use a teacher.",
        "Could you tell me when I should not use a teacher?",
    ],
    "Who does the travel policy apply to?": [
        "To whom does the travel policy apply?",
        "Tell me who the travel policy applies to.",
    ],
    "How do I read config.yaml with version 2.1?": [
        "How can I read config.yaml with version 2.1?",
        "What do I need to do to read config.yaml with version 2.1?",
        "Show me how to read config.yaml with version 2.1.",
        "Explain how to read config.yaml with version 2.1.",
    ],
    "Show me how to cook rice for 1,000 people.": [
        "How do I cook rice for 1,000 people?",
        "How can I cook rice for 1,000 people?",
        "What do I need to do to cook rice for 1,000 people?",
        "Explain how to cook rice for 1,000 people.",
    ],
    "How do I fix \"KeyError: 'a'\"?": [
        "How can I fix \"KeyError: 'a'\"?",
        "What can I do about \"KeyError: 'a'\"?",
        "Tell me how to fix \"KeyError: 'a'\".",
    ],
    "What can I do when Loss is NaN, or training diverges?": [
        "What can be done when Loss is NaN, or training diverges?",
        "Tell me what I can do when Loss is NaN, or training diverges.",
        "What can I do if Loss is NaN, or training diverges?",
    ],
    "What should I know about slow disks?": [
        "Tell me what I should know about slow disks.",
        "What is worth knowing about slow disks?",
    ],
    'What does "Every setting" say about paths, files and folders?': [
        'According to "Every setting", what should I know about paths, files and folders?',
        'Tell me what "Every setting" says about paths, files and folders.',
        'What can I read in "Every setting" about paths, files and folders?',
    ],
    'What does "Every setting" say about paths under "Files"?': [
        'According to "Every setting", what should I know about paths under "Files"?',
        'Tell me what "Every setting" says about paths under "Files".',
        'What can I read in "Every setting" about paths under "Files"?',
    ],
    'According to "Every setting", what should I know about paths?': [
        'What does "Every setting" say about paths?',
        'Tell me what "Every setting" says about paths.',
        'What can I read in "Every setting" about paths?',
    ],
    'What is "More than one Mac" about?': [
        'Tell me what "More than one Mac" is about.',
        'What does "More than one Mac" deal with?',
    ],
    'What does the document "Every setting" describe?': [
        'What is the document "Every setting" about?',
        'Tell me what the document "Every setting" describes.',
        'What does the document "Every setting" deal with?',
    ],
    'Who took part in "Minutes of May"?': [
        'Tell me who took part in "Minutes of May".',
        'Who were the participants in "Minutes of May"?',
    ],
    "What is the option `--force` for?": [
        "What does the option `--force` do?",
        "Explain what the option `--force` is for.",
        "Describe the option `--force`.",
    ],
    "What is the difference between a list and a tuple?": [
        "Explain the difference between a list and a tuple.",
        "Tell me the difference between a list and a tuple.",
    ],
    "Give an example of recursion.": [
        "Show me an example of recursion.",
        "Can you give me an example of recursion?",
        "Can you give an example of recursion?",
    ],
    "Can you explain how gravity works?": [
        "Could you explain how gravity works?",
        "Please explain how gravity works.",
        "I would like you to explain how gravity works.",
    ],
    "Describe how rain forms.": [
        "Explain how rain forms.",
    ],
    "Write a haiku about rain.": [
        "Could you write a haiku about rain?",
        "I need you to write a haiku about rain.",
    ],
    "List 5 rivers of Europe.": [
        "Could you list 5 rivers of Europe?",
        "I need you to list 5 rivers of Europe.",
    ],
    'According to "The guide", how do I install it?': [
        'According to "The guide", how can I install it?',
        'Tell me how to install it according to "The guide".',
        'What does "The guide" say about how to install it?',
    ],
    "What is the purpose of the gate?": [
        "Explain the purpose of the gate.",
        "Tell me the purpose of the gate.",
    ],
}
TRAPS = """
What is the program supposed to do?
What is the dog eating?
What is the man in the hat eating?
What is the weather like?
What is the weather like in Paris?
What is the capital of France called?
What is the child scared of in the dark?
What is the company known for in Europe?
What is the cake made of?
What is the car worth?
What is the time in London now?
What is the best way to learn Python?
What is Anna doing?
What is happening?
What is it?
What is I?
What are the dogs eating?
What are the kids like?
What are you doing?
What does he mean?
What does this mean?
What does Anna mean?
What does this code mean?
What does running mean?
What purpose does unit tests serve?
What are the odds of winning?
What are the steps of the process and why do they matter?
Which dog does he want to have?
How does it work?
How does the company make people work?
How do people find work?
How are you feeling?
How is the new phone different?
How is my child when alone?
How is the weather expected to change?
How do I look in this dress?
How do I know whether it is done?
How can I help you?
How do I change your oil?
How do I get my money back, and when?
How do I get my money back and when?
Show me how to get my money back, and when.
Explain how to bake bread in simple terms.
Explain how to me this.
Can you explain to me what this is?
Can you explain me this?
I would like an explanation of to me what this is.
Please explain.
List of fruits.
List comprehension.
Write access.
Write me a poem.
Write a poem about love, loss and hope.
Translate to French.
Describe the plot of Hamlet in two sentences.
What is the difference between them?
Explain the difference between a and b and when to use each.
Why is the sky blue?
"""


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.forms[0])
def test_every_form_leads_to_all_others(family: Family) -> None:
    forms = [form.format(**FILLED) for form in family.forms]
    assert len(set(forms)) > 1
    for form in forms:
        found = rewordings(form)
        assert set(found) == set(forms) - {form}, form
        assert [first_difference(form, wording) for wording in found] == [None] * len(found)


@pytest.mark.parametrize(("question", "wordings"), GOOD.items(), ids=GOOD)
def test_questions_in_other_words(question: str, wordings: list[str]) -> None:
    assert rewordings(question) == wordings
    assert [first_difference(question, wording) for wording in wordings] == [None] * len(wordings)


@pytest.mark.parametrize("question", TRAPS.strip().splitlines())
def test_a_question_that_may_turn_out_wrong_has_no_wordings(question: str) -> None:
    assert rewordings(question) == []


@pytest.mark.parametrize(
    ("question", "wording"),
    [
        ("What does `a.b(c={'d': '?'})` do?", "Explain what `a.b(c={'d': '?'})` does."),
        ("Explain Type Promotion in `numpy`.", "What does the documentation of `numpy` say about Type Promotion?"),
    ],
)
def test_code_of_any_kind_stays_as_it_is(question: str, wording: str) -> None:
    assert wording in rewordings(question)


@pytest.mark.parametrize(
    "question",
    [
        "Explain the difference between a and b. Then write a poem.",
        "Write a function.\n\nInput: 3",
        "How do I do this? It fails.",
        "",
    ],
)
def test_more_than_a_question_fits_no_template(question: str) -> None:
    assert rewordings(question) == []


def test_the_prose_questions_of_02_have_two_other_wordings_or_more() -> None:
    """Each wording of a section and each known heading, with a title in it, so that a new one without a template is seen here."""
    titles = dict.fromkeys(("section", "nested", "unnamed", "whole"), "promote, fuse and quantize") | {"how-to": "read a file"}
    seeds = [str(i) for i in range(12)]
    asked = {prose_question(key, seed, title=title, document="The guide", above="Files") for key, title in titles.items() for seed in seeds}
    asked |= {question.format(title="scope" if "What is" in question else "known limitations", subject="Gradus") for *_, question in HEADWORDS}
    asked |= {question.format(title="next steps", document='"The guide"') for _, question in OF_DOCUMENT}
    asked |= {'According to "The guide", how do I install it?', "What can I do when the disk is full?", 'How do I fix "KeyError: 1"?'}
    assert len(asked) > 25
    assert {question for question in asked if len(rewordings(question)) < 2} == set()
