"""Variants are true to their originals, unlike every other question, and tied to where they came from."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations
from random import Random

import pytest

from gradus.augment.preserved import first_difference
from gradus.augment.similar import QuestionIndex, similarity, words_of
from gradus.augment.variants import Augmented, add_variants
from gradus.config import load_config
from gradus.config.schema import Augment

from .conftest import Make


@pytest.fixture
def settings() -> Augment:
    return load_config(settings=["augment.question_variants=2"]).augment


def reasons(result: Augmented) -> Counter[str]:
    return Counter(dropped.reason for dropped in result.dropped)


def test_a_variant_is_its_original_in_other_words(make: Make, settings: Augment) -> None:
    original = make("What does `numpy.sort(a, axis=-1)` do?")
    result = add_variants([original], settings, seed=1)
    first, *variants = result.examples
    assert first == original
    assert len(variants) == 2
    for variant in variants:
        assert variant == replace(original, id=variant.id, question=variant.question, meta={"page": 4, "variant": "question template"})
        assert "`numpy.sort(a, axis=-1)`" in variant.question
    assert len({e.id for e in result.examples}) == len({e.question for e in result.examples}) == 3


def test_no_wording_that_is_asked_already(make: Make, settings: Augment) -> None:
    asked = ["What does `f` do?", "Explain what `f` does.", "What is `f` used for?", "Describe what `f` does."]
    result = add_variants([make(question) for question in asked], settings, seed=1)
    assert [e.question for e in result.examples] == asked
    assert reasons(result) == {"too like another question": 12}


def test_variants_of_two_originals_do_not_meet(make: Make) -> None:
    many = load_config(settings=["augment.question_variants=9"]).augment
    originals = [make("What does `f` do?", "One answer."), make("What does `f` do?", "Another answer.")]
    questions = [e.question for e in add_variants(originals, many, seed=1).examples if e.id != e.origin_id]
    assert len(questions) == len(set(questions)) == 3


def test_a_nearly_equal_wording_is_dropped(make: Make, settings: Augment) -> None:
    long = "How do I sort the rows of a very large table by date and then by name and then by place without loading all of it?"
    result = add_variants([make(long)], settings, seed=1)
    assert reasons(result)["too like another question"] == 1  # "How can I ..." differs in one word of twenty
    assert all(similarity(words_of(long), words_of(e.question)) < 0.9 for e in result.examples[1:])


def test_the_seed_decides_and_the_order_does_not(make: Make, settings: Augment) -> None:
    originals = [make(f"What does `f{i}` do?") for i in range(30)]
    one, again, other = (add_variants(originals, settings, seed) for seed in (1, 1, 2))
    assert one == again
    assert one.examples != other.examples
    assert set(map(repr, add_variants(originals[::-1], settings, 1).examples)) == set(map(repr, one.examples))


def test_zero_variants_switch_it_off(make: Make) -> None:
    originals = [make("What does `f` do?"), make("Why?")]
    result = add_variants(originals, load_config(settings=["augment.question_variants=0"]).augment, seed=1)
    assert result.examples == originals
    assert not result.dropped


def test_what_no_template_fits_is_counted_by_kind(make: Make, settings: Augment) -> None:
    result = add_variants([make("Why?", kind="faq"), make("What does `f` do?")], settings, seed=1)
    assert result.without_template == {"faq": 1}


@pytest.mark.parametrize(
    ("original", "variant", "difference"),
    [
        ("What does `f` do?", "What does `g` do?", "code"),
        ("What does `f` do?", "What does f do?", "code"),
        ("Wait 3.5 seconds?", "Wait 35 seconds?", "number"),
        ("Is it 5 to 6?", "Is it 5?", "number"),
        ("Ask Anna about it.", "Ask Berta about it.", "name"),
        ("Set max_tokens here.", "Set max_steps here.", "name"),
        ("See https://a.org/b.", "See https://a.org/c.", "name"),
        ('Say "yes" now.', 'Say "no" now.', "name"),
        ("How do I use NumPy 2?", "Show me how to use NumPy 2.", None),
    ],
)
def test_what_a_variant_must_keep(original: str, variant: str, difference: str | None) -> None:
    assert first_difference(original, variant) == difference


def test_the_index_finds_what_brute_force_finds() -> None:
    draw = Random(5)
    vocabulary = [f"word{i}" for i in range(40)]
    questions = [" ".join(draw.sample(vocabulary, draw.randint(1, 14))) for _ in range(300)]
    probes = [" ".join(draw.sample(question.split(), max(1, len(question.split()) - draw.randint(0, 2)))) for question in questions]
    known = [words_of(question) for question in questions]
    nearest = [max(similarity(words_of(probe), words) for words in known) for probe in probes]
    for threshold in (0.5, 0.8, 0.9, 1.0):
        index = QuestionIndex(questions[:200], threshold, upcoming=[*questions[200:], *probes])
        for question in questions[200:]:
            index.add(question)
        expected = [highest >= threshold for highest in nearest]
        assert [index.has_similar(probe) for probe in probes] == expected
        assert any(expected)
    assert not all(similarity(words_of(a), words_of(b)) >= 0.9 for a, b in combinations(questions[:20], 2))


def test_the_index_misses_nothing_at_just_the_threshold() -> None:
    """0.28 * 25 is 7.000000000000001 in floating point: one word more would be asked for than the two questions share."""
    words = [f"word{i:02}" for i in range(25)]
    long, short = " ".join(words), " ".join(words[-7:])
    assert QuestionIndex([long], 0.28, upcoming=[short]).has_similar(short)
