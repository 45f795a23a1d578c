"""Grounding: planted inventions are rejected with score and statement, true answers stay, quotes are found with their true ranges."""

from __future__ import annotations

import itertools
import random
import re
from collections import defaultdict
from functools import cache

import pytest

from gradus.config import load_config
from gradus.extract.grounding.evidence import Evidence
from gradus.extract.grounding.quotes import find_quote
from gradus.extract.grounding.sentences import sentence_starts
from gradus.extract.grounding.statements import statements_of
from gradus.extract.grounding.support import Judgement, judge
from gradus.extract.grounding.words import stem, terms_of

from .planted import FALSE, QUEUE, TRUE

GROUNDING = load_config().extract.teach.grounding


@cache
def evidence_of(text: str) -> Evidence:
    return Evidence(text)


def judged(answer: str, text: str) -> Judgement:
    return judge(answer, evidence_of(text), GROUNDING)


def is_kept(answer: str, text: str) -> bool:
    score = judged(answer, text).score
    return score is not None and score >= GROUNDING.minimum


def test_true_answers_are_kept() -> None:
    kept = [is_kept(answer, text) for text, answers in TRUE.items() for answer in answers]
    assert len(kept) >= 40 and sum(kept) / len(kept) >= 0.95


def test_planted_inventions_are_rejected() -> None:
    found: dict[str, list[bool]] = defaultdict(list)
    for text, answers in FALSE.items():
        for kind, answer in answers:
            found[kind].append(not is_kept(answer, text))
    for kind in ("number", "negation", "invention", "code", "mixed"):
        assert len(found[kind]) >= 2 and all(found[kind]), kind
    every = [rejected for kind in found.values() for rejected in kind]
    assert len(every) >= 60 and sum(every) / len(every) >= 0.88


def test_scores_tell_true_from_false_answers() -> None:
    """Area under the ROC curve: the share of pairs of a true and a false answer that the scores put in order."""
    true = [judged(answer, text).score or 0.0 for text, answers in TRUE.items() for answer in answers]
    false = [judged(answer, text).score or 0.0 for text, answers in FALSE.items() for _, answer in answers]
    pairs = [(a > b) + (a == b) / 2 for a in true for b in false]
    assert sum(pairs) / len(pairs) >= 0.94


def test_sentences_of_another_document_are_rejected() -> None:
    strangers = [(answer, text) for text in TRUE for other, answers in TRUE.items() if other != text for answer in answers]
    assert not any(is_kept(answer, text) for answer, text in strangers)


def test_numbers_changed_at_random_are_rejected() -> None:
    rng = random.Random(5)
    changed = rejected = 0
    for text, answers in TRUE.items():
        numbers = {term.stem for term in terms_of(text)}
        for answer in answers:
            for number in set(re.findall(r"(?<=\w )\d+(?![.\w]*\w)", answer)):
                other = next(n for n in iter(lambda: str(rng.randint(13, 9999)), "") if n not in numbers)
                changed += 1
                rejected += not is_kept(answer.replace(number, other, 1), text)
    assert changed > 12 and rejected == changed


@pytest.mark.parametrize(
    ("answer", "statement", "reason"),
    [
        ("The Prometheus exporter listens on port 9999.", "The Prometheus exporter listens on port 9999.", "'9999' is not in the text"),
        ("Python 3.10 or newer is required. Windows is supported.", "Windows is supported.", "says what the text denies"),
        ("Python 3.10 or newer is not required.", "Python 3.10 or newer is not required.", "denies what the text does not"),
        ("Python 3.10 or older is required.", "Python 3.10 or older is required.", "says 'older' where the text says 'newer'"),
        ("Worker processes read messages in batches of 30.", "Worker processes read messages in batches of 30.", "'30' stands next to other words"),
        ("Do this:\n\n```bash\nconda install tidewater\n```", "conda install tidewater\n", "code that is not in the text"),
        ("It needs a licence key from the vendor.", "It needs a licence key from the vendor.", "words that the text does not put together"),
        ("Yes.", "Yes.", "no statement that can be checked"),
    ],
)
def test_a_rejection_names_the_statement_and_the_reason(answer: str, statement: str, reason: str) -> None:
    judgement = judged(answer, QUEUE)
    assert (judgement.score or 0.0) < GROUNDING.minimum
    assert judgement.statement == statement
    assert judgement.reason.startswith(reason)


def test_every_sentence_of_a_text_supports_itself_and_is_its_own_span() -> None:
    for text in TRUE:
        for paragraph in (block for block in text.split("\n\n") if not block.startswith(("#", "```", "-"))):
            places = [0, *sentence_starts(paragraph), len(paragraph)]
            for start, end in itertools.pairwise(places):
                sentence = paragraph[start:end].strip()
                judgement = judged(sentence, text)
                assert judgement.score == 1.0
                assert text[slice(*judgement.span)] == sentence


