"""Answers that refuse, and text that belongs to a web page and not to its content."""

from __future__ import annotations

import re

from gradus.curate.words import sentences

# Refusals are looked for at the start of the answer only: published word lists also match good answers ("This function
# cannot ..."). What opens with a quotation mark speaks about a refusal. English and German.
_OPENING = r"""(?ix) ^[\s*_]* (?:
    (?: (?:i['’]?m|i\ am|we['’]?re|we\ are)\ +(?:very\ |so\ |really\ )?sorry | sorry | my\ apologies | i\ apologi[sz]e | unfortunately
      | (?:es\ )?tut\ mir\ (?:sehr\ )?leid | entschuldigung | leider )
    [^.!?\n]{0,20}? [,;:.!]? \s* (?:(?:but|aber)\s+)? )? """
_APOLOGY_ALONE = re.compile(_OPENING + r"(?<=\w\w[.!]) \s*$")
# The speaker, of whom the same sentence or the beginning of the next denies something.
_SPEAKER = re.compile(
    _OPENING
    + r"""(?: (?: as\ an?\ (?:\w+\ ){0,3}(?:ai|language\ model|assistant)\b [^.!?\n]{0,40}? \bi\b
            | i['’]?m\ (?:just\ |only\ )?an?\ (?:\w+\ )?(?:ai|language\ model)\b )
          [^.!?\n]{0,80}? (?:[.!]\ +i\b [^.!?\n]{0,15}?)? (?: \b(?:cannot|no|not|unable)\b | n['’]t\b )
        | als\ (?:\w+\ )?(?:ki|ai|sprachmodell|künstliche\ intelligenz)\b [^.!?\n]{0,60}? \bich\b [^.!?\n]{0,80}? \b(?:nicht|kein\w*)\b )"""
)
_REFUSAL = re.compile(
    _OPENING
    + r"""i \s*
        (?: (?: can(?:no|['’]?)t | could(?:\ not|n['’]?t) | won['’]?t | will\ not | do(?:\ not|n['’]?t) ) \s+
            (?:\w+\s+){0,3}?
            (?: help | assist | answer | provide | fulfil+ | comply | complete | create | generate | write | discuss | share | support | do\ that
              | open | access | browse | know(?!\ of\b) | have\ (?:access|enough|information|any|(?:personal\ )?(?:opinions?|feelings)) ) \b
          | (?:am|['’]m)\s+(?:not\ able|unable|not\ allowed|not\ permitted)\ to\b )"""
)
_REFUSAL_IN_GERMAN = re.compile(
    _OPENING
    + r"""(?: (?:(?:das|dies|dabei|damit|dazu|darauf|darüber|hierbei)\ )? (?:(?:kann|darf|werde)\ ich | ich\ (?:kann|darf|werde)) \b
            [^.!?\n]{0,80}? \b(?:nicht|keine?)\b [^.!?\n]{0,40}?
            (?: helfen | antworten | unterstützen | auskunft | geben | erstellen | schreiben | öffnen | zugreifen | sagen | erfüllen ) \b
          | (?:ich\ wei(?:ß|ss) | das\ wei(?:ß|ss)\ ich)\ (?:es\ |das\ )?(?:leider\ )?nicht\b )"""
)
_NOT_FOUND = re.compile(
    r"(?i)^[\s*_]*(?:the|this) (?:document|text|context|passage) (?:does not|doesn['’]t) (?:contain|mention|provide|say|specify)\b"
)
_REFUSALS = (_SPEAKER, _REFUSAL, _REFUSAL_IN_GERMAN, _NOT_FOUND, _APOLOGY_ALONE)

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
    return any(pattern.match(start) for pattern in _REFUSALS)


def is_filler(text: str) -> bool:
    """Whether the text is a printer's dummy (lorem ipsum)."""
    return bool(_FILLER.search(text))


def web_page_share(prose: str) -> float:
    """Share of sentences that are web-page furniture: cookie notices, policies, calls to subscribe."""
    found = sentences(prose)
    return sum(bool(_WEB_PAGE.search(sentence)) for sentence in found) / len(found) if found else 0.0
