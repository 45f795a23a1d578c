"""Documents out of strings, and what the rules make of them."""

from __future__ import annotations

from gradus.collect.text import Format, Found, document_of
from gradus.extract.draft import Draft, Drop
from gradus.extract.prose import markdown_drafts, text_drafts
from gradus.records import Document


def document(text: str, name: str = "notes.md", format_: Format = "markdown", source: str = "") -> Document:
    return document_of(Found(name, text, format_, source or name, name, "test"), "now")


def read(text: str, name: str = "notes.md", format_: Format = "markdown") -> list[Draft | Drop]:
    found = document(text, name, format_)
    return list(markdown_drafts(found) if format_ == "markdown" else text_drafts(found))


def pairs(text: str, name: str = "notes.md", format_: Format = "markdown") -> list[tuple[str, str]]:
    return [(item.question, item.answer) for item in read(text, name, format_) if isinstance(item, Draft)]


def questions(text: str, name: str = "notes.md", format_: Format = "markdown") -> list[str]:
    return [question for question, _ in pairs(text, name, format_)]


def reasons(text: str, name: str = "notes.md", format_: Format = "markdown") -> list[str]:
    return [item.reason for item in read(text, name, format_) if isinstance(item, Drop)]
