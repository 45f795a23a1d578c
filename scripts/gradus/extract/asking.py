"""The question that a heading stands for, or none: better no question than a bad one."""

from __future__ import annotations

import re

from gradus.extract.headings import TextSection
from gradus.extract.headwords import CLAUSE, DEFINES, FINITE, GENERIC, HEADWORDS, OF_DOCUMENT, PLATFORM, PREPOSED, SYMPTOM
from gradus.extract.limits import first_sentence
from gradus.extract.markdown import BOLD_LINE
from gradus.extract.pairs import asks
from gradus.extract.questions import prose_question
from gradus.extract.subjects import WHOLE, Asked, Page, about_symptom, is_empty_name, is_headword, subject_of
from gradus.extract.wording import action, first_person, in_a_sentence, is_name, is_verb, nominal_action

_VERSUS = re.compile(r"(.+?)\s+(?:vs\.?|versus)\s+(.+)", re.IGNORECASE)
_DIFFERENCE = re.compile(r"(?:the )?(?:differences?|comparison) (?:between|of) (.+)", re.IGNORECASE)
_HOW_WORKS = re.compile(r"how ((?:the |a |an )?[\w` -]{2,40}?) works?", re.IGNORECASE)
_HOW_DONE = re.compile(r"how ((?:the |a |an )?[\w` -]{2,40}?) (is|are) (\w+(?:ed|en|ne|ade|aid|ept|old)\b.{0,40})", re.IGNORECASE)
_NO_NOUN = frozenset("if when after before and or but then not no please let let's dear about at to of as how what why who where which new".split())
"""No short noun phrase begins with these."""
_SHOULD = re.compile(r"(when|why|where|what|which) (not )?to (\w+\b.*)", re.IGNORECASE)


def question_of(section: TextSection, page: Page, parent: Asked | None, sentence: str) -> Asked | None:
    """What a section answers; None when its heading makes no good question.

    Args:
        parent: what the section above asks.
        sentence: the beginning of the section's text.
    """
    title = section.title.strip().rstrip(":").strip()
    if section.is_question:
        if re.fullmatch(r"(?:what is|why|why use|how does|who is|what does) (?:it|this)\b.{0,12}\?", title, re.IGNORECASE):
            name = _subject(section, page)
            return Asked("faq", re.sub(r"\b(?:it|this)\b", lambda _: name, title, count=1, flags=re.IGNORECASE)) if name else None
        return Asked("faq", section.title) if len(title.split()) > (1 if asks(title) else 3) else None
    if not title or len(title) > 120 or title.endswith((".", "!", ";", ",", "…")):
        return None
    rules = (_platform, _call, _definition, _asks_without_mark, _known_word, _doing, _comparison, _nominal, _symptom, _of_document, _whole, _noun)
    for rule in rules:
        asked = rule(title, section, page, parent, sentence)
        if asked is not None:
            return asked if asked.question else None
    return None


def _subject(section: TextSection, page: Page) -> str:
    """The nearest heading above that names a thing, else the page's subject."""
    above = [subject_of(name) for name in reversed(section.above) if not action(name) and not nominal_action(name)]
    named = (name for name in above if name and (not page.subject or is_name(name, page.text)))
    return next(named, page.subject)


_Parent = Asked | None


def _platform(title: str, section: TextSection, page: Page, parent: _Parent, sentence: str) -> Asked | None:
    """`Linux` under `Installation`."""
    word = title.lower()
    if parent is None or parent.kind != "how-to" or not (word in PLATFORM or PREPOSED.match(title) and len(title.split()) < 6):
        return None
    link = PLATFORM.get(word, "")
    shown = title if not PREPOSED.match(title) else title[:1].lower() + title[1:]
    return Asked("how-to", f"{parent.question.rstrip('?')} {link} {shown}?".replace("  ", " "))


def _call(title: str, section: TextSection, page: Page, parent: _Parent, sentence: str) -> Asked | None:
    """An object's reference: `foo(a, b)`, `class Foo`, `pkg.mod.name`."""
    bare = title.strip("`").replace("\\_", "_")
    if (
        re.fullmatch(r"(?:class |async |def |function |method )?[A-Za-z_][\w.]*\(.*\)(?: ?-> ?\S+)?", bare)
        or re.fullmatch(r"[a-z_]\w*(?:\.\w+)+", bare)
        and "`" in title
    ):
        return Asked("definition", f"What does `{re.sub(r'^(?:async |def |function |method )', '', bare)}` do?")
    if kind := re.fullmatch(r"(class|module|command|function|method|option) ([\w.]+|`[^`]+`)", title.replace("\\_", "_")):
        return Asked("definition", f"What is the {kind[1]} `{kind[2].strip('`')}` for?")
    if re.fullmatch(r"--?[a-z][\w-]*(?:[ =][A-Z<\[]\S*)?", bare):
        return Asked("definition", f"What does the option `{bare}` do?")
    return None


