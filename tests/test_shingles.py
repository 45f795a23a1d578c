"""Shingles: what a word is, and that the hashes of many texts at once are those of the shingles one by one."""

from __future__ import annotations

import random

import pytest

from gradus.shingles import hash_shingles, shingles, tokens

ASCII = "aAbBZz09_ .,-'\n\t\0\x7f"
MIXED = ASCII + "éÉßŉİΣςσKﬁǅ日本語ก\u0e3f가\u30fb\u0301٣𝒜😀\ud800 \u00a0“”"


def in_order(text: str, size: int) -> list[str]:
    """The shingles of a text as they follow each other, repeated ones too."""
    words = tokens(text)
    return [" ".join(words[i : i + size]) for i in range(max(1, len(words) - size + 1))] if words else []


def random_texts(draw: random.Random, letters: str) -> list[str]:
    lengths = draw.choices([0, 1, 3, 10, 60, 300], k=draw.randint(0, 12))
    return ["".join(draw.choices(letters if draw.random() < 0.9 else "ab", k=length)) for length in lengths]


def test_shingles_fold_case_and_punctuation_and_read_unspaced_scripts() -> None:
    assert shingles("One, two THREE four!", 3) == {b"one two three", b"two three four"}
    assert shingles("one two", 3) == {b"one two"}
    assert shingles("... !", 3) == frozenset()
    assert shingles("日本語だ", 3) == {"日 本 語".encode(), "本 語 だ".encode()}


@pytest.mark.parametrize("letters", [ASCII, MIXED], ids=["ascii", "mixed"])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_equal_hashes_are_equal_shingles(letters: str, size: int) -> None:
    draw = random.Random(size)
    meaning: dict[int, str] = {}
    names: dict[str, int] = {}
    for _ in range(150):
        texts = random_texts(draw, letters)
        hashes, starts = hash_shingles(texts, size)
        assert len(starts) == len(texts) + 1 and starts[-1] == len(hashes)
        for text, start, stop in zip(texts, starts, starts[1:], strict=False):
            expected, found = in_order(text, size), hashes[start:stop].tolist()
            assert len(found) == len(expected)
            for shingle, value in zip(expected, found, strict=True):
                assert meaning.setdefault(value, shingle) == shingle
                assert names.setdefault(shingle, value) == value
    assert len(names) > 200


@pytest.mark.parametrize("length", [7, 8, 9, 16, 17, 63, 64, 65, 66, 200])
def test_each_letter_of_a_long_word_counts(length: int) -> None:
    word = "a" * length
    others = [word[:place] + "b" + word[place + 1 :] for place in range(length)]
    hashes, _ = hash_shingles([word, *others, word + "a", f"before {word} after"], 1)
    assert len(set(hashes.tolist())) == length + 4
    assert hashes[-2] == hashes[0]


def test_no_texts_and_no_words_have_no_hashes() -> None:
    for texts in ([], [""], ["", "..."]):
        hashes, starts = hash_shingles(texts, 3)
        assert len(hashes) == 0 and starts.tolist() == [0] * (len(texts) + 1)


def test_a_huge_word_and_a_huge_text_are_read() -> None:
    hashes, starts = hash_shingles(["x" * 3_000_000, "a b c " * 300_000], 3)
    assert starts.tolist() == [0, 1, 900_000 - 1]
    assert len(set(hashes.tolist())) == 4
