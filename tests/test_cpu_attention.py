"""Attention and cross-entropy for the CPU: the numbers of MLX's own, and their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gradus.backend import mx, nn
from gradus.cpu_attention import BUILT_IN, SHORTEST, attention, use_fast_attention
from gradus.cross_entropy import cross_entropy

LENGTH, PLACES = 24, 40


def masks() -> dict[str, Any]:
    allowed = mx.random.bernoulli(0.4, (2, 1, LENGTH, PLACES))
    each_head = mx.random.bernoulli(0.4, (2, 6, LENGTH, PLACES))
    return {"none": None, "causal": "causal", "bool": allowed, "heads": each_head, "sum": mx.where(each_head, 0.5, -1e9)}


@pytest.mark.parametrize("name", masks())
@pytest.mark.parametrize("groups", [6, 2, 1])
def test_attention_is_that_of_mlx_and_so_is_its_gradient(name: str, groups: int) -> None:
    mx.random.seed(1)
    queries = mx.random.normal((2, 6, LENGTH, 8))
    keys, values = mx.random.normal((2, groups, PLACES, 8)), mx.random.normal((2, groups, PLACES, 5))
    mask = masks()[name]

    def both(function: Callable[..., mx.array]) -> list[mx.array]:
        def total(*given: mx.array) -> mx.array:
            return (function(*given, scale=0.6, mask=mask) ** 3).sum()

        return [function(queries, keys, values, scale=0.6, mask=mask), *mx.grad(total, argnums=(0, 1, 2))(queries, keys, values)]

    for own, built_in in zip(both(attention), both(BUILT_IN), strict=True):
        assert own.shape == built_in.shape
        assert mx.allclose(own, built_in, rtol=1e-4, atol=1e-5 * mx.abs(built_in).max().item()).item()


def test_what_is_masked_has_no_influence_whatever_it_is() -> None:
    queries, keys, values = (mx.random.normal((1, 1, LENGTH, 8)) for _ in range(3))
    before = attention(queries, keys, values, scale=1.0, mask="causal")
    values[:, :, -1] = 1e6
    keys[:, :, -1] = 100.0
    after = attention(queries, keys, values, scale=1.0, mask="causal")
    assert mx.array_equal(before[:, :, :-1], after[:, :, :-1]).item()


def test_a_query_that_may_see_nothing_gets_the_mean_as_from_mlx() -> None:
    queries, keys, values = (mx.random.normal((1, 1, LENGTH, 8)) for _ in range(3))
    mask = mx.array([[False] * LENGTH] + [[True] * LENGTH] * (LENGTH - 1))  # as in the padding of a batch
    own, built_in = (function(queries, keys, values, scale=1.0, mask=mask) for function in (attention, BUILT_IN))
    assert mx.allclose(own, built_in, atol=1e-5).item()


def test_short_queries_and_other_types_are_left_to_mlx(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, ...]] = []

    def built_in(queries: mx.array, *_: Any, **__: Any) -> mx.array:
        asked.append(queries.shape)
        return queries

    monkeypatch.setattr("gradus.cpu_attention.BUILT_IN", built_in)
    one = mx.zeros((1, 1, SHORTEST - 1, 8))
    half = mx.zeros((1, 1, LENGTH, 8), mx.bfloat16)
    long = mx.zeros((1, 1, LENGTH, 8))
    for queries in (one, half, long):
        attention(queries, queries, queries, scale=1.0)
    assert asked == [one.shape, half.shape]


def test_models_have_it_only_where_it_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mx.fast, "scaled_dot_product_attention", BUILT_IN)
    monkeypatch.setattr("gradus.cpu_attention.device_name", lambda: "metal")
    use_fast_attention()
    assert mx.fast.scaled_dot_product_attention is BUILT_IN
    monkeypatch.setattr("gradus.cpu_attention.device_name", lambda: "cpu")
    monkeypatch.setattr("sys.platform", "linux")
    use_fast_attention()
    assert mx.fast.scaled_dot_product_attention is attention


def test_cross_entropy_is_that_of_mlx_and_so_is_its_gradient() -> None:
    mx.random.seed(2)
    logits, targets = 5 * mx.random.normal((3, 7, 50)), mx.random.randint(0, 50, (3, 7))
    assert mx.allclose(cross_entropy(logits, targets), nn.losses.cross_entropy(logits, targets), atol=1e-5).item()
    own, built_in = (mx.grad(lambda x, f=f: f(x, targets).sum())(logits) for f in (cross_entropy, nn.losses.cross_entropy))
    assert mx.allclose(own, built_in, atol=1e-6).item()


def test_cross_entropy_of_far_apart_logits_is_finite() -> None:
    logits = mx.array([[1000.0, -1000.0, 0.0], [-1e30, 0.0, 5.0]])
    assert cross_entropy(logits, mx.array([1, 0])).tolist() == [2000.0, pytest.approx(1e30)]
    assert mx.isfinite(mx.grad(lambda x: cross_entropy(x, mx.array([1, 2])).sum())(logits)).all().item()
