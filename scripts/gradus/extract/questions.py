"""Wordings of questions. Which one is taken follows from a hash, so it varies and never changes."""

from __future__ import annotations

from gradus.files import sha256_text

_API: dict[str, tuple[str, ...]] = {
    "definition": ("What does `{call}` do?", "Explain what `{call}` does.", "What is `{call}` used for?"),
    "definition of a class": ("What is the class `{call}` for?", "Describe the class `{call}`.", "What does the class `{call}` represent?"),
    "definition of a module": ("What is the module `{name}` for?", "What does the module `{name}` provide?", "Describe the module `{name}`."),
    "definition of an attribute": ("What is `{name}`?", "What does the attribute `{name}` hold?"),
    "overview": ("How do I use `{call}`?", "Give me an overview of `{call}`.", "Describe `{call}` with its parameters."),
    "parameters": ("Which parameters does `{call}` take?", "What are the parameters of `{call}`?", "Explain the parameters of `{call}`."),
    "returns": ("What does `{call}` return?", "What is the return value of `{call}`?"),
    "yields": ("What does `{call}` yield?",),
    "raises": ("Which exceptions does `{call}` raise?", "When does `{call}` raise an error?"),
    "example": ("Show me an example of `{call}`.", "How is `{call}` used in code?", "Give a code example for `{call}`."),
    "notes": ("What should I know about `{call}`?", "Are there notes on `{call}`?"),
    "related": ("What is related to `{name}`?", "Which functions are similar to `{name}`?"),
    "attributes": ("Which attributes does `{name}` have?", "What are the attributes of `{name}`?"),
    "section": ("What does the documentation of `{name}` say about {title}?", "Explain {title} in `{name}`."),
}
_PROSE: dict[str, tuple[str, ...]] = {
    "topic": ("Explain {title} in Python.", "What does the Python reference say about {title}?"),
    "statement": ("How does the {title} statement work in Python?", "What does the {title} statement do in Python?"),
    "method": ("What does {title} do in Python?", "Explain {title} in Python."),
    "section": ('What does "{document}" say about {title}?', 'According to "{document}", what should I know about {title}?'),
    "nested": ('What does "{document}" say about {title} under "{above}"?',),
    "unnamed": ("What should I know about {title}?",),
    "whole": ('What is "{title}" about?', 'What does the document "{title}" describe?'),
    "how-to": ("How do I {title}?",),
}


def api_question(key: str, seed: str, **values: str) -> str:
    """A question about a documented object; `key` is a kind, `seed` decides the wording."""
    return _pick(_API[key], key + seed).format(**values)


def prose_question(key: str, seed: str, **values: str) -> str:
    """A question about a section of a text."""
    return _pick(_PROSE[key], key + seed).format(**values)


def _pick(wordings: tuple[str, ...], seed: str) -> str:
    return wordings[int(sha256_text(seed)[:8], 16) % len(wordings)]
