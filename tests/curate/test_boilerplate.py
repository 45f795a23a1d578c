"""A refusal opens the answer; what only speaks of refusals, or of the limits of a thing, is none."""

from __future__ import annotations

import pytest

from gradus.curate.boilerplate import is_refusal

REFUSALS = [
    "I'm sorry, but I can't help with that request.",
    "I'm sorry, but as an AI language model I cannot help with that.",
    "As an AI language model, I do not have opinions.",
    "I'm just an AI, so I can't say.",
    "I'm an AI language model. I cannot open files.",
    "Unfortunately, I am unable to provide that.",
    "I do not know.",
    "I don’t know the answer to that.",
    "I am not able to open links.",
    "I'm sorry.",
    "The text does not mention it.",
    "Als KI-Sprachmodell kann ich dabei nicht helfen.",
    "Als KI habe ich keine Meinung.",
    "Es tut mir leid, aber dabei kann ich nicht helfen.",
    "Es tut mir leid, aber als KI-Sprachmodell kann ich das nicht.",
    "Es tut mir leid, ich kann diese Frage nicht beantworten.",
    "Leider kann ich dir dabei nicht helfen.",
    "Das weiß ich leider nicht.",
    "Es tut mir leid.",
]
ANSWERS = [
    '"I do not know" is what the model should say when the documents hold nothing.',
    "“I cannot help with that” is how a model refuses.",
    "A refusal opens with words such as: I'm sorry, but I can't help with that.",
    "This function cannot create a file when the folder does not exist.",
    "I/O errors do not provide a traceback here.",
    "We do not support Python 2. Use 3.9 or later.",
    "I'm an AI assistant made by Acme. I can help with orders and refunds.",
    "Sorry, this was a fault of 2.1. Upgrade to 2.2.",
    "I do not know of a better way than `sorted`: it is stable.",
    "As an assistant professor, she taught law.",
    "Als KI bezeichnet man Systeme, die nicht fest programmiert sind.",
    "Leider ist die Datei nicht lesbar: lege sie neu an.",
    "Ich kann das Buch nur empfehlen.",
]


@pytest.mark.parametrize("answer", REFUSALS)
def test_a_refusal_is_seen(answer: str) -> None:
    assert is_refusal(answer)


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_with_such_words_is_none(answer: str) -> None:
    assert not is_refusal(answer)
