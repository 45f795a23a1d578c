"""Answers of many kinds are marked as a teacher would rank them."""

from __future__ import annotations

import pytest

from gradus.embedding import Encoder
from gradus.evaluate.content import FACTORS, settle, yardstick
from gradus.evaluate.marking import Marks, mark, mark_all
from gradus.evaluate.rubric import MEANING, OVERLAPS, Rubric

QUESTION = "What does mean do?"
REFERENCE = """The **mean** adds all members of an array and divides by how many there are.

- `axis`: along which axis, 0 by default
- `keepdims`: keep an axis of length 1

```python
np.mean(array, axis=0)
```
"""
PARAPHRASE = """It returns the **mean**: the members of the array are added and divided by their number.

- `axis`: the axis to go along (default 0)
- `keepdims`: whether an axis of length 1 is kept

```python
np.mean(array, axis=0)
```
"""
OTHER = """**Opens** a socket and waits for connections on the port given.

- `port`: 8080 unless told

```python
server.listen(port=8080)
```
"""


def _marks(
    rubric: Rubric, text: str, *, finished: bool = True, reference: str = REFERENCE, question: str = QUESTION, encoder: Encoder | None = None
) -> Marks:
    settled, understanding = settle(rubric, encoder)
    return mark(settled, yardstick(settled.content, "definition", question, reference, understanding), text, finished)


def test_the_reference_is_full(rubric: Rubric) -> None:
    marks = _marks(rubric, REFERENCE)
    assert marks.percent == pytest.approx(100)
    assert set(marks.formatting_parts) == {"bold", "lists", "code", "language", "closed", "length", "finished"}
    assert set(marks.content_parts) == {*OVERLAPS, "numbers", "identifiers", *FACTORS}


def test_better_answers_get_more(rubric: Rubric) -> None:
    ranked = [REFERENCE, PARAPHRASE, "It adds all members of an array and divides by how many there are.", OTHER, "I do not know.", ""]
    percents = [_marks(rubric, text).percent for text in ranked]
    assert percents == sorted(percents, reverse=True)
    assert len(set(percents)) == len(percents)
    assert _marks(rubric, OTHER).content < 0.1 < 0.6 < _marks(rubric, PARAPHRASE).content


@pytest.mark.parametrize(
    ("change", "criterion"),
    [
        (("**", ""), "bold"),
        (("- ", ""), "lists"),
        (("```python", "```"), "language"),
        (("```\n", "\n"), "closed"),
        (("```", ""), "code"),
        (("0", "7"), "numbers"),
        (("keepdims", "keep"), "identifiers"),
    ],
)
def test_each_fault_costs_its_criterion(rubric: Rubric, change: tuple[str, str], criterion: str) -> None:
    whole, faulty = _marks(rubric, REFERENCE), _marks(rubric, REFERENCE.replace(*change))
    parts = faulty.formatting_parts | faulty.content_parts
    assert parts[criterion] < 1
    assert faulty.percent < whole.percent


def test_an_answer_that_was_cut_is_unfinished(rubric: Rubric) -> None:
    assert _marks(rubric, REFERENCE, finished=False).formatting_parts["finished"] == 0


def test_criteria_count_only_where_called_for(rubric: Rubric) -> None:
    marks = _marks(rubric, "It adds all members and divides.", reference="It adds the members and divides.")
    assert set(marks.formatting_parts) == {"length", "finished"}
    assert "numbers" not in marks.content_parts
    assert "identifiers" not in marks.content_parts
    assert marks.formatting == 1


def test_a_fence_nobody_called_for_must_be_closed(rubric: Rubric) -> None:
    plain = "It adds the members and divides."
    assert _marks(rubric, f"{plain}\n```\nx", reference=plain).formatting_parts["closed"] == 0
    assert _marks(rubric, f"{plain}\n```\nx\n```", reference=plain).formatting_parts["closed"] == 1


def test_a_kind_of_question_can_call_for_a_structure(rubric: Rubric) -> None:
    changed = rubric.model_copy(update={"formatting": rubric.formatting.model_copy(update={"called_for_by_kind": {"example": ["code", "language"]}})})
    changed = changed.by_words()
    yard = yardstick(changed.content, "example", "Show mean.", "Call mean on the array.", None)
    without, with_code = mark(changed, yard, "Call mean on the array.", True), mark(changed, yard, "Call:\n```python\nmean(array)\n```", True)
    assert (without.formatting_parts["code"], without.formatting_parts["language"]) == (0, 0)
    assert (with_code.formatting_parts["code"], with_code.formatting_parts["language"]) == (1, 1)


def test_what_the_question_gives_away_is_no_content(rubric: Rubric) -> None:
    question = "Does np.mean of 4 numbers divide by 4?"
    marks = _marks(rubric, question, question=question, reference="`np.mean` divides the sum of 4 numbers by 4, so 10 becomes 2.5.")
    assert marks.content_parts["numbers"] == 0
    assert marks.content_parts["key_terms"] < 0.25
    assert marks.content < 0.3
    assert "identifiers" not in marks.content_parts


