"""Seven signals of the quality score: each takes a taken-apart example and gives a number in [0, 1], 1 is good.

The eighth, language, depends on the other examples: see `gradus.curate.languages`.

Gopher: Rae et al. 2021, arXiv 2112.11446, appendix A.1.1. C4: Raffel et al. 2020, arXiv 1910.10683. FineWeb: Penedo et
al. 2024, arXiv 2406.17557. data-juicer: Chen et al. 2023, arXiv 2309.02033. Rules without a source are our own. Published
rules keep or drop a page; here they are applied to the prose alone, and a value outside its bound lowers the signal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from ftfy.badness import badness

from gradus.code_spans import without_spans
from gradus.config.schema import QualityBounds
from gradus.curate.boilerplate import is_filler, is_refusal, web_page_share
from gradus.curate.markdown import Anatomy, dissect
from gradus.curate.words import sentences, shared_terms, terms
from gradus.records import Example
from gradus.shingles import UNSPACED, tokens

_UNSPACED = re.compile(f"[{UNSPACED}]")
_WORD = re.compile(f"[\\w{UNSPACED}]")
_ADDRESS_AT_END = re.compile(r"https?://\S+$")
_CUT_OFF = re.compile(r"(?:[^\W_]|[,:;\-–—(\[{/…]|\.\.)$")
_PLACEHOLDER = re.compile(
    r"""(?mx) ^[^\w\n]*(?:TODO|TBD|FIXME|XXX)\b | \b(?:TODO|FIXME|XXX):
      | (?i: [\[<](?:your|insert|enter)\ [^\]>\n]{1,40}[\]>] | \b(?:answer|text|description)\ (?:goes\ )?here\b
           | \bto\ be\ (?:written|documented|announced)\b | \bcoming\ soon\b )"""
)
# What reads as code: calls, names with underscores, option flags, prompts, dotted names of three parts.
_CODE_LIKE = re.compile(
    r"""(?x) >>>\  | (?<![\w/])--?[a-z][\w-]{2,} | \b[A-Za-z_][\w.]{0,80}\((?!e?s\))\w*\)
      | \b[A-Za-z]\w*_\w+ | \b[A-Za-z_]\w+(?:\.[A-Za-z_]\w+){2,}"""
)
# A bold name, with its type when it opens a list item, is marked well enough: **axis** (array_like).
_BOLD_NAME = re.compile(r"(?m)^\*\*[^*\n]+\*\*:? *\([^)\n]*\)|\*\*[^*\s]+\*\*")
_INLINE_LIST = re.compile(r"(?:^|\s)(?:\(?(?:[1-9]|[a-e]|i{1,3}|iv)[.)])\s")
# The arguments of a call at the end of inline code, with what stands before them.
_ARGUMENTS = re.compile(r"(?:\A|(?<=[`\n]))(?=[^`\n]*\)`)([^`\n]*?\w)\([^`\n]*")
# reStructuredText, HTML and LaTeX left in the prose.
_OTHER_MARKUP = re.compile(
    r"""(?mx) (?<!\w):(?:func|class|meth|mod|ref|obj|attr|data|exc|doc|term|math|any|c:func):(?!\w) | ^\.\.\ \w+:: | ^[=~^"-]{4,}$
      | </?(?:p|br|div|span|b|i|em|strong|ul|ol|li|a|h[1-6])\b[^>\n]{0,80}> | \\[a-z]+\{"""
)
_DAMAGED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010ffff]")
_VISIBLE = re.compile(r"\S")
# A good definition tells a thing in other words than its name, and that in one line: no passage to work on comes with it.
_DEFINITION = re.compile(
    r"""(?ix) ^\W* (?: what (?:['’]s|\ is|\ are)\b | what\ do(?:es)?\ [^\n]+\ (?:mean|stand\ for|refer\ to)\b
      | was\ (?:ist|sind|heißt|bedeute[nt]+)\b ) [^\n]*$"""
)


@dataclass(frozen=True)
class Sample:
    """An example, its answer taken apart, the words of the prose and of the whole answer."""

    question: str
    answer: str
    anatomy: Anatomy
    words: tuple[str, ...]
    answer_words: tuple[str, ...]


def sample_of(example: Example) -> Sample:
    """Take an example apart, once for all signals."""
    anatomy = dissect(example.answer)
    return Sample(example.question, example.answer, anatomy, tuple(tokens(anatomy.prose)), tuple(tokens(example.answer)))


def at_least(value: float, bound: float) -> float:
    """1 from `bound` on, below it evenly down to 0 at 0."""
    return max(0.0, min(1.0, value / bound))


def at_most(value: float, bound: float) -> float:
    """1 up to `bound`, above it evenly down to 0 at twice the bound."""
    return max(0.0, min(1.0, 2 - value / bound))


def length(sample: Sample, bounds: QualityBounds) -> float:
    """Neither a scrap nor endless, made of words: word count, mean word length, words with a letter (Gopher)."""
    size = len(sample.answer_words)
    rules = [at_least(size, bounds.minimum_words), at_most(size, bounds.maximum_words)]
    spaced = [word for word in sample.words if not _UNSPACED.match(word)]
    if len(spaced) >= bounds.minimum_words:
        mean = sum(map(len, spaced)) / len(spaced)
        rules += [at_least(mean, bounds.mean_word_letters[0]), at_most(mean, bounds.mean_word_letters[1])]
        rules.append(at_least(sum(any(c.isalpha() for c in word) for word in spaced) / len(spaced), bounds.words_with_letter))
    return min(rules)


def completeness(sample: Sample, bounds: QualityBounds) -> float:
    """1 / (1 + defects): cut-off end (end marks: FineWeb), open fence or backtick, half table, empty section, placeholder."""
    anatomy = sample.anatomy
    defects = int(anatomy.open_fence) + anatomy.empty_sections
    defects += sum(_is_half(table) for table in anatomy.tables)
    defects += sum(block.count("`") % 2 for block in anatomy.paragraphs + anatomy.items)
    defects += bool(_PLACEHOLDER.search(anatomy.prose) or not sample.answer.strip())
    defects += bool(not anatomy.empty_sections and _ends_abruptly(anatomy))
    return 1 / (1 + defects)


def _ends_abruptly(anatomy: Anatomy) -> bool:
    """Whether running text stops without an end mark; list items need none, unless something is announced or cut."""
    end = anatomy.last_line.rstrip("*_ ")
    if not end or _UNSPACED.match(end[-1]) or _ADDRESS_AT_END.search(end):
        return False
    return bool(_CUT_OFF.search(end)) and not (anatomy.items and end[-1].isalnum())


def _is_half(table: Sequence[str]) -> bool:
    """A table without its separator line or body, or with rows of another width: one that was cut."""
    widths = {row.replace("\\|", "").strip("|").count("|") for row in table}
    return len(table) < 3 or not set(table[1]) <= set("|-: ") or len(widths) > 1 or not table[-1].endswith("|")


def formatting(sample: Sample, bounds: QualityBounds) -> float:
    """Mean over what the answer calls for: code marked as code, breaks, lists, structure, no other markup. Own rule."""
    anatomy = sample.anatomy
    marked = len(anatomy.inline_code) + len(anatomy.code_blocks)
    unmarked = len(_CODE_LIKE.findall(_BOLD_NAME.sub(" ", anatomy.prose)))
    blocks = anatomy.paragraphs + anatomy.items
    longest = max((len(tokens(block)) for block in blocks), default=0)
    rules = [float(not _OTHER_MARKUP.search(anatomy.prose)), at_most(longest, bounds.paragraph_words)]
    if marked or unmarked:
        rules.append(marked / (marked + unmarked))
    if len(sample.words) > bounds.paragraph_words:
        rules.append(float(anatomy.structured or len(blocks) > 1))
    if any(len(_INLINE_LIST.findall(block)) > 2 for block in blocks):
        rules.append(0.0)
    return sum(rules) / len(rules)


def repetition(sample: Sample, bounds: QualityBounds) -> float:
    """Nothing said over and over: repeated lines, here sentences and list items; top and repeated n-grams (Gopher, table A1).

    The n-gram rules read running text only: the items of a good list of parameters are much alike. Text too short for them
    is measured by its share of distinct words (own rule).
    """
    units = [*sample.anatomy.items, *(sentence for paragraph in sample.anatomy.paragraphs for sentence in sentences(paragraph))]
    units = [unit for unit in units if _WORD.search(unit)]
    rules = [at_most(1 - len(set(units)) / len(units), bounds.duplicate_lines)] if units else [1.0]
    words = tokens("\n".join(sample.anatomy.paragraphs)) if sample.anatomy.items else sample.words
    if len(words) >= bounds.ngram_words:
        rules += [at_most(_top_ngram_share(words, n), bound) for n, bound in enumerate(bounds.top_ngrams, 2)]
        rules += [at_most(share, bound) for bound, share in zip(bounds.duplicate_ngrams, _duplicate_ngram_shares(words), strict=False)]
    elif words:
        rules.append(at_least(len(set(words)) / len(words), bounds.distinct_words))
    return min(rules)


def _ngrams(words: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[i:] for i in range(size)), strict=False))


def _top_ngram_share(words: Sequence[str], size: int) -> float:
    """Share of the characters that stand in the most frequent n-gram, when that occurs more than once."""
    counts = Counter(_ngrams(words, size))
    if not counts:
        return 0.0
    most = max(counts.values())
    longest = max(sum(map(len, gram)) for gram, times in counts.items() if times == most)
    return most * longest / sum(map(len, words)) if most > 1 else 0.0


def _duplicate_ngram_shares(words: Sequence[str]) -> Iterator[float]:
    """The shares for 5-grams, 6-grams and so on, up to the last size that repeats."""
    for size in count(5):
        share = _duplicate_ngram_share(words, size)
        if not share:
            return
        yield share


def _duplicate_ngram_share(words: Sequence[str], size: int) -> float:
    """Share of the characters that stand in an n-gram that came before; overlapping ones count once."""
    seen: set[tuple[str, ...]] = set()
    repeated: set[int] = set()
    for start, gram in enumerate(_ngrams(words, size)):
        if gram in seen:
            repeated.update(range(start, start + size))
        seen.add(gram)
    return sum(len(words[i]) for i in repeated) / sum(map(len, words))


def relevance(sample: Sample, bounds: QualityBounds) -> float:
    """Low where there is evidence: the terms of question and answer are the same (an echo), or many, and not shared. Own rule.

    Else 1: good answers to short questions, and definitions, often share no word with them. The arguments of a call named
    in the question need not be taken up, but those that are count.
    """
    named = _ARGUMENTS.sub(r"\1 ", sample.question)
    asked, answered = terms(named), terms(sample.answer)
    arguments = terms(sample.question) - asked
    if asked and asked <= answered <= asked | arguments:
        return 0.0
    if min(len(asked), len(answered)) < bounds.compared_terms or _DEFINITION.match(sample.question):
        return 1.0
    shared = shared_terms(asked, answered) + len(arguments & answered)
    return at_least(shared / len(asked), bounds.shared_terms)


def refusal(sample: Sample, bounds: QualityBounds) -> float:
    """0 for what is no answer: a refusal and little else, filler text, or the question again.

    Else the share of sentences that are no web-page furniture (C4).
    """
    refuses = len(sample.words) <= bounds.refusal_words and is_refusal(sample.answer)
    if refuses or is_filler(sample.anatomy.prose) or _gives_back(sample):
        return 0.0
    return 1 - web_page_share(sample.anatomy.prose)


def _gives_back(sample: Sample) -> bool:
    """Whether the answer is the question, once or several times, and no more."""
    asked, answered = tuple(tokens(sample.question)), sample.answer_words
    return bool(asked and answered) and answered == asked * (len(answered) // len(asked))


def encoding(sample: Sample, bounds: QualityBounds) -> float:
    """Few damaged characters (own rule, mojibake by ftfy), and enough letters and digits in the prose (data-juicer)."""
    texts = [sample.question, without_spans(sample.answer)]
    damaged = sum(map(_damaged_characters, texts))
    rules = [max(0.0, 1 - damaged / max(1, sum(map(len, texts))) / bounds.damaged_characters)]
    visible = len(_VISIBLE.findall(sample.anatomy.prose))
    if visible:
        rules.append(at_least(sum(map(len, sample.words)) / visible, bounds.alphanumeric))
    return min(rules)


def _damaged_characters(text: str) -> int:
    """Replacement, control, private-use and surrogate characters, and sequences that ftfy takes for mojibake."""
    return len(_DAMAGED.findall(text)) + (0 if text.isascii() else badness(text))


Signal = Callable[[Sample, QualityBounds], float]
SIGNALS: dict[str, Signal] = {
    "length": length,
    "completeness": completeness,
    "formatting": formatting,
    "repetition": repetition,
    "relevance": relevance,
    "refusal": refusal,
    "encoding": encoding,
}
