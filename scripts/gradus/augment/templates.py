"""Wordings that ask the same: a question of one form can be asked in each of the others of its family."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from gradus.augment.slots import slotted

_pattern = cache(slotted)


@dataclass(frozen=True)
class Family:
    """Forms of one question. Only those stand together that ask for the same answer."""

    forms: tuple[str, ...]

    def others(self, question: str) -> list[str]:
        """The question in the other forms of this family; empty when it has none of its forms."""
        for form in self.forms:
            match = _pattern(form).fullmatch(question)
            if match:
                return [other.format(**match.groupdict()) for other in self.forms if other != form]
        return []


_NAMED = (
    # A thing with a name: what it is and does.
    ("What does {name} do?", "Explain what {name} does.", "What is {name} used for?", "Describe what {name} does."),
    ("What does {name} do in Python?", "Explain what {name} does in Python.", "What is {name} used for in Python?"),
    ("What is the class {name} for?", "Describe the class {name}.", "What does the class {name} represent?", "Explain what the class {name} is for."),
    ("What is the module {name} for?", "What does the module {name} provide?", "Describe the module {name}."),
    ("What is the {kind} {name} for?", "What does the {kind} {name} do?", "Explain what the {kind} {name} is for.", "Describe the {kind} {name}."),
    ("What does the attribute {name} hold?", "What is the attribute {name}?", "Describe the attribute {name}."),
    ("What does the {name} statement do in Python?", "How does the {name} statement work in Python?", "Explain the {name} statement in Python."),
    ("Give me an overview of {name}.", "How do I use {name}?", "Describe {name} with its parameters.", "Describe how {name} is used."),
    ("What is the difference between {name} and {other}?", "How do {name} and {other} differ?", "Compare {name} with {other}."),
    ("What is {name}?", "Explain what {name} is.", "Describe {name}."),
    # One side of it.
    ("What are the parameters of {name}?", "Which parameters does {name} take?", "Explain the parameters of {name}.", "What does {name} accept?"),
    ("What does {name} return?", "What is the return value of {name}?", "Describe the return value of {name}.", "What do I get back from {name}?"),
    ("What does {name} yield?", "Describe what {name} yields.", "Which values does {name} yield?"),
    ("Which exceptions does {name} raise?", "When does {name} raise an error?", "What errors can {name} raise?"),
    ("What are the attributes of {name}?", "Which attributes does {name} have?", "List the attributes of {name}."),
    ("Show me an example of {name}.", "Give a code example for {name}.", "How is {name} used in code?", "Can you show {name} in use?"),
    ("What should I know about {name}?", "Are there notes on {name}?", "What is worth noting about {name}?"),
    ("What is related to {name}?", "Which functions are similar to {name}?", "What else should I look at besides {name}?"),
)
_DOCUMENTS = (
    ("What does the documentation of {name} say about {x}?", "Explain {x} in {name}.", "Describe what the documentation of {name} says about {x}."),
    ("What does the Python reference say about {x}?", "Explain {x} in Python.", "Describe what the Python reference says about {x}."),
    (
        "According to {quoted}, how do I {way}?",
        "According to {quoted}, how can I {way}?",
        "Tell me how to {way} according to {quoted}.",
        "What does {quoted} say about how to {way}?",
    ),
    (
        "What does {quoted} say about {topic}?",
        "According to {quoted}, what should I know about {topic}?",
        "Tell me what {quoted} says about {topic}.",
        "What can I read in {quoted} about {topic}?",
    ),
    ("What is {quoted} about?", "Tell me what {quoted} is about.", "What does {quoted} deal with?"),
    (
        "What does the document {quoted} describe?",
        "What is the document {quoted} about?",
        "Tell me what the document {quoted} describes.",
        "What does the document {quoted} deal with?",
    ),
    ("What was decided in {quoted}?", "Tell me what was decided in {quoted}.", "Which decisions were made in {quoted}?"),
    ("Who took part in {quoted}?", "Tell me who took part in {quoted}.", "Who were the participants in {quoted}?"),
    ("What was on the agenda of {quoted}?", "Tell me what was on the agenda of {quoted}.", "Which points were on the agenda of {quoted}?"),
)
_HEADINGS = (
    # What a heading of a text asks.
    ("What can I do when {topic}?", "What can be done when {topic}?", "Tell me what I can do when {topic}.", "What can I do if {topic}?"),
    ("What should I know about {topic}?", "Tell me what I should know about {topic}.", "What is worth knowing about {topic}?"),
    ("How do I fix {quoted}?", "How can I fix {quoted}?", "What can I do about {quoted}?", "Tell me how to fix {quoted}."),
    ("What are the {points} of {x}?", "Tell me the {points} of {x}.", "Name the {points} of {x}."),
    ("Which {points} does {single} have?", "What {points} does {single} have?", "Tell me which {points} {single} has."),
    ("How does {single} work?", "Explain how {single} works.", "Describe how {single} works.", "Tell me how {single} works."),
    ("How do {plural} work?", "Explain how {plural} work.", "Describe how {plural} work.", "Tell me how {plural} work."),
    ("How {be} {several} {done}?", "Explain how {several} {be} {done}.", "Describe how {several} {be} {done}.", "Tell me how {several} {be} {done}."),
    ("Who does {single} apply to?", "To whom does {single} apply?", "Tell me who {single} applies to."),
    ("Where do I get help with {x}?", "Where can I get help with {x}?", "Tell me where to get help with {x}.", "Where do I find help with {x}?"),
    *(
        (f"{word.capitalize()} should I {{x}}?", f"Tell me {word} I should {{x}}.", f"Could you tell me {word} I should {{x}}?")
        for word in ("when", "where", "why")
    ),
)
_FREE = (
    ("How do I {way}?", "How can I {way}?", "What do I need to do to {way}?", "Show me how to {way}.", "Explain how to {way}."),
    ("What is the difference between {pair}?", "Explain the difference between {pair}.", "Tell me the difference between {pair}."),
    ("What is the purpose of {x}?", "Explain the purpose of {x}.", "Tell me the purpose of {x}."),
    ("What does {term} mean?", "What is meant by {term}?", "Explain the meaning of {term}.", "What is the meaning of {term}?"),
    ("Give an example of {x}.", "Show me an example of {x}.", "Can you give me an example of {x}?", "Can you give an example of {x}?"),
    ("Can you explain {x}?", "Could you explain {x}?", "Please explain {x}.", "I would like you to explain {x}."),
    ("What is {thing}?", "Tell me what {thing} is.", "Do you know what {thing} is?"),
    ("What are {things}?", "Tell me what {things} are.", "Do you know what {things} are?"),
    ("Explain how {x}.", "Describe how {x}."),
)
_TASKS = ("write", "create", "list", "summarize", "translate", "convert", "compare", "implement", "suggest", "identify", "rewrite", "describe")

# The first family with a form that fits is taken, so the narrow ones stand before the wide ones.
FAMILIES = (
    *(Family(forms) for forms in (*_NAMED, *_DOCUMENTS, *_HEADINGS, *_FREE)),
    *(Family((f"{task.capitalize()} {{object}}.", f"Could you {task} {{object}}?", f"I need you to {task} {{object}}.")) for task in _TASKS),
)


def rewordings(question: str) -> list[str]:
    """The question in other words, in the order of the templates; empty when no template fits."""
    return next((others for family in FAMILIES if (others := family.others(question))), [])
