"""gradus.train.data: packing, batches, and a plan that can be entered anywhere."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from gradus.errors import UserError
from gradus.layout import Layout, Rows, pack, plan_epoch
from gradus.models import load_model
from gradus.train.data import Tokenized, make_batch, read_sequences, training_batches, validation_batches


def sequence(number: int, length: int, supervised: int) -> Tokenized:
    mask = np.zeros(length, np.int32)
    mask[length - supervised :] = 1
    return Tokenized(f"s{number}", np.arange(number * 1000, number * 1000 + length, dtype=np.int32), mask)


@pytest.fixture
def sequences() -> list[Tokenized]:
    random = np.random.default_rng(3)
    return [sequence(i, int(n), int(n) // 2) for i, n in enumerate(random.integers(4, 60, 97), 1)]


def test_pack_fills_rows_without_overflow_and_loses_nothing() -> None:
    lengths = np.random.default_rng(0).integers(1, 100, 500).tolist()
    order = sorted(range(500), key=lambda i: -lengths[i])
    rows = pack(lengths, order, [128])
    assert sorted(i for _, row in rows for i in row) == list(range(500))
    assert all(sum(lengths[i] for i in row) <= 128 for _, row in rows)
    assert len(rows) <= 11 / 9 * -(-sum(lengths) // 128) + 1


def test_pack_takes_the_fullest_row_that_fits() -> None:
    assert pack([6, 5, 4, 5], [0, 1, 2, 3], [10]) == [(10, [0, 2]), (10, [1, 3])]


def test_a_new_row_takes_the_smallest_width_its_first_item_fits_in() -> None:
    assert pack([90, 20, 30, 11], [0, 2, 1, 3], [40, 100]) == [(100, [0]), (40, [2]), (40, [1, 3])]


@pytest.mark.parametrize("packing", [True, False])
def test_an_epoch_holds_every_example_once(sequences: list[Tokenized], packing: bool) -> None:
    plan = plan_epoch([len(s) for s in sequences], Layout(4, packing, 32, 64), 1, 0)
    assert sorted(i for batch in plan for row in batch.rows for i in row) == list(range(97))


@pytest.mark.parametrize("packing", [True, False])
def test_batches_from_a_position_are_those_of_an_uninterrupted_run(sequences: list[Tokenized], packing: bool) -> None:
    layout = Layout(4, packing, 32, 64)
    whole = list(itertools.islice(training_batches(sequences, layout, 5, 0, 0), 60))
    epoch, position, _ = whole[37]
    rest = list(itertools.islice(training_batches(sequences, layout, 5, epoch, position), 23))
    assert {e for e, _, _ in whole} > {0}
    for (e1, p1, b1), (e2, p2, b2) in zip(whole[37:], rest, strict=True):
        assert (e1, p1, b1.ids) == (e2, p2, b2.ids)
        assert np.array_equal(b1.tokens, b2.tokens)


def test_epochs_differ_and_seeds_differ(sequences: list[Tokenized]) -> None:
    plans = [plan_epoch([len(q) for q in sequences], Layout(4, True, 32, 64), s, e) for s, e in ((0, 0), (0, 1), (1, 0))]
    assert plans[0] != plans[1]
    assert plans[0] != plans[2]


def test_packed_batches_have_two_shapes_of_the_same_number_of_tokens(sequences: list[Tokenized]) -> None:
    shapes = {batch.tokens.shape for batch in validation_batches(sequences, Layout(4, True, 32, 64))}
    assert shapes == {(4, 64), (8, 32)}


def test_length_sorted_batches_pad_little(sequences: list[Tokenized]) -> None:
    batches = validation_batches(sequences, Layout(4, False, 32, 64))
    used = sum((batch.segments > 0).sum() for batch in batches)
    assert used == sum(len(s) for s in sequences)
    assert all(batch.tokens.shape[1] - 32 < (batch.segments > 0).sum(axis=1).max() for batch in batches)


def test_a_batch_marks_segments_and_never_supervises_the_first_token_of_one() -> None:
    batch = make_batch([sequence(1, 5, 5), sequence(2, 3, 1)], Rows(10, [[0, 1]]))
    assert batch.tokens.tolist() == [[1000, 1001, 1002, 1003, 1004, 2000, 2001, 2002, 0, 0]]
    assert batch.segments.tolist() == [[1, 1, 1, 1, 1, 2, 2, 2, 0, 0]]
    assert batch.mask.tolist() == [[0, 1, 1, 1, 1, 0, 0, 1, 0, 0]]
    assert batch.ids == ("s1", "s2")


def test_a_line_that_is_no_conversation_is_told(tiny_base: Path, tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text('{"id": "a", "messages": [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "That."}]}\n{"id": "b"}\n')
    with pytest.raises(UserError, match=r"train\.jsonl:2: bad row \('messages'\)"):
        read_sequences(path, load_model(tiny_base)[1], 64)


def test_examples_with_nothing_supervised_left_are_told(tiny_base: Path, prepared: Path) -> None:
    with pytest.raises(UserError, match=r"no conversation has a supervised token left. Raise prepare\.max_tokens"):
        read_sequences(prepared / "train.jsonl", load_model(tiny_base)[1], 1)