def _definition(title: str, section: TextSection, page: Page, parent: _Parent, sentence: str) -> Asked | None:
    """`X` above `X is …`."""
    name = re.split(r"\s+\(", title)[0]
    if GENERIC.fullmatch(title) or is_headword(title) or action(title):
        return None
    clean = re.sub(r"[*_`]", "", sentence)
    match = re.match(
        rf"(an? |the )?{re.escape(name.replace('`', ''))}s?(?: \([^)]*\))? ({DEFINES})(?! (?:not |also |only |usually |often |always |"
        rf"never )?(?:\w+ed|shown|given|made|set|written|done|paid|sent|kept)\b)",
        clean,
        re.IGNORECASE,
    )
    if not match:
        return None
    verb = "are" if match[2].lower() == "are" else "is"
    article = match[1].lower() if match[1] else ""
    shown = name if name in (page.name, page.subject) else in_a_sentence(name, page.text, title)
    return Asked("definition", f"What {verb} {article}{shown}?")


def _asks_without_mark(title: str, section: TextSection, page: Page, parent: _Parent, sentence: str) -> Asked | None:
    """`What is Foo`, `When to use Foo`, `How Foo works`, `Why use Foo`."""
    if match := _HOW_WORKS.fullmatch(title):
        name = match[1]
        plural = not re.match(r"(?:a|an|the) ", name, re.IGNORECASE) and name.endswith("s") and not name.endswith(("ss", "us", "is"))
        it = _subject(section, page) if name.lower() == "it" else in_a_sentence(name, page.text, title)
        return Asked("section", f"How {'do' if plural else 'does'} {it} work?" if it else "")
    if match := _HOW_DONE.fullmatch(title):
        return Asked(
            "section",
            f"How {match[2]} {in_a_sentence(match[1], page.text, title)} {match[3]}?" if match[1].lower() not in ("it", "they", "this") else "",
        )
    if match := _SHOULD.fullmatch(title):
        if match[3].lower() in ("get it", "find it", "buy it", "use it"):
            name, word = _subject(section, page), "can" if match[1].lower() == "where" else "should"
            return Asked("section", f"{match[1].capitalize()} {word} I {match[3].split()[0].lower()} {name}?" if name else "")
        negation = " not" if match[2] else ""
        return Asked("section", f"{match[1].capitalize()} should I{negation} {first_person(in_a_sentence(match[3], page.text, title))}?")
    if re.match(
        r"(?:what|who|which|where|when|why|how) (?:is|are|does|do|can|should|will|must)\b|(?:is|are|does|do|can|may|should|will|must) (?:i|"
        r"we|you|it|the|there|a|an|my)\b",
        title,
        re.IGNORECASE,
    ):
        return Asked("faq", title + "?")
    return Asked("", "") if asks(title) and not action(title) and not re.match(r"(?:will|may|might|have|can) ", title, re.IGNORECASE) else None


def _known_word(title: str, section: TextSection, page: Page, parent: _Parent, sentence: str) -> Asked | None:
    """`Installation` under `Foo`; nothing without a subject."""
    for names, kind, question in HEADWORDS:
        if names.fullmatch(title):
            subject = _subject(section, page)
            return Asked(kind, question.format(subject=subject, title=title.lower()) if subject else _said_of(title, kind, question, page))
    return None


def _said_of(title: str, kind: str, question: str, page: Page) -> str:
    """What a page whose name is no subject (`Guide`) says about `Install` or `Requirements`; '' where that reads badly."""
    if page.name and kind == "how-to":
        return f'According to "{page.shown}", how{question.format(subject="it").removeprefix("How")}'
    named = page.name and kind == "section" and not re.match(r"how|who|help|get", title, re.IGNORECASE)
    return prose_question("section", page.seed + title, title=title.lower(), document=page.shown) if named else ""


def _doing(title: str, section: TextSection, page: Page, parent: _Parent, sentence: str) -> Asked | None:
    does = action(title, _subject(section, page))
    if not does or len(does.split()) < 2:
        return None
    verb, _, rest = does.partition(" ")
    if re.match(r"(?:this|that|these|those|such|here)\b", rest, re.IGNORECASE):
        return Asked("", "")
    if re.fullmatch(r"it|them|this", rest):
        rest = _subject(section, page)
    return Asked(
        "how-to", prose_question("how-to", page.seed, title=f"{verb.lower()} {first_person(in_a_sentence(rest, page.text, title))}") if rest else ""
    )


