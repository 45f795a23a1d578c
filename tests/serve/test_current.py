"""Which model is served: the registry's current one, whole, and followed when it changes."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gradus.config import load_config
from gradus.config.serve import Serve
from gradus.errors import GradusError, UserError
from gradus.files import sha256_file, sha256_json, write_json
from gradus.records import Base
from gradus.registry import Registry
from gradus.serve.current import Current, find_current


def settings(*changes: str) -> Serve:
    return load_config(settings=list(changes)).serve


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the library logs, even when an earlier test set its logger up for a script."""
    logger = logging.getLogger("gradus")
    before, logger.propagate = logger.propagate, True
    caplog.set_level(logging.INFO, "gradus")
    yield caplog
    logger.propagate = before


def write_fused(workspace: Path, adapter: str, base: Base) -> Path:
    """A folder as 10_fuse publishes it, made from an adapter with that checksum and from that base."""
    folder = workspace / "models" / "fused" / "run2"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "config.json").write_text("{}")
    outputs = {"model/config.json": {"sha256": sha256_file(folder / "model" / "config.json")}}
    inputs = {"06_train_mlx/adapters.safetensors": sha256_json({"adapters.safetensors": adapter})}
    write_json(folder / "fuse.json", {"base": {"name": base.name, "revision": base.revision}})
    write_json(folder / "10_fuse.done.json", {"inputs": inputs, "outputs": outputs})
    return folder / "model"


def test_the_current_version_with_its_base_and_adapter(registered: Path, tiny_base: Path) -> None:
    registry = Registry(registered)
    found = find_current(registry, settings())
    assert (found.version.id, found.model, found.adapter) == ("v2", tiny_base, registry.folder_of(found.version))
    assert str(found) == "v2 (grade B, 75.5 %; base and adapter; base built-in tiny base)"


def test_the_fused_model_only_when_it_belongs_to_the_version_and_is_whole(workspace: Path, told: pytest.LogCaptureFixture) -> None:
    registry, auto = Registry(workspace), settings("serve.model=auto")
    weights, base = registry.get_latest().weights, registry.get_latest().base
    assert find_current(registry, auto).adapter is not None
    folder = write_fused(workspace, weights, base)
    assert (find_current(registry, auto).model, find_current(registry, auto).adapter) == (folder, None)
    assert find_current(registry, settings()).adapter is not None
    (folder / "config.json").write_text("{ }")
    assert find_current(registry, auto).adapter is not None
    assert "config.json: changed since 10_fuse wrote it" in told.text
    for other in (("0" * 64, base), (weights, replace(base, revision="another")), (weights, replace(base, name="another"))):
        shutil.rmtree(folder.parent)
        write_fused(workspace, *other)
        assert find_current(registry, auto).adapter is not None


def test_no_current_model_is_the_users_to_mend(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no model is current yet"):
        find_current(Registry(tmp_path), settings())


def test_a_base_that_is_gone_is_named(workspace: Path, tiny_base: Path) -> None:
    path = workspace / "models" / "registry" / "registry.json"
    path.write_text(path.read_text().replace(str(tiny_base), "models/base/gone"))
    with pytest.raises(GradusError, match="the base model of v2 is not there any more"):
        find_current(Registry(workspace), settings())


def test_promotion_and_rollback_are_noticed_once(workspace: Path, told: pytest.LogCaptureFixture) -> None:
    registry = Registry(workspace)
    current = Current(registry, settings())
    assert not current.refresh()
    registry.rollback_model(reason="test")
    assert current.refresh()
    assert current.served.version.id == "v1"
    assert "v1 (grade B, 75.5 %; base and adapter; base built-in tiny base) takes the place of v2." in told.text
    assert not current.refresh()


def test_a_damaged_version_is_told_once_and_the_old_one_stays(workspace: Path, told: pytest.LogCaptureFixture) -> None:
    registry = Registry(workspace)
    current = Current(registry, settings())
    registry.rollback_model(reason="test")
    (registry.folder_of(registry.get("v1")) / "adapters.safetensors").write_bytes(b"damaged")
    assert not current.refresh()
    assert not current.refresh()
    assert current.served.version.id == "v2"
    assert told.text.count("v2 stays in use") == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org", "::"])  # noqa: S104
def test_another_host_than_loopback_must_be_wanted_twice(host: str) -> None:
    with pytest.raises(UserError, match=r"serve\.other_hosts=true"):
        settings(f"serve.host='{host}'")
    assert not settings(f"serve.host='{host}'", "serve.other_hosts=true").is_private


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_loopback_is_private(host: str) -> None:
    assert settings(f"serve.host='{host}'").is_private
