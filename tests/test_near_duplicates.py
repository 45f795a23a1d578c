"""Near-duplicates: every pair is right, none is missed, and what is dropped repeats something better that stays."""

from __future__ import annotations

import random
import time
from itertools import combinations

import pytest

from gradus.config import load_config
from gradus.config.schema import NearDuplicates
from gradus.near_duplicates import drop_near_duplicates, find_near_duplicates, find_overlaps
from gradus.shingles import jaccard, shingles

WORDS = [f"word{i}" for i in range(4000)]


@pytest.fixture(scope="module")
def settings() -> NearDuplicates:
    """The shipped ones."""
    return load_config().curate.near_duplicates


def changed(draw: random.Random, base: list[str], changes: int) -> str:
    """A copy of a text in which words were exchanged."""
    copy = list(base)
    for position in draw.sample(range(len(base)), changes):
        copy[position] = draw.choice(WORDS)
    return " ".join(copy)


def planted(seed: int, families: int, changes: int) -> list[str]:
    """Texts of 60 to 180 words, each with copies in which 1 to `changes` words were exchanged."""
    draw = random.Random(seed)
    texts = []
    for _ in range(families):
        base = draw.choices(WORDS, k=draw.randint(60, 180))
        texts += [changed(draw, base, count) for count in range(changes + 1)]
    draw.shuffle(texts)
    return texts


def brute_force(texts: list[str], threshold: float = 0.8) -> dict[tuple[int, int], float]:
    """Every pair at the threshold with its similarity, from sets of strings."""
    sets = [shingles(text, 3) for text in texts]
    pairs = {(i, j): jaccard(sets[i], sets[j]) for i, j in combinations(range(len(texts)), 2)}
    return {pair: similarity for pair, similarity in pairs.items() if similarity >= threshold}


def test_finds_what_brute_force_finds_and_nothing_else(settings: NearDuplicates) -> None:
    texts = planted(seed=3, families=80, changes=9)
    expected = brute_force(texts)
    found = {(pair.first, pair.second): pair.similarity for pair in find_near_duplicates(texts, settings)}
    assert len(expected) > 400
    assert found == expected
    assert list(found) == sorted(found)


def test_texts_of_any_script_and_size_are_judged_alike(settings: NearDuplicates) -> None:
    base = "Ein Satz über Äpfel, Öl und 日本語のテキスト, der „lang“ genug ist, um verglichen zu werden."
    texts = [base * 5, base.upper() * 5, "x", "x", "", base * 5 + " Ende", "x " * 50_000]
    assert {(pair.first, pair.second): pair.similarity for pair in find_near_duplicates(texts, settings)} == brute_force(texts)


def test_overlaps_are_the_pairs_of_one_here_and_one_there(settings: NearDuplicates) -> None:
    texts = planted(seed=5, families=40, changes=5)
    here, there = texts[:100], texts[100:]
    expected = {(i, j - 100): similarity for (i, j), similarity in brute_force(texts).items() if i < 100 <= j}
    found = {(pair.first, pair.second): pair.similarity for pair in find_overlaps(here, there, settings)}
    assert len(expected) > 50
    assert found == expected
    assert find_overlaps([], there, settings) == [] == find_overlaps(here, [], settings)


def test_a_hard_negative_is_no_pair(settings: NearDuplicates) -> None:
    base = WORDS[:100]
    below = [*base[:88], *WORDS[200:212]]  # 86 of 110 shingles are shared
    assert jaccard(shingles(" ".join(base), 3), shingles(" ".join(below), 3)) == pytest.approx(86 / 110)
    assert find_near_duplicates([" ".join(base), " ".join(below)], settings) == []


def test_texts_without_words_are_not_alike(settings: NearDuplicates) -> None:
    assert find_near_duplicates(["", "...", "!?"], settings) == []
    assert find_near_duplicates([], settings) == []
    assert drop_near_duplicates([], [], settings) == {}


def test_a_lone_surrogate_does_no_harm(settings: NearDuplicates) -> None:
    text = "a text with a \ud800 lone surrogate in it that stays as it is"
    assert [(p.first, p.second, p.similarity) for p in find_near_duplicates([text, text], settings)] == [(0, 1, 1.0)]


@pytest.mark.parametrize("families", [(1, 120), (30, 4)], ids=["one large cluster", "many small ones"])
def test_what_goes_repeats_something_better_that_stays(settings: NearDuplicates, families: tuple[int, int]) -> None:
    draw = random.Random(8)
    bases = [draw.choices(WORDS, k=120) for _ in range(families[0])]
    texts = [changed(draw, base, draw.randint(0, 6)) for base in bases for _ in range(families[1])]
    order = draw.sample(range(len(texts)), len(texts) - 5)
    rank = {position: place for place, position in enumerate(order)}
    alike = brute_force(texts)
    dropped = drop_near_duplicates(texts, order, settings)
    assert len(dropped) > len(texts) // 4
    for gone, (kept, similarity) in dropped.items():
        assert kept not in dropped and rank[kept] < rank[gone]
        assert alike[min(kept, gone), max(kept, gone)] == similarity
    stay = sorted(set(order) - set(dropped))
    left = [pair for pair in combinations(stay, 2) if pair in alike]
    assert left == []


def test_a_chain_of_likenesses_drops_only_what_is_like_something_left(settings: NearDuplicates) -> None:
    windows = [" ".join(WORDS[start : start + 150]) for start in range(0, 60, 10)]  # each like its neighbours only
    assert drop_near_duplicates(windows, range(6), settings) == {1: (0, 138 / 158), 3: (2, 138 / 158), 5: (4, 138 / 158)}
    assert set(drop_near_duplicates(windows, [1, 0, 2, 4, 3, 5], settings)) == {0, 2, 3, 5}


def test_a_pair_that_is_no_copy_stays(settings: NearDuplicates) -> None:
    text = " ".join(WORDS[:50])
    asked: list[tuple[int, int]] = []

    def never(kept: int, other: int) -> bool:
        asked.append((kept, other))
        return False

    assert drop_near_duplicates([text, text], [1, 0], settings, never) == {}
    assert asked == [(1, 0)]


def test_the_cost_of_a_cluster_is_not_the_square_of_its_size(settings: NearDuplicates) -> None:
    draw = random.Random(2)
    base = draw.choices(WORDS, k=30)
    texts = [changed(draw, base, 0)] * 10_000 + [changed(draw, base, 1) for _ in range(10_000)]
    start = time.process_time()
    dropped = drop_near_duplicates(texts, range(20_000), settings)
    assert len(dropped) == 19_999
    assert {kept for kept, _ in dropped.values()} == {0}
    assert time.process_time() - start < 20  # all pairs, 200 million, would take half an hour
