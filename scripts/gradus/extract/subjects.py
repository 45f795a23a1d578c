"""What a page is about, and questions about terms and symptoms."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gradus.extract.furniture import section_furniture
from gradus.extract.headwords import CLAUSE, FINITE, GENERIC, HEADWORDS, OF_DOCUMENT
from gradus.extract.wording import action, first_person, in_a_sentence

_RULES = re.compile(
    r"\b(?:policy|agreement|plan|handbook|charter|procedure|programme|program|act|regulations?|code of conduct|terms|contract|scheme|"
    r"project|team|committee|course|library|package|wrapper|tool|toolkit|framework|app|plugin|extension)$",
    re.IGNORECASE,
)
_SUFFIX = re.compile(
    r"[ _-]+(?:(?:user|users?|developer|quick ?start|getting started|reference|installation|administrator|admin|"
    r"style)[’']?s?[ _-]+)?(?:documentation|docs|faqs?|readme|manual|guide|tutorial|reference|notes|overview|user manual|introduction)$",
    re.IGNORECASE,
)
_PREFIX = re.compile(
    r"^(?:welcome to|introduction to|an introduction to|about|introducing|getting started with|overview of|faqs?(?: about| for| on|:)?|"
    r"frequently asked questions (?:about|for|on)|guide to|the) +",
    re.IGNORECASE,
)
_USELESS = re.compile(
    r"(?:readme|index|main|home|docs?|document|documentation|notes?|faqs?|frequently asked questions(?: \(faqs?\))?|untitled|text|file|"
    r"page|new|test|scan|img|output|export|content|help|manual|guide|questions|support)?[\s\d_.()-]*",
    re.IGNORECASE,
)

_UNNAMED = re.compile(
    r"(?:readme|index|main|home|docs?|document|file|page|untitled|text|new|test|scan|img|output|export|content|title)?[\s\d_.()-]*", re.IGNORECASE
)


WHOLE = "whole"
"""Kind of the question what the document is about, which the sections below its title do not answer."""


@dataclass(frozen=True)
class Asked:
    """A question and its kind."""

    kind: str
    question: str


@dataclass(frozen=True)
class Page:
    """What questions need to know about the whole document."""

    name: str
    """The first heading of level 1, else the file's name; '' when neither says anything."""
    text: str
    seed: str
    has_title: bool = True
    """Whether there is any heading."""
    has_headings: bool = True
    """Whether there are headings, other than lines in bold, besides the title."""

    @property
    def shown(self) -> str:
        """The name without a subtitle: `Foo: a tool for …` → `Foo`."""
        return re.split(r":\s+|\s+[-–—|]\s+", self.name)[0] or self.name

    @property
    def subject(self) -> str:
        """What the page is about, when its name is short enough to stand in a question; else ''."""
        return subject_of(self.name)


def subject_of(name: str) -> str:
    """`Welcome to Foo` → `Foo`, `Foo User Guide` → `Foo`, `Foo: a tool` → `Foo`; '' for names that say nothing."""
    code = re.fullmatch(r"(?:class |function |method )?`?((?:[A-Za-z_][\w.]*)(?:\([^`]*\))?)`?", name)
    if code and ("`" in name or "(" in name or name.startswith(("class ", "function ", "method "))):
        return f"`{code[1]}`"
    name = re.split(r"\s+[-–—|]\s+|:\s+", name)[0]
    name = _SUFFIX.sub("", _PREFIX.sub("", name.strip())).strip()
    generic = not name or GENERIC.fullmatch(name) or _USELESS.fullmatch(name) or action(name) or is_headword(name)
    if generic or len(name.split()) > 4 or name.endswith(("?", ".", "!")) or FINITE.search(name):
        return ""
    return f"the {name}" if _RULES.search(name) and not re.match(r"(?:the|our|my|your)\b", name, re.IGNORECASE) else name


def is_useful(name: str) -> bool:
    """Whether a file's name or title says what the document is."""
    return not (is_headword(name) or section_furniture(name, ())) and not _UNNAMED.fullmatch(name) and bool(re.search(r"[^\W\d_]{3}", name))


def about_term(term: str) -> Asked | None:
    """What a glossary entry answers; one that asks is the question itself."""
    term = term.strip().rstrip(":")
    if term.endswith("?"):
        return Asked("faq", term)
    if not term or len(term.split()) > 8 or term.endswith((".", "!", ",")) or not re.search(r"\w", term):
        return None
    return Asked("glossary", f'What does "{term}" mean?' if '"' not in term else f"What does {term} mean?")


def about_symptom(text: str, document: str) -> Asked | None:
    """What a row of a table of problems, or a heading that names one, answers; `document` is the text that it stands in."""
    text = text.strip().rstrip(".:")
    if not text or len(text) > 160:
        return None
    if text.endswith("?"):
        return Asked("troubleshooting", text) if len(text.split()) > 1 else None
    if CLAUSE.match(text) and not re.match(r"[\w.]*(?:error|exception)\b", text, re.IGNORECASE) and not re.search(r"[`\"“:]", text):
        return Asked("troubleshooting", f"What can I do when {first_person(in_a_sentence(text, document))}?")
    quoted = text if re.search(r"[`\"“]", text) else f'"{text}"'
    return Asked("troubleshooting", f"How do I fix {quoted}?")


def is_headword(title: str) -> bool:
    """Whether a heading has a question of its own, whatever it stands under (`Installation`, `Agenda`)."""
    return any(names.fullmatch(title) for names, *_ in HEADWORDS) or any(names.fullmatch(title) for names, _ in OF_DOCUMENT)


def is_empty_name(name: str) -> bool:
    """Whether a title says nothing of what is below it (`Questions`, `Manual`)."""
    return bool(_USELESS.fullmatch(name))
