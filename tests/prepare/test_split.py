"""gradus.prepare.split: no source and nothing said twice on two sides, variants only in training."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from gradus.config import load_config
from gradus.config.schema import Split
from gradus.errors import UserError
from gradus.overlap import find_leaks, prompt_of
from gradus.prepare.split import Splits, split_examples
from gradus.prepare.work import training_texts
from gradus.records import Document, Example

SHARES = load_config().prepare.split
LIKENESS = load_config().curate.near_duplicates
WORDS = [f"word{i}" for i in range(60)]


def example(number: int, group: str, question: str = "", origin: str = "", answer: str = "") -> Example:
    name = f"e{number}"
    return Example(name, question or f"What is {number}?", answer or f"Answer {number}.", f"doc-{group}", group, (0, 5), origin or name, "faq")


def leaks(splits: Splits) -> int:
    held_out, trained = ([(prompt_of(e), e.answer) for e in part] for part in (splits.valid + splits.test, splits.train))
    return len(find_leaks(held_out, trained, LIKENESS))


def many(groups: int, each: int) -> list[Example]:
    return [example(g * each + i, f"g{g}") for g in range(groups) for i in range(each)]


def test_groups_stay_on_one_side_and_nothing_is_lost() -> None:
    splits = split_examples(many(50, 8), SHARES, LIKENESS, 1)
    groups = [{e.group for e in part} for part in splits.parts().values()]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
    assert sum(len(part) for part in splits.parts().values()) == 400
    assert len(splits.valid) == pytest.approx(0.06 * 400, abs=8)
    assert len(splits.test) == pytest.approx(0.08 * 400, abs=8)
    assert splits.unit == "group"


def test_variants_go_to_training_with_their_origin_and_nowhere_else() -> None:
    originals = many(50, 8)
    variants = [example(1000 + i, e.group, f"Say what {i} is.", e.id) for i, e in enumerate(originals)]
    splits = split_examples([*originals, *variants], SHARES, LIKENESS, 1)
    held_out = splits.valid + splits.test
    assert all(e.id == e.origin_id for e in held_out)
    assert splits.left_out == len(held_out)
    assert len(splits.train) == 2 * (400 - len(held_out))


def test_groups_that_share_a_question_stay_together() -> None:
    examples = many(40, 5)
    examples += [example(900 + g, f"g{g}", "What  is this, exactly?" if g % 2 else "what is THIS exactly") for g in range(8)]
    splits = split_examples(examples, SHARES, LIKENESS, 3)
    sides = {name for name, part in splits.parts().items() for e in part if "xactly" in e.question}
    assert len(sides) == 1


def test_one_seed_one_split() -> None:
    splits = [split_examples(many(50, 8), SHARES, LIKENESS, seed) for seed in (1, 1, 2)]
    ids = [[e.id for e in s.test] for s in splits]
    assert ids[0] == ids[1]
    assert ids[0] != ids[2]


def test_one_file_is_split_by_example_and_says_so(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("gradus"), "propagate", True)
    splits = split_examples(many(1, 30), SHARES, LIKENESS, 1)
    assert splits.unit == "origin_id"
    assert splits.valid and splits.test
    assert "both sides" in caplog.text


def test_too_few_examples() -> None:
    with pytest.raises(UserError, match="only 5 examples"):
        split_examples(many(5, 1), SHARES, LIKENESS, 1)


def test_large_groups_still_leave_something_held_out() -> None:
    splits = split_examples(many(6, 50), Split(valid=0.05, test=0.05, largest_cluster=0.1), LIKENESS, 1)
    assert len(splits.valid) == len(splits.test) == 50
    assert len(splits.train) == 200


def test_one_large_source_beside_a_few_small_ones_is_trained_on() -> None:
    """The small ones all fit into test; one of them goes to valid, for with the large one there training would hold nothing."""
    sizes = [95, 1, 1, 1, 1, 1]
    examples = [example(100 * g + i, f"g{g}") for g, size in enumerate(sizes) for i in range(size)]
    splits = split_examples(examples, SHARES, LIKENESS, 1)
    assert [len(part) for part in splits.parts().values()] == [95, 1, 4]


def near_pairs() -> list[Example]:
    """40 groups of six; four groups at a time hold near-duplicates of one text, which differ in the last word."""
    examples = many(40, 5)
    for g in range(40):
        words = [f"{word}of{g // 4}" for word in WORDS]
        words[-1] = f"other{g}"
        examples.append(example(1000 + g, f"g{g}", answer=" ".join(words)))
    return examples


def test_near_duplicates_stay_on_one_side() -> None:
    for seed in range(5):
        splits = split_examples(near_pairs(), SHARES, LIKENESS, seed)
        assert splits.valid and splits.test
        assert leaks(splits) == 0
        assert splits.clusters == 10


def test_without_the_tie_they_would_leak() -> None:
    """The test above can fail: with no text near enough to tie, the groups of near-duplicates stand on both sides."""
    blind = LIKENESS.model_copy(update={"threshold": 1.0})
    assert any(leaks(split_examples(near_pairs(), SHARES, blind, seed)) for seed in range(5))


def test_a_variant_ties_its_origin_to_what_it_repeats() -> None:
    """A wording in training that asks what a held-out example asks would give that away."""
    for seed in range(5):
        examples = many(12, 2)
        examples += [example(500 + g, f"g{g}", f"what IS  {2 * g + 2} ?", origin=f"e{2 * g}") for g in range(0, 10, 2)]
        splits = split_examples(examples, SHARES, LIKENESS, seed)
        assert leaks(splits) == 0
        assert splits.clusters == 7


def test_sources_that_held_a_removed_duplicate_stay_on_its_side() -> None:
    repeated = {"repeated_in": {"group": ["g7", "g20"], "document_id": ["doc-g7", "doc-g20"]}}
    examples = [replace(e, meta=repeated) if e.id == "e0" else e for e in many(30, 5)]
    for seed in range(5):
        splits = split_examples(examples, SHARES, LIKENESS, seed)
        assert len({name for name, part in splits.parts().items() for e in part if e.group in ("g0", "g7", "g20")}) == 1
        assert splits.clusters == 28


def test_a_source_that_held_a_duplicate_of_a_held_out_example_is_not_pre_trained_on() -> None:
    repeated = {"repeated_in": {"group": ["gone"], "document_id": ["doc-gone"]}}
    examples = [replace(e, meta=repeated) if e.group == "g3" else e for e in many(30, 5)]
    sides = [split_examples(examples, SHARES, LIKENESS, seed) for seed in range(40)]
    held_out = [any(e.meta for e in splits.valid + splits.test) for splits in sides]
    assert True in held_out
    assert False in held_out
    names = ("gone", "other")
    documents = [Document(f"doc-{name}", name, name * 1000, "text", name, name, "", 0, "reader", "now") for name in names]
    for splits, out in zip(sides, held_out, strict=True):
        assert [text[:4] for text in training_texts(documents, splits)] == (["othe"] if out else ["gone", "othe"])


def test_nothing_but_copies_cannot_be_split() -> None:
    with pytest.raises(UserError, match="only 1 sets of examples differ"):
        split_examples([example(i, f"g{i}", answer=" ".join(WORDS)) for i in range(20)], SHARES, LIKENESS, 1)


def test_a_large_source_is_held_out_only_when_nothing_smaller_is_left() -> None:
    one_source_of_nine = [replace(example, group="large") if n < 9 else example for n, example in enumerate(many(100, 1))]
    shares = Split(valid=0.1, test=0.1, largest_cluster=0.5)
    for seed in range(8):
        splits = split_examples(one_source_of_nine, shares, LIKENESS, seed)
        assert "large" not in {example.group for example in [*splits.valid, *splits.test]}
    only_large = split_examples(many(10, 10), shares, LIKENESS, 1)
    assert len(only_large.valid) == len(only_large.test) == 10


def sources_of(part: list[Example]) -> dict[str, list[str]]:
    """As the registry keeps what a model was trained on."""
    return {unit: sorted({getattr(e, unit) for e in part}) for unit in ("group", "document_id", "origin_id")}


@pytest.mark.parametrize("seed", range(4))
def test_what_an_earlier_model_was_trained_on_is_never_held_out(seed: int) -> None:
    before = split_examples(many(30, 6), SHARES, LIKENESS, seed)
    trained = sources_of(before.train)
    after = split_examples(many(60, 6), SHARES, LIKENESS, seed, trained)
    assert not {e.group for e in after.valid + after.test} & set(trained["group"])
    assert sum(len(part) for part in after.parts().values()) == 360
    assert len(after.test) == pytest.approx(0.08 * 360, abs=6)
    # without it they would be: that is what the rule is for
    assert {e.group for s in range(4) for e in split_examples(many(60, 6), SHARES, LIKENESS, s).test} & set(trained["group"])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sizes", [(6, 6), (1, 40), (3, 9)])
def test_with_the_same_documents_the_split_stays_as_it_was(seed: int, sizes: tuple[int, int]) -> None:
    examples = [example(100 * g + i, f"g{g}") for g in range(30) for i in range(sizes[g % 2])]
    before = split_examples(examples, SHARES, LIKENESS, seed)
    assert split_examples(examples, SHARES, LIKENESS, seed, sources_of(before.train)) == before


def test_the_few_sources_that_are_new_are_shared_by_valid_and_test() -> None:
    examples = many(30, 6)
    trained = sources_of([e for e in examples if e.group not in ("g3", "g20")])
    assert [len(part) for part in split_examples(examples, SHARES, LIKENESS, 1, trained).parts().values()] == [168, 6, 6]


def test_a_model_that_has_seen_everything_leaves_nothing_to_test_with() -> None:
    with pytest.raises(UserError, match=r"no source is left for test that the model of prepare\.trained_before has not seen"):
        split_examples(many(30, 6), SHARES, LIKENESS, 1, sources_of(many(30, 6)))