def test_names_in_title_and_headings_need_not_stand_in_the_sentence() -> None:
    text = "It keeps its messages in SQLite and needs no server."
    answer = "Tidewater keeps its messages in SQLite."
    assert not is_kept(answer, text)
    assert (judge(answer, Evidence(text, "Tidewater\nStorage"), GROUNDING).score or 0.0) >= GROUNDING.minimum


def test_what_is_spoken_of_is_not_a_negation() -> None:
    assert is_kept('The operator "not" yields the opposite of its argument.', 'The operator "not" yields the opposite of its argument, in any case.')
    assert is_kept("If `axis` is `None`, the whole array is flattened.", "When axis is None, the whole array is flattened first.")


def test_code_may_leave_out_what_stands_between_its_parts_and_nothing_else() -> None:
    text = "Do this:\n\n```python\n>>> a = 1\n>>> b = 2\n```\n\nand then\n\n```python\nrun(a)\n```\n"
    assert is_kept("```python\na = 1\nb = 2\n\nrun(a)\n```", text)
    assert not is_kept("```python\na = 1\n\nrun(b)\n```", text)


def test_what_a_than_or_before_compares_may_not_change_sides() -> None:
    text = "Old grease is wiped off before new grease is applied. The red pump needs more oil than the green one."
    assert is_kept("The old grease is wiped off before new grease is applied.", text)
    assert is_kept("Before new grease is applied, the old grease is wiped off.", text)
    assert not is_kept("New grease is applied before the old grease is wiped off.", text)
    assert not is_kept("The green pump needs more oil than the red one.", text)


def test_an_announcement_counts_what_follows_but_invents_no_name() -> None:
    options = "\n\n- `max_size`: how many messages the queue holds at most\n- `newest`: whether the newest message is taken first"
    assert is_kept(f"Two options matter:{options}", QUEUE)
    assert not is_kept(f"The queue encrypts all of its messages with a key from the environment, and two options matter:{options}", QUEUE)
    assert judged(f"Of `RedisQueue` two options matter:{options}", QUEUE).reason == "'RedisQueue' is not in the text"


def test_answers_in_pieces() -> None:
    answer = "One. Two `a. B`, e.g. this.\n\n- item\n\n```python\nx = 1. Y\n```\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n### Head\n\nAll of these:"
    assert [(s.kind, s.text) for s in statements_of(answer)] == [
        ("prose", "One."),
        ("prose", "Two `a. B`, e.g. this."),
        ("prose", "item"),
        ("code", "x = 1. Y\n"),
        ("prose", "a | b"),
        ("prose", "1 | 2"),
        ("announcement", "All of these:"),
    ]


def test_words() -> None:
    assert {stem(word) for word in ("return", "returns", "returned", "returning")} == {"return"}
    assert stem("copies") == stem("copy") and stem("sized") == stem("size") and stem("string") == "string"
    terms = {term.stem: term for term in terms_of("In Python 3.10 the `sort()` is not stable, costs 1,000 and returns None.")}
    assert {stem for stem, term in terms.items() if term.hard} == {"python", "3.1", "sort", "1000", stem("none")}
    assert {stem for stem, term in terms.items() if term.denial} == {stem("stable")}


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("It was written in 2019 by Mara Holt", "It was written in 2019 by Mara Holt"),
        ("the dead letter table, which the command tidewater dead lists", "the dead letter table, which the command `tidewater dead` lists"),
        ("INSTALL IT\n  with   pip:", "Install it with pip:"),
        ("It was writen in 2019 from Mara Holt", "It was written in 2019 by Mara Holt"),
        ("Queues … with `newest=True` it returns the latest one", None),
        ("nothing of the kind stands in here, not even nearly", None),
        ("", None),
        ("***", None),
        ("x" * 5000, None),
    ],
)
def test_quotes_are_found_where_they_stand(quote: str, found: str | None) -> None:
    passage = find_quote(quote, QUEUE, GROUNDING.quote_likeness)
    if quote.startswith("Queues"):
        assert passage and QUEUE[passage.start : passage.end].startswith("Queues\n") and QUEUE[: passage.end].endswith("latest one")
    else:
        assert (" ".join(QUEUE[passage.start : passage.end].split()) if passage else None) == found


def test_rubbish_is_judged_without_a_fault() -> None:
    texts = [
        "",
        "\n",
        "`",
        "``` ",
        "| |",
        "- ",
        "not",
        "No.",
        "n't",
        "0" * 400,
        "1e999",
        "-" * 3000,
        "\u2028\x00",
        "你好世界。",
        "`" * 50,
        "a" * 5000,
        "# ",
    ]
    for answer in texts:
        for text in texts:
            score = judged(answer, text).score
            assert score is None or 0.0 <= score <= 1.0


def test_languages_without_blanks_are_judged_too() -> None:
    text = "队列将消息保存在文件中。工作进程每次读取六十四条消息。"
    assert is_kept("队列将消息保存在文件中。", text)
    assert not is_kept("猫喜欢在晚上吃鱼和喝牛奶。", text)
