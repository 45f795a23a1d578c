"""gradus.prepare.split: no source on two sides, variants only in training."""

from __future__ import annotations

import pytest

from gradus.config import load_config
from gradus.config.schema import Split
from gradus.errors import UserError
from gradus.prepare.split import split_examples
from gradus.records import Example

SHARES = load_config().prepare.split


def example(number: int, group: str, question: str = "", origin: str = "") -> Example:
    name = f"e{number}"
    return Example(name, question or f"What is {number}?", f"Answer {number}.", f"doc-{group}", group, (0, 5), origin or name, "faq")


def many(groups: int, each: int) -> list[Example]:
    return [example(g * each + i, f"g{g}") for g in range(groups) for i in range(each)]


def test_groups_stay_on_one_side_and_nothing_is_lost() -> None:
    splits = split_examples(many(50, 8), SHARES, 1)
    groups = [{e.group for e in part} for part in splits.parts().values()]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
    assert sum(len(part) for part in splits.parts().values()) == 400
    assert len(splits.valid) == pytest.approx(0.06 * 400, abs=8)
    assert len(splits.test) == pytest.approx(0.08 * 400, abs=8)
    assert splits.unit == "group"


def test_variants_go_to_training_with_their_origin_and_nowhere_else() -> None:
    originals = many(50, 8)
    variants = [example(1000 + i, e.group, f"Say what {i} is.", e.id) for i, e in enumerate(originals)]
    splits = split_examples([*originals, *variants], SHARES, 1)
    held_out = splits.valid + splits.test
    assert all(e.id == e.origin_id for e in held_out)
    assert splits.left_out == len(held_out)
    assert len(splits.train) == 2 * (400 - len(held_out))


def test_groups_that_share_a_question_stay_together() -> None:
    examples = many(40, 5)
    examples += [example(900 + g, f"g{g}", "What  is this, exactly?" if g % 2 else "what is THIS exactly") for g in range(8)]
    splits = split_examples(examples, SHARES, 3)
    sides = {name for name, part in splits.parts().items() for e in part if "xactly" in e.question}
    assert len(sides) == 1


def test_one_seed_one_split() -> None:
    splits = [split_examples(many(50, 8), SHARES, seed) for seed in (1, 1, 2)]
    ids = [[e.id for e in s.test] for s in splits]
    assert ids[0] == ids[1]
    assert ids[0] != ids[2]


def test_one_file_is_split_by_example_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    import logging

    logging.getLogger("gradus").propagate = True
    splits = split_examples(many(1, 30), SHARES, 1)
    assert splits.unit == "origin_id"
    assert splits.valid and splits.test
    assert "both sides" in caplog.text


def test_too_few_examples() -> None:
    with pytest.raises(UserError, match="only 5 examples"):
        split_examples(many(5, 1), SHARES, 1)


def test_large_groups_still_leave_something_held_out() -> None:
    splits = split_examples(many(6, 50), Split(valid=0.05, test=0.05), 1)
    assert len(splits.valid) == len(splits.test) == 50
    assert len(splits.train) == 200
