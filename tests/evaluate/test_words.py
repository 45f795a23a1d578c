"""Words, numbers and identifiers of many kinds of text."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gradus.evaluate.words import fragments, identifiers, normal, numbers, rarity, repeated_share, stems, without_repeats, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Cat's hat.", ["the", "cat", "s", "hat"]),
        ("max_tokens=3", ["max_tokens", "3"]),
        ("Straße ＡＢＣ ﬁn", ["strasse", "abc", "fin"]),
        ("東京は大きい", ["東", "京", "は", "大", "き", "い"]),
        ("Größe: 5µm", ["grösse", "5μm"]),
        ("___ --- !!! \x00", []),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,000 or 1000.0 or 1e3", {"1000"}),
        ("from -5 to +2.50", {"-5", "2.5"}),
        ("float32, x1 and v2", set()),
        ("a range 1-2", {"1", "2"}),
        ("minus \u22123", {"-3"}),
        ("٣ apples, ３ pears", {"3"}),
        ("1e999", {"1e999"}),
        ("no number", set()),
    ],
)
def test_numbers(text: str, expected: set[str]) -> None:
    assert numbers(text) == {Decimal(value).normalize() for value in expected}


def test_identifiers() -> None:
    assert identifiers(["np.linalg.norm(x, ord=2)", "größe_1"]) == {"np", "linalg", "norm", "ord", "größe_1"}


def test_rare_words_weigh_more() -> None:
    weights = [rarity(word, 7.0) for word in ("the", "not", "number", "pointer", "keepdims")]
    assert weights == sorted(weights)
    assert 0 < weights[0] < 0.1 < weights[1]
    assert weights[-1] == 7


def test_stems() -> None:
    assert stems(["adds", "added", "adding", "größen", "足"]) == ["add", "add", "add", "größen", "足"]


def test_fragments_see_through_spelling() -> None:
    assert fragments(["ab"]) == {" a", "ab", "b ", " ab", "ab ", " ab "}
    right, wrong = fragments(["memory"]), fragments(["memmory"])
    assert len(right & wrong) / len(right) > 0.6
    assert fragments([]) == set()


def test_what_is_said_again_is_left_out() -> None:
    line = "the mean of all the members is taken. "
    assert without_repeats(line * 50, 4) == line + "the mean of "  # the runs across the seam are new
    assert without_repeats(line + "then the mean of it all", 4) == line + "then the mean of it all"
    assert without_repeats(normal("Two words"), 4) == "two words"
    assert without_repeats("", 4) == ""


def test_repeated_share() -> None:
    assert repeated_share(["a", "b", "c"], 4) == 0
    assert repeated_share(["a", "b", "c", "d", "e"], 4) == 0
    assert repeated_share(["a"] * 103, 4) == pytest.approx(0.99)
