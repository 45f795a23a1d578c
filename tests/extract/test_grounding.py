"""Grounding: planted inventions are rejected with score and statement, true answers stay, quotes are found with their true ranges."""

from __future__ import annotations

import itertools
import random
import re
from collections import defaultdict

import pytest

from gradus.config import load_config
from gradus.extract.grounding.evidence import Evidence
from gradus.extract.grounding.quotes import find_quote
from gradus.extract.grounding.sentences import sentence_starts
from gradus.extract.grounding.statements import statements_of
from gradus.extract.grounding.support import Judgement, judge
from gradus.extract.grounding.words import stem, terms_of

GROUNDING = load_config().extract.teach.grounding
QUEUE = """# Tidewater

Tidewater is a small message queue that keeps its messages in SQLite. It was written in 2019 by Mara Holt and is
released under the Apache licence.

## Install

Install it with pip:

```bash
pip install tidewater
```

Python 3.10 or newer is required. Windows is not supported, since the queue needs POSIX file locks.

## Queues

A queue is made by `open_queue(path, max_size=5000)`. When the queue is full, `put` blocks for up to 30 seconds and then
raises `QueueFull`. `get` returns the oldest message first; with `newest=True` it returns the latest one. Messages are
never lost after a crash, because every write is flushed to disk before `put` returns.

- `max_size`: how many messages the queue holds at most
- `timeout`: seconds that `put` waits, 30 by default
- `newest`: whether the newest message is taken first

## Workers

A worker process reads messages in batches of 64. If a handler raises an exception, the message is put back and tried
again after 5 minutes, at most three times. After the third failure it moves to the dead letter table, which the command
`tidewater dead` lists. Workers do not share connections: each one opens its own. The pool size should not exceed the
number of cores.

## Monitoring

The Prometheus exporter listens on port 9187. Grafana dashboards are in the folder `contrib`. Metrics are kept for two
weeks unless `retention` is set.
"""
STARTER = """# Sourdough starter

A starter is a mix of flour and water in which wild yeast and lactic acid bacteria live. Rye flour ferments faster than
wheat flour because it holds more enzymes and minerals.

Feed the starter once a day at 24 °C, or once a week when it stands in the refrigerator. For a feeding, discard all but
50 g of the starter and stir in 100 g of water and 100 g of flour. Do not use chlorinated water: chlorine kills the
yeast. Tap water that stood overnight is fine.

## When it is ready

The starter is ready when it doubles in volume within four to six hours. A spoonful then floats in water. If a grey
liquid called hooch collects on top, the starter is hungry; pour it off or stir it in, both are safe. Pink or orange
streaks are a sign of harmful bacteria, and such a starter must be thrown away.

## Storage

A starter keeps in the refrigerator for up to two months without feeding. Freezing is possible but weakens the yeast. To
dry it, spread it thinly on baking paper, let it dry for two days at room temperature and keep the flakes in an airtight
jar. Dried flakes last for years. Metal lids should be avoided, since acid corrodes them. Anna's grandmother in Bergen
kept hers from 1931 until 1987.
"""
# Answers that the documents support, most of them reworded: other order, other words, several sentences in one.
TRUE = {
    QUEUE: [
        "Tidewater is a message queue that stores its messages in SQLite.",
        "Mara Holt wrote Tidewater in 2019, and it is released under the Apache licence.",
        "You can install Tidewater with pip:\n\n```bash\npip install tidewater\n```",
        "Tidewater requires Python 3.10 or newer.",
        "No. Windows is not supported because the queue needs POSIX file locks.",
        "Windows isn't supported, because Tidewater needs POSIX file locks.",
        "A queue holds at most `max_size` messages, which is 5000 by default.",
        "When the queue is full, `put` waits for up to 30 seconds; after that it raises `QueueFull`.",
        "`put` raises `QueueFull` if the queue is still full after 30 seconds.",
        "By default `get` returns the oldest message first. With `newest=True`, the latest message is returned.",
        "No messages are lost after a crash, because every write is flushed to disk before `put` returns.",
        "Every write is flushed to disk before `put` returns, so messages are never lost after a crash.",
        "The message is put back and tried again after 5 minutes, at most three times.",
        "If a handler raises an exception, its message goes back into the queue and is retried after 5 minutes, up to three times.",
        "After the third failure the message moves to the dead letter table. The command `tidewater dead` lists it.",
        "Each worker opens its own connection; connections are not shared between workers.",
        "Workers don't share connections: every worker opens its own.",
        "The pool size should not be larger than the number of cores.",
        "The Prometheus exporter listens on port 9187.",
        "Port 9187 is used by the Prometheus exporter.",
        "Metrics are kept for two weeks unless you set `retention`.",
        "You find the Grafana dashboards in the folder `contrib`.",
        "The queue has these options:\n\n- `max_size`: the most messages that the queue holds\n- `timeout`: seconds that `put` waits (30 by default)",
        "Worker processes read messages in batches of 64.",
    ],
    STARTER: [
        "A starter is a mixture of flour and water in which wild yeast and lactic acid bacteria live.",
        "Rye flour ferments faster, because it has more enzymes and minerals than wheat flour.",
        "Feed it once a day at 24 °C. In the refrigerator, once a week is enough.",
        "Discard all but 50 g of the starter and stir in 100 g of water and 100 g of flour.",
        "To feed the starter:\n\n1. Discard all but 50 g of it.\n2. Stir in 100 g of water and 100 g of flour.",
        "Chlorinated water should not be used, because chlorine kills the yeast.",
        "Avoid chlorinated water: the chlorine kills the yeast.",
        "It is ready when its volume doubles within four to six hours. A spoonful of it then floats in water.",
        "The grey liquid is called hooch. It means that the starter is hungry; you can pour it off or stir it in, both are safe.",
        "Pink or orange streaks are a sign of harmful bacteria. Such a starter must be thrown away.",
        "Throw the starter away: pink or orange streaks are a sign of harmful bacteria.",
        "It keeps for up to two months in the refrigerator without feeding.",
        "Yes, freezing is possible, but it weakens the yeast.",
        "Spread it thinly on baking paper, let it dry at room temperature for two days, and keep the flakes in an airtight jar.",
        "Metal lids should be avoided because acid corrodes them.",
        "Anna's grandmother kept her starter in Bergen from 1931 until 1987.",
        "Dried flakes keep for years.",
        "Yes. Tap water is fine if it stood overnight.",
    ],
}
# Answers that they do not support, by what is wrong with them.
FALSE = {
    QUEUE: [
        ("number", "A queue holds at most `max_size` messages, which is 10000 by default."),
        ("number-other", "When the queue is full, `put` waits for up to 64 seconds; after that it raises `QueueFull`."),
        ("number-other", "The Prometheus exporter listens on port 5000."),
        ("number", "Tidewater was written in 2015 by Mara Holt."),
        ("number-other", "Worker processes read messages in batches of 30."),
        ("number", "The message is put back and tried again after 10 minutes, at most three times."),
        ("number-other", "The message is put back and tried again after 30 minutes, at most three times."),
        ("number-other", "Metrics are kept for three weeks unless `retention` is set."),
        ("entity", "The Grafana exporter listens on port 9187."),
        ("entity", "Prometheus dashboards are in the folder `contrib`."),
        ("entity", "When the queue is full, `get` blocks for up to 30 seconds and then raises `QueueFull`."),
        ("entity", "`put` returns the oldest message first."),
        ("entity", "Grafana wrote Tidewater in 2019."),
        ("entity", "Mara Holt is not supported, since the queue needs POSIX file locks."),
        ("entity", "Windows 3.10 or newer is required."),
        ("entity", "Tidewater keeps its messages in Redis."),
        ("negation", "Windows is supported, since the queue needs POSIX file locks."),
        ("negation", "Windows is supported."),
        ("negation", "Messages are lost after a crash, because every write is flushed to disk before `put` returns."),
        ("negation", "Workers share connections."),
        ("negation", "The pool size should exceed the number of cores."),
        ("negation", "Python 3.10 or newer is not required."),
        ("negation", "The Prometheus exporter does not listen on port 9187."),
        ("negation", "When the queue is full, `put` does not block for up to 30 seconds."),
        ("antonym", "`get` returns the newest message first by default."),
        ("antonym", "Every write is flushed to disk after `put` returns."),
        ("antonym", "Python 3.10 or older is required."),
        ("antonym", "`max_size` is how many messages the queue holds at least."),
        ("invention", "Tidewater supports clustering across several machines through the Raft protocol."),
        ("invention", "The dead letter table is emptied automatically every night."),
        ("invention", "Tidewater encrypts its messages with AES before they are written to disk."),
        ("invention", "A worker can be stopped gracefully by sending it SIGTERM."),
        ("invention", "The queue can be compacted with `tidewater vacuum`."),
        ("invention", "Messages can have priorities from low to high, and workers take high ones first."),
        ("invention", "If a handler raises an exception, the worker process is restarted and an e-mail is sent to the administrator."),
        ("invention", "The exporter requires a password for access from other hosts."),
        ("code", "Install it with conda:\n\n```bash\nconda install tidewater\n```"),
        ("code", 'Open a queue like this:\n\n```python\nqueue = open_queue("jobs.db", max_size=5000)\n```'),
        ("mixed", "The Prometheus exporter listens on port 9187. It also serves a health check under `/healthz`."),
        ("mixed", "After the third failure the message moves to the dead letter table. An alert is then raised in Slack."),
        (
            "mixed",
            "The queue has these options:\n\n- `max_size`: how many messages it holds at most\n- `compression`: whether messages are compressed",
        ),
    ],
    STARTER: [
        ("entity", "Wheat flour ferments faster than rye flour because it holds more enzymes and minerals."),
        ("number", "Feed the starter once a day at 30 °C."),
        ("number-other", "Feed the starter once a day at 50 °C."),
        ("number-other", "A starter keeps in the refrigerator for up to six months without feeding."),
        ("number-other", "Discard all but 100 g of the starter and stir in 50 g of water."),
        ("negation", "Use chlorinated water: chlorine kills the yeast."),
        ("negation", "Tap water that stood overnight is not fine."),
        ("negation", "Freezing is not possible."),
        ("negation", "A starter keeps in the refrigerator for up to two months with feeding."),
        ("negation", "The grey liquid must not be stirred in."),
        ("antonym", "Rye flour ferments slower than wheat flour."),
        ("antonym", "The starter is ready when it halves in volume within four to six hours."),
        ("antonym", "Pink or orange streaks are a sign of harmless bacteria."),
        ("entity", "Pink or orange hooch collects on top when the starter is hungry."),
        ("entity", "Grey streaks are a sign of harmful bacteria."),
        ("entity", "Anna kept hers in Oslo from 1931 until 1987."),
        ("entity", "Acid lids should be avoided, since metal corrodes them."),
        ("number-other", "Anna's grandmother kept hers from 1987 until 1931."),
        ("invention", "Adding a spoonful of honey speeds up the fermentation."),
        ("invention", "The starter should be kept in a glass jar with a cloth over it."),
        ("invention", "A starter made with spelt flour smells of apples."),
        ("invention", "Freezing the starter kills harmful bacteria."),
        ("invention", "Dried flakes are revived in lukewarm milk."),
        ("invention", "The volume of the starter depends on the height above sea level."),
        ("mixed", "Yes, freezing is possible, but it weakens the yeast. Thaw it slowly over a night in the refrigerator."),
        ("mixed", "It is ready when it doubles in volume within four to six hours. It then smells of vinegar."),
    ],
}


def judged(answer: str, text: str) -> Judgement:
    return judge(answer, Evidence(text), GROUNDING)


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
