"""Answers that refuse, and text that belongs to a web page and not to its content."""

from __future__ import annotations

import re

from gradus.curate.words import sentences

# Refusals are looked for at the start of the answer only: published word lists also match good answers ("This function
# cannot ..."). The first sentence must speak of the speaker, and of not being able or willing to do what was asked.
_SPEAKER = re.compile(
    r"""(?ix) ^\W* (?: as\ an?\ (?:\w+\ ){0,3}(?:ai|language\ model|assistant)\b
                     | i['’]?m\ (?:just\ |only\ )?an?\ (?:\w+\ )?(?:ai|language\ model)\b )"""
)
_REFUSAL = re.compile(
    r"""(?ix) ^\W*
        (?: (?: (?:i['’]?m|i\ am|we['’]?re|we\ are)\ +(?:very\ |so\ |really\ )?sorry | sorry | my\ apologies | i\ apologi[sz]e | unfortunately )
            [^.!?\n]{0,20}? [,;:.]? \s* (?:but\s+)? )?
        (?:i|we) \s*
        (?: can(?:no|['’]?)t | could(?:\ not|n['’]?t) | (?:am|['’]m)\s+(?:not\ able|unable|not\ allowed|not\ permitted) | won['’]?t | will\ not
          | do(?:\ not|n['’]?t) ) \s+
        (?:\w+\s+){0,3}?
        (?: help | assist | answer | provide | fulfil+ | comply | complete | create | generate | write | discuss | share | support | do\ that
          | have\ (?:access|enough|information|any) ) \b"""
)
_NOT_FOUND = re.compile(r"(?i)^\W*(?:the|this) (?:document|text|context|passage) (?:does not|doesn['’]t) (?:contain|mention|provide|say|specify)\b")

# C4 (Raffel et al. 2020, arXiv 1910.10683, section 2.2) drops pages with lorem ipsum and lines that speak of cookies,
# policies or JavaScript. Manuals write about these too, so here the words must be those that speak to a visitor.
_FILLER = re.compile(r"(?i)\blorem ipsum\b|\bdolor sit amet\b")
_WEB_PAGE = re.compile(
    r"""(?ix) \b (?: (?:this|our|the)\ (?:web\ ?site|site|page)\ uses?\ cookies | we\ use\ cookies | accept\ (?:all\ )?cookies
        | cookie\ (?:policy|settings|preferences) | terms\ of\ (?:use|service) | privacy\ policy | all\ rights\ reserved
        | (?:please\ )?(?:enable|turn\ on)\ javascript | javascript\ (?:is|must\ be)\ (?:disabled|enabled) | subscribe\ to\ (?:our|the)\ newsletter
        | sign\ up\ (?:now|for\ free) | click\ here\ to | share\ (?:this\ )?on\ (?:facebook|twitter|linkedin) | skip\ to\ (?:main\ )?content
        | follow\ us\ on ) \b"""
)


def is_refusal(answer: str) -> bool:
    """Whether the answer opens by saying that it will not or cannot answer."""
    start = answer.lstrip()[:400]
    return any(pattern.match(start) for pattern in (_SPEAKER, _REFUSAL, _NOT_FOUND))


def is_filler(text: str) -> bool:
    """Whether the text is a printer's dummy (lorem ipsum)."""
    return bool(_FILLER.search(text))


def web_page_share(prose: str) -> float:
    """Share of sentences that are web-page furniture: cookie notices, policies, calls to subscribe."""
    found = sentences(prose)
    return sum(bool(_WEB_PAGE.search(sentence)) for sentence in found) / len(found) if found else 0.0