def _comparison(title: str, section: TextSection, page: Page, parent: _Parent, sentence: str) -> Asked | None:
    if match := _VERSUS.fullmatch(title):
        names = [in_a_sentence(name, page.text, title) for name in match.groups()]
        return Asked("comparison", f"What is the difference between {names[0]} and {names[1]}?" if not _VERSUS.search(names[0] + names[1]) else "")
    if (match := _DIFFERENCE.fullmatch(title)) and " and " in match[1]:
        return Asked("comparison", f"What is the difference between {in_a_sentence(match[1], page.text, title)}?")
    return None


def _nominal(title: str, section: TextSection, page: Page, parent: _Parent, sentence: str) -> Asked | None:
    """`Installation on Windows`, `Deployment of models`."""
    first, _, rest = title.partition(" ")
    verb = nominal_action(first)
    if not verb or not rest:
        return None
    if rest.lower().startswith("of "):
        return Asked("how-to", f"How do I {verb} {first_person(in_a_sentence(rest[3:], page.text, title))}?")
    subject = _subject(section, page)
    return Asked("how-to", f"How do I {verb} {subject} {in_a_sentence(rest, page.text, title)}?") if subject and PREPOSED.match(rest) else None


def _symptom(title: str, section: TextSection, page: Page, parent: _Parent, sentence: str) -> Asked | None:
    troubled = any(
        re.search(r"troubleshoot|problem|known issues|common (?:errors|issues)|errors", name, re.IGNORECASE) for name in (*section.above, page.name)
    )
    clause = CLAUSE.match(title) is not None
    if SYMPTOM.search(title) and (troubled or clause or re.match(r"[A-Z]\w+Error\b|`|[\"“]", title)):
        return about_symptom(title, page.text)
    return about_symptom(title, page.text) if troubled and clause else None


def _of_document(title: str, section: TextSection, page: Page, parent: _Parent, sentence: str) -> Asked | None:
    for names, question in OF_DOCUMENT:
        if names.fullmatch(title):
            return Asked("section", question.format(document=f'"{page.name}"', title=title.lower()) if page.name else "")
    return None


def _whole(title: str, section: TextSection, page: Page, parent: _Parent, sentence: str) -> Asked | None:
    """The text below the title of the page, or below `Overview` of something."""
    if title == page.name and action(title):
        return Asked("", "")
    if title == page.name or (
        re.fullmatch(r"overview|introduction|about|description|intro|what it is", title, re.IGNORECASE) and page.name and section.level <= 2
    ):
        subject = page.subject
        clean = re.sub(r"[*_`]", "", sentence)
        if subject and re.match(rf"(?:the )?{re.escape(subject)}(?: \([^)]*\))? {DEFINES}", clean, re.IGNORECASE):
            return Asked("definition", f"What is {subject}?")
        if GENERIC.fullmatch(page.name) or not page.subject and is_empty_name(page.name):
            return Asked("", "")
        return Asked(WHOLE, prose_question("whole", page.seed, title=page.name))
    return None


def _noun(title: str, section: TextSection, page: Page, parent: _Parent, sentence: str) -> Asked | None:
    """Any other short noun phrase: what the document says about it."""
    if (section.level == BOLD_LINE and page.has_headings) or not _is_noun_phrase(title):
        return None
    name = in_a_sentence(title, page.text)
    if len(name) < 3:
        return None
    if not page.name:
        return Asked("section", prose_question("unnamed", page.seed + title, title=name))
    above = next((one for one in reversed(section.above) if one != page.name and not GENERIC.fullmatch(one) and not is_headword(one)), "")
    if above and " " not in title and not above.endswith("?") and len(above.split()) < 6:
        return Asked("section", prose_question("nested", page.seed + title, title=name, above=above, document=page.shown))
    return Asked("section", prose_question("section", page.seed + title, title=name, document=page.shown))


def _is_noun_phrase(title: str) -> bool:
    words = title.split()
    if GENERIC.fullmatch(title) or len(words) > 7 or FINITE.search(title) or re.search(r"[:?!=<>{}\[\]|]|\d{4}-\d\d|^\d+$|\.\s", title):
        return False
    if words[0].lower() in _NO_NOUN or PREPOSED.match(title) or not re.search(r"[^\W\d_]{3}", title):
        return False
    return not is_verb(words[0]) or (len(words) == 2 and not title.endswith("s"))


def opening(text: str) -> str:
    """The first sentence of a section's text."""
    return first_sentence(" ".join(text.split()))
