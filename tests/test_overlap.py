"""gradus.overlap: folding, weighed texts, leaks by position, and what common keys tie together."""

from __future__ import annotations

import pytest

from gradus.config import load_config
from gradus.config.schema import Likeness
from gradus.errors import UserError
from gradus.overlap import Leak, comparable, connected, find_leaks, fold, prompt_of
from gradus.records import Example, Message
from gradus.shingles import jaccard, shingles

TEXT = " ".join(f"word{i}" for i in range(60))


def likeness(question: int, answer: int) -> Likeness:
    return load_config().curate.near_duplicates.model_copy(update={"question_weight": question, "answer_weight": answer})


def test_fold_forgets_case_and_punctuation_but_not_signs_alone() -> None:
    assert fold("What's  THIS,\nthen?") == fold("what s this then")
    assert fold(" ?! ") == "?!"
    assert fold("") == ""


def test_the_prompt_has_earlier_turns_but_no_system_turn() -> None:
    context = (Message("system", "Be brief."), Message("user", "One?"), Message("assistant", "1."))
    assert prompt_of(Example("a", "Two?", "2.", "d", "g", (0, 1), "a", "chat", context)) == "One?\n1.\nTwo?"


@pytest.mark.parametrize(("question", "answer"), [(1, 1), (3, 1), (1, 2), (0, 1), (2, 0)])
def test_a_weight_counts_the_shingles_of_a_part_so_often(question: int, answer: int) -> None:
    """By hand: the questions share none of 2 + 2 shingles, the answers 8 of 8; a weighed part counts as so many more."""
    first, second = (comparable(q, "one two three four five six seven eight nine ten", likeness(question, answer)) for q in ("a b c d", "e f g h"))
    found = jaccard(shingles(first, 3), shingles(second, 3))
    borders = 2 * 2 * max(question + answer - 1, 0)  # shingles that reach from one part into the next, different or not
    assert 8 * answer / (4 * question + 8 * answer + borders) <= found <= (8 * answer + borders) / (4 * question + 8 * answer + borders or 1)


def test_both_weights_zero_is_a_mistake_of_the_user() -> None:
    with pytest.raises(UserError, match="nothing is compared"):
        load_config(settings=["curate.near_duplicates.question_weight=0", "curate.near_duplicates.answer_weight=0"])


def test_leaks_are_told_once_and_the_prompt_first() -> None:
    trained = [("How?", TEXT), ("Why?", "Because."), ("Why", "For a reason.")]
    held_out = [("Where?", "Here."), ("why", TEXT), ("When?", TEXT)]
    leaks = find_leaks(held_out, trained, likeness(1, 1))
    assert leaks[0] == Leak(1, 1, "same prompt")
    assert (leaks[1].held_out, leaks[1].trained, leaks[1].kind) == (2, 0, "near-duplicate")
    assert len(leaks) == 2


def test_rows_without_a_prompt_have_none_in_common() -> None:
    assert find_leaks([("", "One text.")], [("", "Quite another one.")], likeness(1, 1)) == []


def test_connected_through_others() -> None:
    assert connected([["a"], ["b"], ["a", "c"], ["d"], ["c", "e"], ["b"], []]) == [[0, 2, 4], [1, 5], [3], [6]]
    assert connected([["x"], ["y"], ["x", "y"]]) == [[0, 1, 2]]
    assert connected([]) == []
