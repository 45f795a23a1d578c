"""gradus.train.loss: a packed example learns exactly what it learns alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gradus.backend import mx, nn, tree_flatten
from gradus.errors import UserError
from gradus.layout import Rows
from gradus.models import load_model
from gradus.train.data import Tokenized, make_batch
from gradus.train.loss import Forward, arrays, can_split_head, mean_loss, parts
from gradus.train.packing import SegmentMask, check_isolation


@pytest.fixture(scope="module")
def model(tiny_base: Path) -> nn.Module:
    return load_model(tiny_base)[0]


@pytest.fixture(scope="module")
def sequences() -> list[Tokenized]:
    random = np.random.default_rng(1)
    return [Tokenized(str(n), random.integers(3, 250, n).astype(np.int32), (np.arange(n) >= n // 3).astype(np.int32)) for n in (17, 9, 25, 12)]


def test_packed_logits_equal_those_of_examples_alone(model: nn.Module, sequences: list[Tokenized]) -> None:
    batch = make_batch(sequences, Rows(64, [[0, 1, 2]]))
    packed = model(mx.array(batch.tokens), cache=[SegmentMask(mx.array(batch.segments))] * len(model.layers))
    start = 0
    for example in sequences[:3]:
        alone = model(mx.array(example.tokens[None]))
        part = packed[:, start : start + len(example)]
        assert mx.abs(part - alone).max().item() < 1e-5
        start += len(example)


def test_packed_loss_and_gradients_equal_the_sum_over_examples_alone(model: nn.Module, sequences: list[Tokenized]) -> None:
    packed_gradient = nn.value_and_grad(model, Forward(packed=True, split_head=True).loss)
    alone_gradient = nn.value_and_grad(model, Forward(packed=False, split_head=False).loss)
    (loss, count), gradient = packed_gradient(model, arrays(make_batch(sequences, Rows(64, [[0, 1], [2, 3]]))))
    alone = [alone_gradient(model, arrays(make_batch([s], Rows(len(s), [[0]])))) for s in sequences]
    assert loss.item() == pytest.approx(sum(value.item() for (value, _), _ in alone), rel=1e-6)
    assert count.item() == sum(tokens.item() for (_, tokens), _ in alone)
    for name, value in tree_flatten(gradient):
        total = sum(dict(tree_flatten(g))[name] for _, g in alone)
        assert mx.abs(value - total).max().item() < 1e-4 * max(1.0, mx.abs(total).max().item()), name


def test_without_isolation_the_logits_would_differ(model: nn.Module, sequences: list[Tokenized]) -> None:
    """The probe of `check_isolation` is sharp enough to see a leak: a plain causal mask gives other logits."""
    tokens = np.concatenate([sequences[0].tokens, sequences[1].tokens])[None]
    leaking = model(mx.array(tokens))[:, len(sequences[0]) :]
    alone = model(mx.array(sequences[1].tokens[None]))
    assert mx.abs(leaking - alone).max().item() > 1e-3


def test_check_isolation_accepts_attention_and_refuses_recurrence(model: nn.Module) -> None:
    check_isolation(model, 300)  # within the tiny base's 384 rows: mlx does not check the bounds of a lookup

    class Recurrent(nn.Module):
        """Sums over everything before, which no attention mask stops."""

        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(500, 8)
            self.layers = [nn.Linear(8, 8)]

        def __call__(self, inputs: mx.array, cache: object = None) -> mx.array:
            return mx.cumsum(self.embed(inputs), axis=1)

    with pytest.raises(UserError, match="see each other"):
        check_isolation(Recurrent(), 500)


def test_check_isolation_tells_the_noise_of_sixteen_bits_from_a_leak(tiny_base: Path) -> None:
    coarse = load_model(tiny_base)[0]
    coarse.set_dtype(mx.bfloat16)
    check_isolation(coarse, 300)

    class Leaking(nn.Module):
        """Attention that takes no notice of the mask it is given."""

        def __init__(self) -> None:
            super().__init__()
            self.layers = coarse.layers

        def __call__(self, inputs: mx.array, cache: object = None) -> mx.array:
            return coarse(inputs)

    with pytest.raises(UserError, match="see each other"):
        check_isolation(Leaking(), 300)


def test_mean_loss_weighs_tokens_not_batches(model: nn.Module, sequences: list[Tokenized]) -> None:
    forward = Forward(packed=True, split_head=True)
    one = mean_loss(model, [make_batch(sequences, Rows(64, [[0, 1, 2, 3]]))], forward)
    several = mean_loss(model, [make_batch(sequences, Rows(32, [[i]])) for i in range(4)], forward)
    assert one == pytest.approx(several, rel=1e-5)


def test_sliding_window_is_kept() -> None:
    mask = SegmentMask(mx.array([[1, 1, 1, 1]])).make_mask(4, window_size=2)
    assert mask[0, 0].tolist() == [[True, False, False, False], [True, True, False, False], [False, True, True, False], [False, False, True, True]]


def test_head_at_supervised_positions_gives_the_loss_of_the_whole(model: nn.Module, sequences: list[Tokenized]) -> None:
    batch = arrays(make_batch(sequences, Rows(64, [[0, 1], [2], [3]])))
    losses = [Forward(packed=True, split_head=split).loss(model, batch) for split in (True, False)]
    assert losses[0][0].item() == pytest.approx(losses[1][0].item(), rel=1e-6)
    assert losses[0][1].item() == sum(int(s.mask[1:].sum()) for s in sequences)


def test_the_parts_of_a_batch_hold_all_of_it(model: nn.Module, sequences: list[Tokenized]) -> None:
    batch = make_batch(sequences, Rows(64, [[0, 1], [2], [3]]))
    forward = Forward(packed=True, split_head=True)
    whole = forward.loss(model, arrays(batch))
    pieces = [forward.loss(model, part) for part in parts(batch)]
    assert sum(loss.item() for loss, _ in pieces) == pytest.approx(whole[0].item(), rel=1e-6)


def test_a_model_that_scales_its_logits_is_run_whole(model: nn.Module) -> None:
    assert can_split_head(model)

    class Scaled(nn.Module):
        """Like models whose last line multiplies the logits."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model.model

        def __call__(self, inputs: mx.array) -> mx.array:
            return model(inputs) * 0.5

    assert not can_split_head(Scaled())