def test_an_answer_all_in_bold_has_no_emphasis(rubric: Rubric) -> None:
    assert _marks(rubric, "**It adds all members of an array and divides by how many there are.**").formatting_parts["bold"] == 0


def test_repetition_is_a_factor(rubric: Rubric) -> None:
    once = "The mean adds all members of an array and divides by how many there are. "
    assert _marks(rubric, once).content_parts["repetition"] == 1
    assert _marks(rubric, once * 40).content < 0.05


def test_code_alone_is_an_answer(rubric: Rubric) -> None:
    code = "```python\nnp.mean(array, axis=0)\n```"
    assert _marks(rubric, code, reference=code).percent == pytest.approx(100)


def test_other_scripts_are_marked_alike(rubric: Rubric) -> None:
    reference = "**平均**は、すべての値を足して個数で割ります。"
    assert _marks(rubric, reference, reference=reference, question="平均とは何ですか").percent == pytest.approx(100)
    assert _marks(rubric, "わかりません", reference=reference).content < 0.2


HOSTILE = {
    "empty": "",
    "white space": " \n\t\n\u00a0",
    "NUL": "\x00" * 50,
    "hashes": "#" * 100_000,
    "rules": "---\n" * 500,
    "fences": "```\n" * 999,
    "bold": "**a** " * 5_000,
    "unclosed": "```python\n" + "x = 1\n" * 500,
    "script": "<script>alert(1)</script>" * 100,
    "bullets": "- a\n" * 2_000,
    "headings": "# a\n" * 2_000,
    "digits": " ".join(map(str, range(2_000))),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answers_earn_no_passing_letter(rubric: Rubric, name: str) -> None:
    for finished in (True, False):
        marks = _marks(rubric, HOSTILE[name], finished=finished)
        assert rubric.letter(marks.percent) == "F"
        assert marks.content < 0.15
        assert all(0 <= value <= 1 for value in (marks.formatting_parts | marks.content_parts).values())


@pytest.mark.parametrize("name", ["empty", "white space", "NUL", "hashes", "rules"])
def test_answers_without_a_word_get_nothing(rubric: Rubric, name: str) -> None:
    marks = _marks(rubric, HOSTILE[name])
    assert marks.empty
    assert (marks.percent, marks.formatting, marks.content) == (0, 0, 0)


def test_a_longer_stuffed_answer_is_no_better(rubric: Rubric) -> None:
    """Adding every other answer to one's own must not pay."""
    assert _marks(rubric, REFERENCE + OTHER * 4).percent < _marks(rubric, PARAPHRASE).percent


def test_a_reference_in_the_words_of_the_question_can_be_reached(rubric: Rubric) -> None:
    question, reference = "Is the mean a sum?", "the mean is a sum"
    assert _marks(rubric, reference, question=question, reference=reference).content == 1
    assert _marks(rubric, "no idea at all", question=question, reference=reference).content < 0.1


def test_short_answers_lose_by_brevity(rubric: Rubric) -> None:
    marks = _marks(rubric, "It divides.")
    assert 0 < marks.content_parts["brevity"] < 1
    assert _marks(rubric, PARAPHRASE + OTHER).content_parts["brevity"] == 1


def test_meaning_counts_with_an_encoder(rubric: Rubric, encoder: Encoder) -> None:
    whole, other, echo = (_marks(rubric, text, encoder=encoder) for text in (REFERENCE, OTHER, QUESTION))
    assert set(MEANING) <= set(whole.content_parts)
    assert whole.percent == pytest.approx(100)
    assert max(other.content, echo.content) < 0.25
    assert _marks(rubric, PARAPHRASE, encoder=encoder).content > 0.6


def test_synonyms_need_an_encoder(rubric: Rubric, encoder: Encoder) -> None:
    """With an encoder, an answer in other words is told from a wrong one; overlap in words cannot."""
    question, reference = "Where is a local variable kept?", "It is stored on the stack in memory."
    right, wrong = (
        _marks(rubric, text, question=question, reference=reference, encoder=encoder).content
        for text in ("It gets saved in the call stack area of RAM.", "It gets printed in the output area of pages.")
    )
    assert right > wrong + 0.2


def test_a_rubric_that_weighs_meaning_refuses_to_grade_without_an_encoder(rubric: Rubric) -> None:
    yard = yardstick(rubric.content, "definition", QUESTION, REFERENCE, None)
    with pytest.raises(ValueError, match="no encoder"):
        mark(rubric, yard, PARAPHRASE, True)


def test_one_answer_at_a_time_is_marked_as_many_together(rubric: Rubric, encoder: Encoder) -> None:
    settled, understanding = settle(rubric, encoder)
    yard = yardstick(settled.content, "definition", QUESTION, REFERENCE, understanding)
    texts = (PARAPHRASE, OTHER, "It divides.")
    for text, together in zip(texts, mark_all(settled, [(yard, text, True) for text in texts]), strict=True):
        assert together.percent == pytest.approx(_marks(rubric, text, encoder=encoder).percent, abs=0.01)
