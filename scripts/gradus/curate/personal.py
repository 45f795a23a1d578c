"""Personal data and secrets in an example: found, counted, and replaced by placeholders. Values are never logged."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from gradus.curate.registries import COUNTRY_DOMAINS, GENERIC_DOMAINS, IBAN_LENGTHS
from gradus.curate.secrets import SECRETS, find_secrets
from gradus.records import Example

Found = tuple[int, int, str]
"""Start, end and type, which is the name of the placeholder."""

_EMAIL = re.compile(r"(?<![\w.+/@-])(?!git@)[A-Za-z0-9][\w.+-]{0,63}@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.)+([A-Za-z]{2,24}))(?![\w@(\[]|:\S)")
# Kept for examples (RFC 2606, RFC 6761), or used for them everywhere: nobody reads mail there.
_EXAMPLE_DOMAIN = re.compile(r"(?i)(?:^|\.)(?:example(?:\.(?:com|org|net|edu))?|test|invalid|localhost|(?:my|your)?(?:domain|company)\.(?:com|org))$")

# The forms a phone number is written in; which of them are numbers that exist, phonenumbers decides.
_MANY_DIGITS = re.compile(r"\d[\d ()./-]{5,}\d")  # cheap: no phone number without it
_PHONE = re.compile(
    r"""(?<![\w.+/-])
        (?: (?P<international> \+[1-9]\d{0,2} [ .()/-]{0,2} (?:\(?\d{1,9}\)?[ ./-]?){1,6} \d{2,4} )
          | (?P<american> (?:1[ .-])? (?:\(\d{3}\)[ ]?|\d{3}[-.]) \d{3}[-.]\d{4} )           # with its separators
          | (?<!\d[ ]) (?P<national> (?:\(0\d{1,4}\)[ ]?|0\d{1,4}[ /-]) \d{2,8} (?:[ -]\d{2,8}){0,3} ) (?![ ](?:\d|[0-9A-Fa-f]{2}\b)) # not bytes
        ) (?![\w/-]|\.\d)
      | (?i:\b(?:phone|telephone|tel|mobile|cell|fax|telefon|handy|whatsapp)(?:[ ](?:number|no))?[.:]{0,2}[ ]*)
        (?P<called> [+(]?\d[\d ()./-]{5,18}\d ) (?![\w/-]|\.\d)                              # whatever is called one
    """,
    re.VERBOSE,
)
_DECIMAL = re.compile(r"\+?\d+\.\d+")
_CARD = re.compile(
    r"""(?<![\w.+-])
        (?: \d{4}([ -]?)\d{4}\1\d{4}\1\d{4} | 3[47]\d{2}([ -]?)\d{6}\2\d{5} | 3(?:0[0-5]|[68]\d)\d([ -]?)\d{6}\3\d{4} )
        (?![\w-]|\.\d)""",
    re.VERBOSE,
)
# First digits of Visa, Mastercard, American Express, Diners Club, JCB, Discover.
_ISSUER = re.compile(r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[68])|35(?:2[89]|[3-8])|6(?:011|5|4[4-9])")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")


def find_personal_data(text: str, regions: Sequence[str]) -> list[Found]:
    """Everything found, in order and without overlaps: what starts first wins, then a secret, then the longest.

    Args:
        regions: ISO 3166 codes of the countries whose phone numbers are looked for without their country code.
    """
    found = [*find_secrets(text), *_emails(text), *_ibans(text), *_cards(text), *_phones(text, regions)]
    chosen: list[Found] = []
    for item in sorted(found, key=lambda f: (f[0], f[2] not in SECRETS, -f[1])):
        if not chosen or item[0] >= chosen[-1][1]:
            chosen.append(item)
    return chosen


def mask(text: str, regions: Sequence[str]) -> tuple[str, Counter[str]]:
    """The text with a placeholder such as `[EMAIL]` in the place of everything found, and how many of each type."""
    pieces: list[str] = []
    position = 0
    found = find_personal_data(text, regions)
    for start, end, kind in found:
        pieces += [text[position:start], f"[{kind}]"]
        position = end
    return "".join([*pieces, text[position:]]), Counter(kind for *_, kind in found)


def mask_example(example: Example, regions: Sequence[str]) -> tuple[Example, Counter[str]]:
    """The example with question, answer and earlier turns masked, and how many of each type were found."""
    question, in_question = mask(example.question, regions)
    answer, in_answer = mask(example.answer, regions)
    turns = [(turn, *mask(turn.content, regions)) for turn in example.context]
    counts = sum((found for *_, found in turns), in_question + in_answer)
    context = tuple(replace(turn, content=content) for turn, content, _ in turns)
    return replace(example, question=question, answer=answer, context=context), counts


def _emails(text: str) -> Iterator[Found]:
    """Addresses under a known top-level domain in lower case: `x@self.weight` and `a@b.mT` are matrix products."""
    for match in _EMAIL.finditer(text) if "@" in text else ():
        known = match[2].lower() in GENERIC_DOMAINS or match[2] in COUNTRY_DOMAINS
        if known and not _EXAMPLE_DOMAIN.search(match[1]):
            yield (*match.span(), "EMAIL")


def _phones(text: str, regions: Sequence[str]) -> Iterator[Found]:
    """Numbers in the form of a phone number that the numbering plan of their country knows (libphonenumber's metadata)."""
    for match in _PHONE.finditer(text) if _MANY_DIGITS.search(text) else ():
        form = next(name for name, value in match.groupdict().items() if value)
        plans = [region for region in regions if region in ("US", "CA")] if form == "american" else regions
        if not _DECIMAL.fullmatch(match[form]) and _is_assigned(match[form], plans, grouped=form == "national"):
            yield (*match.span(form), "PHONE")


def _is_assigned(number: str, regions: Sequence[str], *, grouped: bool) -> bool:
    """Whether it is a number with its country's code, or one of these regions without.

    Args:
        grouped: only when its digits stand in the groups in which the region writes them.
    """
    import phonenumbers

    for region in (None,) if number.startswith("+") else regions:
        try:
            parsed = phonenumbers.parse(number, region)
        except phonenumbers.NumberParseException:
            continue
        written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
        if phonenumbers.is_valid_number(parsed) and (not grouped or _is_grouped_as(number, written)):
            return True
    return False


def _is_grouped_as(number: str, written: str) -> bool:
    """Whether its groups of digits are those of the written form; short numbers and counting (`01 02 03 04 05`) prove nothing."""
    groups = re.findall(r"\d+", number)
    steps = {int(after) - int(before) for before, after in pairwise(groups)}
    return groups == re.findall(r"\d+", written) and sum(map(len, groups)) >= 9 and (len(groups) == 2 or len(steps) > 1)


def _cards(text: str) -> Iterator[Found]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if _ISSUER.match(digits) and passes_luhn(digits):
            yield (*match.span(), "CARD")


def _ibans(text: str) -> Iterator[Found]:
    for match in _IBAN.finditer(text):
        if is_iban(match[0].replace(" ", "")):
            yield (*match.span(), "IBAN")


def passes_luhn(digits: str) -> bool:
    """The check digit of payment cards (ISO/IEC 7812-1, annex B)."""
    doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def is_iban(code: str) -> bool:
    """Whether length and check digits fit (ISO 13616: remainder 1 modulo 97); `code` without spaces."""
    if len(code) != IBAN_LENGTHS.get(code[:2]):
        return False
    return int("".join(str(int(c, 36)) for c in code[4:] + code[:4])) % 97 == 1
