"""The optimizer steps of the built-in base are dealt out to the CPU's streams; that changes nothing but the time."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradus.backend import mx, tree_flatten, tree_map
from gradus.config import Config
from gradus.models import load_model
from gradus.prepare import builtin


def test_dealt_out_updates_are_those_of_one_optimizer(tiny_base: Path, tiny_config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tiny_config.model.builtin
    streams = tuple(mx.new_stream(mx.default_device()) for _ in range(3))
    monkeypatch.setattr(builtin, "cpu_streams", lambda: streams)
    alone, dealt = load_model(tiny_base)[0], load_model(tiny_base)[0]
    optimizer, shares = builtin._optimizer(settings), builtin._shares(dealt, settings)
    mx.random.seed(1)
    for _ in range(3):
        gradient = tree_map(lambda weight: mx.random.normal(weight.shape), alone.parameters())
        optimizer.update(alone, gradient)
        builtin._update(dealt, gradient, shares)
    before, after = (dict(tree_flatten(model.parameters())) for model in (alone, dealt))
    assert all(mx.array_equal(before[name], after[name]).item() for name in before)
    assert not mx.array_equal(before["model.norm.weight"], dict(tree_flatten(load_model(tiny_base)[0].parameters()))["model.norm.weight"]).item()


def test_every_weight_has_one_share_and_no_share_is_much_larger(tiny_base: Path, tiny_config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_model(tiny_base)[0]
    weights = dict(tree_flatten(model.parameters()))
    for streams in ((), (1, 2), (1, 2, 3)):
        monkeypatch.setattr(builtin, "cpu_streams", lambda streams=streams: streams)
        shares = builtin._shares(model, tiny_config.model.builtin)
        assert sorted(name for share in shares for name in share.names) == sorted(weights)
        loads = [sum(weights[name].size for name in share.names if "proj" in name) for share in shares]
        assert len(loads) == max(len(streams), 1) and max(loads) < 2 * min(loads)
