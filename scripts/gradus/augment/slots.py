"""What the slots of a question template take: no more than reads well in every form of its family."""

from __future__ import annotations

import re

_CODE = r"`[^`\n]+`"
_QUOTED = r'"[^"\n]+"'

# Words that are no part of a plain noun phrase. A question that has one of them there is a clause ("the program supposed to do").
_NO_NOUNS = (
    "i you he she it we they me him us them this that these those who whom whose which what when where why how "
    "is are was were be been being am do does did done have has had can could will would shall should may might must "
    "to not no and or but nor if because than then so as like just also there here now today tomorrow yesterday "
    "all both each every some any everything everyone everybody something someone somebody anything anyone anybody nothing nobody one please "
    "often always never ever already still only very too yet again"
)
_PREPOSITIONS = "of in for on at by with from about up out off into over under between behind after before during without against"
# Verbs and adjectives that end a clause and do not show it by their ending ("the house made", "the car worth").
_PREDICATES = "made known seen built held worn given taken shown written sent sold bought found kept left lost meant paid told worth able wrong due"
_PARTICIPLES = (
    "made done set run read known shown seen given taken chosen written driven drawn broken built kept held sent sold told found paid split"
)
_ANY_WORD = rf"(?:(?!(?i:{'|'.join((_NO_NOUNS + ' ' + _PREPOSITIONS).split())})\b(?!-))\w[\w'’-]*|{_CODE})"
# -ed, -ing and -ly end verbs and adverbs; straight after an article they end an adjective or a noun ("a linked list", "the meaning").
_WORD = rf"(?:(?![a-z]+(?:(?<!e)ed|ing|ly)\b(?!-))(?!(?:{'|'.join(_PREDICATES.split())})\b){_ANY_WORD})"
_ARTICLE = "(?:an?|the|my|your|his|her|its|our|their)"
_NOUN = rf"{_ARTICLE} {_ANY_WORD}(?: {_WORD}){{0,2}}"
_TAIL = rf"(?: (?:{'|'.join(_PREPOSITIONS.split())}) (?:{_NOUN}|(?:(?:this|these) )?{_WORD}(?: {_WORD}){{0,2}}))"
_CAPITAL = rf"(?=[A-Z]|[a-z]+[A-Z]){_ANY_WORD}(?<=\w\w)"
_NAMED = rf"{_CAPITAL}(?: {_CAPITAL}){{0,2}}"

# A second question ("and when", "and why does …") and a wish for a style ("in simple terms") belong to one form only.
_ONE_QUESTION = r"(?!.*\b(?:and|or|but) (?:wh\w+|how|is|are|do|does|did|can|could|should|will|would|if)\b)"
_NO_STYLE = r"(?!.*\b(?:please|in (?:[\w-]+ ){0,3}(?:words?|sentences?|terms|paragraphs?|detail|language))\b)"
_TEXT = rf"(?:[^\n`?!;:.,]|\.(?=\w)|,(?=\d)|{_CODE})+?"
_X = rf"(?!(?:to|me|of|and|or)\b){_ONE_QUESTION}{_NO_STYLE}{_TEXT}"
# "How do I look?" does not ask for a way to look.
_NO_WAY = r"(?!(?:look|feel|seem|sound|appear|know|have|not|ever|possibly)\b)(?!.*\b(?:you|your|yourself)\b)"
_OBJECT = r"(?=(?:an?|the|some|all|any|each|every|my|this|these|those|\d+|one|two|three|four|five|six|seven|eight|nine|ten|several)\b|[\"`])"
_POINTS = (
    "requirements prerequisites dependencies limitations issues features benefits advantages disadvantages drawbacks goals objectives non-goals "
    "ingredients options parameters arguments attributes properties fields methods settings commands variables formats platforms items actions "
    "to-?dos? steps follow[ -]?ups? points"
)

SLOTS = {
    "name": _CODE,
    "other": _CODE,
    "quoted": _QUOTED,
    "x": _X,  # words on one line, within one clause
    "way": _NO_WAY + _X,  # what one does, from the infinitive on
    "topic": rf"(?:[^\n`?!;:.]|\.(?=\w)|{_CODE})+?",  # the end of a sentence, its commas included
    "pair": rf"(?=.* and ){_X}",
    "object": _OBJECT + _X,  # what a task is done to
    "thing": rf"(?:{_NOUN}{_TAIL}{{0,2}}|{_QUOTED}|{_NAMED})",
    "things": rf"{_NOUN}{_TAIL}{{0,2}}",
    "single": rf"(?:{_ARTICLE} {_ANY_WORD}(?: {_WORD})?|{_QUOTED}|{_CODE}|{_NAMED})",
    "plural": rf"(?:the )?(?:{_WORD} )?(?!\w*(?:ss|us|is)\b){_WORD}(?<=s)",
    "several": rf"(?:{_ARTICLE} )?{_ANY_WORD}(?: {_WORD}){{0,2}}",
    "term": rf"(?:{_QUOTED}|{_CODE}|(?=[a-z]+\b|[A-Z]{{2,}}\b){_WORD})",
    "points": rf"(?:(?:key|main|known|system|action|next|environment|configuration|supported|command[- ]line) )?(?:{'|'.join(_POINTS.split())})",
    "kind": "(?:command|function|method|option)",
    "be": "(?:is|are)",
    "done": rf"(?:\w+(?<!e)ed|{'|'.join(_PARTICIPLES.split())})\b(?:(?= )(?!.*\bto\b){_ONE_QUESTION}{_TEXT})?",
}


def slotted(form: str) -> re.Pattern[str]:
    """A form as a regular expression with its slots as groups."""
    escaped = re.escape(form)
    for slot, pattern in SLOTS.items():
        escaped = escaped.replace(rf"\{{{slot}\}}", f"(?P<{slot}>{pattern})")
    return re.compile(escaped)
