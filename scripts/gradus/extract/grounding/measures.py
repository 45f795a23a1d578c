"""What goes with what: the word after a number (`500 hours`), and the part and its matter (`the casing of bronze`)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import takewhile

from gradus.extract.grounding.words import FUNCTION_WORDS, NUMBERS, number_key, stem, terms_of

_VAGUE = ("few", "several")
_COUNTED = re.compile(
    rf"(?<![\w.,])(?P<number>\d[\d,]*(?:\.\d+)?\b|(?i:{'|'.join([*_VAGUE, *NUMBERS])})\b)(?P<words>(?:(?:[ -]|\n)?(?:°[CF]|(?<=\W)[a-z]+)\b){{0,2}})"
)
_OF = re.compile(
    r"\b(\w+)\s+(?:(?:is|are|was|were)\s+)?(?:made\s+)?of\s+([\w\s-]+?)(?=\s*(?:[,;.:()]|$)|\s+(?:and|or|but|while|with|is|are|was|were)\b)",
    re.IGNORECASE,
)


def other_measure(statement: str, source: str) -> tuple[str, str] | None:
    """A number with its measure, and the number as the source has it, where that is always with another measure.

    A measure is a word that stands right after some number of the source. A number that the source also has alone (in a
    table, say) may be said with any, and one before a colon counts what follows.
    """
    if statement.rstrip().endswith(":"):
        return None
    told: defaultdict[str, list[list[str]]] = defaultdict(list)
    for number, words in _counted(source):
        told[number].append(words)
    measures = {stem(words[0]) for places in told.values() for words in places if words}
    for number, words in _counted(statement):
        said = next((word for word in words if stem(word) in measures), "")
        places = told.get(number, [])
        if said and number not in _VAGUE and places and all(found and stem(said) not in map(stem, found) for found in places):
            return f"{number} {said}", f"{number} {places[0][0]}"
    return None


def parts_exchanged(statement: str, source: str) -> bool:
    """Whether `A of X, B of Y` became `A of Y`: what is said of A the source says of another part, and not of A."""
    said, told = _parts(statement), _parts(source)
    return any(
        part in told and not matter & told[part] and any(matter <= other for name, other in told.items() if name != part)
        for part, matter in said.items()
    )


def _counted(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each number with the up to two words right after it that carry a meaning; `few` and `several` are numbers of no value."""
    for match in _COUNTED.finditer(text):
        raw = match["number"].casefold()
        number = number_key(raw) if raw[0].isdigit() else NUMBERS.get(raw, raw)
        yield number, list(takewhile(lambda word: word not in FUNCTION_WORDS, re.findall(r"[a-z]+|°[CF]", match["words"])))


def _parts(text: str) -> Mapping[str, set[str]]:
    """The stems after `of` for the stem of each word before it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for part, matter in _OF.findall(text):
        found[stem(part.casefold())] |= {term.stem for term in terms_of(matter)}
    return {part: matter for part, matter in found.items() if matter}
