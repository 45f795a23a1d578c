"""Wordings that ask the same: a question of one form can be asked in each of the others of its family."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

# What a slot takes. {name} and {other}: one span of inline code. {x}: words on one line, inline code among them, within
# one sentence. {thing}: an article and up to four words.
_CODE = r"`[^`\n]+`"
_SLOTS = {"name": _CODE, "other": _CODE, "x": rf"(?:[^\n`?!;:.]|\.(?=\w)|{_CODE})+?", "thing": rf"(?:an?|the)(?: (?:[\w-]+|{_CODE})){{1,4}}"}


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


@cache
def _pattern(form: str) -> re.Pattern[str]:
    """A form as a regular expression with its slots as groups."""
    escaped = re.escape(form)
    for slot, pattern in _SLOTS.items():
        escaped = escaped.replace(rf"\{{{slot}\}}", f"(?P<{slot}>{pattern})")
    return re.compile(escaped)


_NAMED = (
    # A thing with a name: what it is and does.
    ("What does {name} do?", "Explain what {name} does.", "What is {name} used for?", "Describe what {name} does."),
    ("What does {name} do in Python?", "Explain what {name} does in Python.", "What is {name} used for in Python?"),
    ("What is the class {name} for?", "Describe the class {name}.", "What does the class {name} represent?", "Explain what the class {name} is for."),
    ("What is the module {name} for?", "What does the module {name} provide?", "Describe the module {name}."),
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
)
_FREE = (
    ("How do I {x}?", "How can I {x}?", "What is the way to {x}?", "Show me how to {x}.", "Explain how to {x}."),
    ("What is the difference between {x}?", "Explain the difference between {x}."),
    ("What is the purpose of {x}?", "Explain the purpose of {x}.", "What purpose does {x} serve?"),
    ("What are the advantages of {x}?", "Name the advantages of {x}."),
    ("What does {x} mean?", "What is meant by {x}?", "Explain the meaning of {x}."),
    ("Give an example of {x}.", "Show me an example of {x}.", "Can you give an example of {x}?"),
    ("Can you explain {x}?", "Could you explain {x}?", "Please explain {x}.", "I would like an explanation of {x}."),
    ("What is {thing}?", "Tell me what {thing} is.", "Do you know what {thing} is?"),
    ("Explain how {x}.", "Describe how {x}."),
)
_TASKS = ("write", "create", "list", "summarize", "translate", "convert", "compare", "implement", "suggest", "identify", "rewrite", "describe")

# The first family with a form that fits is taken, so the narrow ones stand before the wide ones.
FAMILIES = (
    *(Family(forms) for forms in (*_NAMED, *_DOCUMENTS, *_FREE)),
    *(Family((f"{task.capitalize()} {{x}}.", f"Could you {task} {{x}}?", f"I need you to {task} {{x}}.")) for task in _TASKS),
)


def rewordings(question: str) -> list[str]:
    """The question in other words, in the order of the templates; empty when no template fits."""
    return next((others for family in FAMILIES if (others := family.others(question))), [])
