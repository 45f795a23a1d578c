"""The best of those that say the same stays; contradictions are kept and told."""

from __future__ import annotations

import numpy as np

from gradus.config import load_config
from gradus.config.schema import Curate
from gradus.curate.duplicates import Duplicate, find_conflicts, find_duplicates
from gradus.records import Example, Message

from .conftest import Make, Score

LONG = "The function opens the file, reads it block by block, closes it in the end and returns the number of lines it has seen on its way"


def test_the_better_one_stays(make: Make, score: Score, settings: Curate) -> None:
    examples = [make("How many lines?", f"{LONG}."), make("How many lines?", f"{LONG}, always."), make("how  many LINES?", f"{LONG}. ")]
    found = find_duplicates(score(examples), np.array([1, 2, 0]), settings.near_duplicates)
    assert found[0] == Duplicate(of=2, similarity=1.0, exact=True)
    assert found[2].of == 1
    assert not found[2].exact
    assert 0.8 <= found[2].similarity < 1


def test_no_chain_of_likenesses(make: Make, score: Score, settings: Curate) -> None:
    """B is like A, C is like B and not like A: only B goes, since it repeats A; C repeats nothing that is left."""
    words = [f"{a}{b}" for a in "mnopqrstuv" for b in "mnopqr"]
    texts = [" ".join(words), " ".join([*words[:-4], *"abcd"]), " ".join([*words[4:-4], *"abcd", *"efgh"])]
    examples = [make("q", text, name=str(i)) for i, text in enumerate(texts)]
    assert set(find_duplicates(score(examples), np.array([0, 1, 2]), settings.near_duplicates)) == {1}
    assert set(find_duplicates(score(examples), np.array([1, 0, 2]), settings.near_duplicates)) == {0, 2}


def test_other_numbers_under_the_same_question_are_a_conflict(make: Make, score: Score, settings: Curate) -> None:
    examples = [make("How many?", f"{LONG}, which is {n} of them.") for n in (10, 20)]
    assert find_duplicates(score(examples), np.array([0, 1]), settings.near_duplicates) == {}
    assert find_conflicts(score(examples).table, np.array([0, 1])) == [[0, 1]]


def test_conflicts_need_the_same_question_after_the_same_turns(make: Make, score: Score) -> None:
    def ask(answer: str, before: str) -> Example:
        return make("And then?", answer, context=(Message("user", before),))

    said = [("Go left.", "At the bridge"), ("Go right.", "At the church"), ("Turn back.", "at the  bridge"), ("go LEFT.", "At the bridge")]
    examples = [ask(answer, before) for answer, before in said]
    assert find_conflicts(score(examples).table, np.arange(4)) == [[0, 2, 3]]
    assert find_conflicts(score(examples).table, np.array([0, 1, 3])) == []


def test_punctuation_makes_no_other_question_and_no_other_answer(make: Make, score: Score) -> None:
    """As in the audit of finished data."""
    brass = [make("what is brass made of", "Copper and zinc."), make("What is brass made of?", "Tin and lead.")]
    assert find_conflicts(score([*brass, make("What is brass made of", "tin and lead")]).table, np.arange(3)) == [[0, 1, 2]]
    assert find_conflicts(score([make("Which way?", "Go left."), make("which way", "Go left!")]).table, np.arange(2)) == []


def test_signs_tell_answers_of_code_apart(make: Make, score: Score, settings: Curate) -> None:
    """Folded without signs they would be one text; an exact duplicate differs in case and white space only."""
    examples = [make("How do I write it?", "`a + b`"), make("How do I write it?", "`a - b`")]
    assert len(set(score(examples).table.keys["text"])) == 2


def test_question_and_answer_are_weighed_apart(make: Make, score: Score) -> None:
    """Two questions of their own with one answer: the same by the answer alone, or when it weighs enough; not by the question."""
    examples = [make("How many lines does a file have?", f"{LONG}."), make("Which function counts what a text holds?", f"{LONG}.")]

    def duplicates(question: int, answer: int) -> dict[int, Duplicate]:
        weights = [f"curate.near_duplicates.question_weight={question}", f"curate.near_duplicates.answer_weight={answer}"]
        likeness = load_config(settings=weights).curate.near_duplicates
        return find_duplicates(score(examples), np.array([0, 1]), likeness)

    assert duplicates(0, 1) == {1: Duplicate(of=0, similarity=1.0, exact=False)}
    assert duplicates(1, 0) == duplicates(1, 1) == {}
    assert 0.8 <= duplicates(1, 4)[1].similarity < 1


def test_two_questions_on_one_long_passage_are_no_copies(make: Make, score: Score, settings: Curate) -> None:
    passage = " ".join([LONG] + [f"{a}{b}" for a in "mnopqrstuv" for b in "mnopqrst"])
    examples = [make(f"Who opens it?\n\n{passage}", "The function."), make(f"What comes back?\n\n{passage}", "The number of lines.")]
    assert find_duplicates(score(examples), np.array([0, 1]), settings.near_duplicates) == {}
