"""Near-duplicates: every pair is right, none at the threshold is missed, and the bands are chosen for it."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from gradus.config import load_config
from gradus.config.schema import NearDuplicates
from gradus.minhash import Banding, choose_banding
from gradus.near_duplicates import find_near_duplicates
from gradus.shingles import jaccard, shingles

WORDS = [f"word{i}" for i in range(4000)]


@pytest.fixture(scope="module")
def settings() -> NearDuplicates:
    """The shipped ones."""
    return load_config().curate.near_duplicates


def planted(seed: int, families: int, changes: int) -> list[str]:
    """Texts of 120 words, each with copies in which 1 to `changes` words were exchanged."""
    draw = random.Random(seed)
    texts = []
    for _ in range(families):
        base = draw.choices(WORDS, k=120)
        texts.append(" ".join(base))
        for count in range(1, changes + 1):
            copy = list(base)
            for position in draw.sample(range(120), count):
                copy[position] = draw.choice(WORDS)
            texts.append(" ".join(copy))
    draw.shuffle(texts)
    return texts


def test_finds_what_brute_force_finds_and_nothing_else(settings: NearDuplicates) -> None:
    texts = planted(seed=3, families=60, changes=9)
    sets = [shingles(text, 3) for text in texts]
    expected = {(i, j): jaccard(sets[i], sets[j]) for i, j in combinations(range(len(texts)), 2) if jaccard(sets[i], sets[j]) >= 0.8}
    found = {(pair.first, pair.second): pair.similarity for pair in find_near_duplicates(texts, settings)}
    assert len(expected) > 200
    assert found == expected


def test_a_hard_negative_is_no_pair(settings: NearDuplicates) -> None:
    base = WORDS[:100]
    below = [*base[:88], *WORDS[200:212]]  # 86 of 110 shingles are shared
    assert jaccard(shingles(" ".join(base), 3), shingles(" ".join(below), 3)) == pytest.approx(86 / 110)
    assert find_near_duplicates([" ".join(base), " ".join(below)], settings) == []


def test_shingles_fold_case_and_punctuation_and_read_unspaced_scripts() -> None:
    assert shingles("One, two THREE four!", 3) == {b"one two three", b"two three four"}
    assert shingles("one two", 3) == {b"one two"}
    assert shingles("... !", 3) == frozenset()
    assert shingles("日本語だ", 3) == {"日 本 語".encode(), "本 語 だ".encode()}


def test_texts_without_words_are_not_alike(settings: NearDuplicates) -> None:
    assert find_near_duplicates(["", "...", "!?"], settings) == []


def test_a_lone_surrogate_does_no_harm(settings: NearDuplicates) -> None:
    text = "a text with a \ud800 lone surrogate in it that stays as it is"
    assert [(p.first, p.second, p.similarity) for p in find_near_duplicates([text, text], settings)] == [(0, 1, 1.0)]


@pytest.mark.parametrize(("threshold", "permutations"), [(0.5, 128), (0.8, 128), (0.8, 256), (0.95, 64), (1.0, 128)])
def test_the_banding_has_the_recall_that_was_asked_for(threshold: float, permutations: int) -> None:
    wanted = NearDuplicates(threshold=threshold, permutations=permutations, shingle_words=3, minimum_recall=0.999)
    banding = choose_banding(wanted)
    assert banding.bands * banding.rows <= permutations
    assert banding.recall(threshold) >= 0.999
    longer = Banding(permutations // (banding.rows + 1), banding.rows + 1)
    assert longer.recall(threshold) < 0.999 or banding.rows == permutations


def test_the_default_banding_is_25_by_5(settings: NearDuplicates) -> None:
    assert choose_banding(settings) == Banding(25, 5)


def test_an_impossible_recall_is_said(caplog: pytest.LogCaptureFixture) -> None:
    choose_banding(NearDuplicates(threshold=0.1, permutations=16, shingle_words=3, minimum_recall=0.999))
    assert "16 permutations find only 81 % of the pairs at similarity 0.1" in caplog.text
