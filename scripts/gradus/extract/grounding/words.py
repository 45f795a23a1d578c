"""The words of a statement that carry its meaning, stemmed lightly, with what is exact about them and what is denied."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

FUNCTION_WORDS = frozenset(
    "a an the of to in on at by for from with as and or but if then than that this these those it its they them their there here is are "
    "was were be been being am do does did done doing have has had having will would shall should can could may might must which who "
    "whom whose what when where why how while so such also just only very more most some any each both either into onto over under out "
    "up down about again further once own same too you your yours we our us i me my he she his her e.g i.e etc via per let lets using "
    "used use uses one ones other others yes because since".split()
)
_NEGATORS = frozenset("not no never none neither nor cannot nothing without nobody nowhere nicht kein keine keinen nie niemals ohne".split())
_NEAR_NEGATORS = _NEGATORS | frozenset(
    "unless lack lacks fail fails unable except hardly rarely seldom avoid avoids avoided prevent prevents refuse refuses ignore "
    "ignores instead rather disable disables disabled forbidden skip skips deny denies reject rejects omit omits exclude excludes "
    "missing impossible invalid".split()
)
NUMBERS = {word: str(value) for value, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())}
NUMBERS |= {"hundred": "100", "thousand": "1000", "million": "1000000", "twice": "2", "half": "0.5"}
_TOKEN = re.compile(
    r"`+(?P<code>[^`]+)`+"
    r"|(?P<number>(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?(?:%|\b))"
    r"|(?P<word>[^\W\d_]*n['’]t\b|[\u3040-\u30ff\u3400-\u9fff]|\w+(?:\.\w+)*)"
    r"|(?P<stop>[,;:.!?()])"
)
_IDENTIFIER = re.compile(r"\w*_\w*|\w+\.\w[\w.]*|[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*|[A-Z][A-Z0-9]+|\w*\d\w*")
_REACH = 2  # words that a negation is taken to reach; with three more true statements are taken for contradictions
_QUOTES = tuple("\"'“”‘’")
_LISTING = frozenset(("and", "or", "nor"))


@dataclass(frozen=True)
class Term:
    """One word. `hard`: a number, name or identifier, which no other word can stand for."""

    stem: str
    hard: bool
    may_be_name: bool = False
    """It begins a sentence with a capital, so that only the text can tell whether it is a name."""
    denial: int = 0
    """The number of the negation within whose reach it stands; 0 for none."""
    plain_denial: bool = False
    """That negation is a plain one (`not`, `never`) and no weaker word (`unless`, `avoids`)."""
    listed: bool = False
    """A comma, `and` or `or` stands before it, so that it may change places with the word before."""
    code: str = ""
    """A code span as it is written; '' for a plain word."""

    @property
    def shown(self) -> str:
        """The term in a message."""
        return self.code or self.stem


def terms_of(text: str) -> list[Term]:
    """The meaningful words of a sentence in order; a code span is one term, its spelling kept.

    A negation reaches over the next words up to a comma or full stop, or over the last words where none follow.
    """
    found: list[Term] = []
    negations = _Negations()
    first, listed = True, False
    for match in _TOKEN.finditer(text):
        kind, raw = match.lastgroup or "", match[match.lastgroup or 0]
        word = raw.casefold().replace("’", "'")
        if kind == "stop":
            negations.close(found)
            first, listed = first or raw in ".!?:", listed or raw == ","
            continue
        if kind == "word" and (word in _NEAR_NEGATORS or word.endswith("n't")) and not _is_mentioned(text, match):
            negations.open(plain=word in _NEGATORS or word.endswith("n't"))
        elif kind != "word" or word not in FUNCTION_WORDS:
            found.append(negations.mark(replace(_term(kind, raw, first), listed=listed)))
        listed = word in _LISTING or listed and word in FUNCTION_WORDS
        first = False
    negations.close(found)
    return found


def _is_mentioned(text: str, word: re.Match[str]) -> bool:
    """Whether a word is spoken of and not used: `None` is a value, and "not" in quotation marks an operator."""
    return word[0] == "None" or text[word.start() - 1 : word.start()] in _QUOTES or text[word.end() : word.end() + 1] in _QUOTES


@dataclass
class _Negations:
    """The negation that was met last, and over how many more words it reaches."""

    number: int = 0
    plain: bool = False
    left: int = 0

    def open(self, *, plain: bool) -> None:
        self.number, self.plain, self.left = self.number + 1, plain, _REACH

    def mark(self, term: Term) -> Term:
        """The next word, with the negation that reaches it."""
        if not self.left:
            return term
        self.left -= 1
        return replace(term, denial=self.number, plain_denial=self.plain)

    def close(self, found: list[Term]) -> None:
        """End the reach; a negation that no word followed is given to the last words before it."""
        if self.left == _REACH:
            found[-_REACH:] = [replace(term, denial=self.number, plain_denial=self.plain) for term in found[-_REACH:]]
        self.left = 0


def _term(kind: str, raw: str, first: bool) -> Term:
    if kind == "code":
        code = raw.strip().removesuffix("()") or raw.strip()
        return Term(stem(code.casefold()) if code.isalpha() else code.casefold(), True, code=code)
    if kind == "number":
        return Term(number_key(raw), True)
    word = raw.casefold()
    if word in NUMBERS:
        return Term(NUMBERS[word], True)
    capital = raw[0].isupper() and len(raw) > 1
    hard = bool(_IDENTIFIER.fullmatch(raw)) or (capital and not first)
    return Term(word if "." in word or "_" in word else stem(word), hard, may_be_name=capital and first)


def number_key(raw: str) -> str:
    """`1,000`, `1000.0` and `1e3` as one; a percentage keeps its sign."""
    digits = raw.replace(",", "").rstrip("%")
    try:
        value = f"{float(digits):.12g}"
    except ValueError:
        value = digits
    return value + ("%" if raw.endswith("%") else "")


_ENDINGS = (
    "ations ation ingly ities ments ment ness ings ions able ible edly ing ion ity ies ied ers ed es er ly al s e i y"
).split()  # fmt: skip


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A word without its common English endings, so that `returns`, `returned` and `returning` are one.

    At least three letters with a vowel among them stay.
    """
    for _ in range(3):
        rest = next((cut for ending in _ENDINGS if word.endswith(ending) and _is_stem(cut := word[: -len(ending)])), "")
        if not rest:
            break
        word = rest[:-1] if len(rest) > 3 and rest[-1] == rest[-2] and rest[-1] not in "aeiouls" else rest
    return word


def _is_stem(text: str) -> bool:
    return len(text) >= 3 and any(letter in "aeiouy" for letter in text)
