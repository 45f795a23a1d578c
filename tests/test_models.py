"""Loading a model: whatever is wrong with its files or its adapter's is told in one line."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from gradus.backend import mx
from gradus.errors import UserError
from gradus.models import load_model, load_with_config

DAMAGE = ["cut off", "garbage", "empty"]


def damaged(path: Path, how: str) -> None:
    content = path.read_bytes()
    path.write_bytes({"cut off": content[: len(content) // 2], "garbage": b"no weights at all", "empty": b""}[how])


@pytest.fixture
def base(tiny_base: Path, tmp_path: Path) -> Path:
    """A base of the test's own."""
    return Path(shutil.copytree(tiny_base, tmp_path / "base"))


@pytest.fixture
def adapter(tiny_base: Path, tmp_path: Path) -> Path:
    """A whole adapter for the tiny base."""
    folder = tmp_path / "adapter"
    folder.mkdir()
    parameters = {"rank": 2, "scale": 1.0, "dropout": 0.0, "keys": ["self_attn.q_proj"]}
    form = {"fine_tune_type": "lora", "num_layers": 2, "lora_parameters": parameters}
    (folder / "adapter_config.json").write_text(json.dumps(form))
    weights = {"lora_a": mx.ones((64, 2)), "lora_b": mx.ones((2, 64))}
    mx.save_safetensors(str(folder / "adapters.safetensors"), {f"model.layers.0.self_attn.q_proj.{name}": value for name, value in weights.items()})
    return folder


def test_base_and_adapter_are_loaded(tiny_base: Path, adapter: Path) -> None:
    probe = mx.array([[5, 6, 7]])
    model, _, config = load_with_config(tiny_base, adapter)
    assert config["model_type"] == "qwen3"
    assert not model.training
    assert mx.abs(model(probe) - load_model(tiny_base)[0](probe)).max().item() > 1e-3


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_damaged_base_is_told_with_its_folder(base: Path, adapter: Path, file: str, how: str) -> None:
    damaged(base / file, how)
    with pytest.raises(UserError, match=rf"^{re.escape(str(base))}: the model cannot be loaded \(.+\)\. Check model\.base") as caught:
        load_model(base, adapter)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["{}", "[]", '{"model_type": "qwen3"}', '{"model_type": "no_such"}'])
def test_a_config_of_something_else_is_told(base: Path, content: str) -> None:
    (base / "config.json").write_text(content)
    with pytest.raises(UserError, match="the model cannot be loaded"):
        load_model(base)


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("file", ["adapters.safetensors", "adapter_config.json"])
def test_a_damaged_adapter_is_told_with_its_folder(tiny_base: Path, adapter: Path, file: str, how: str) -> None:
    damaged(adapter / file, how)
    with pytest.raises(UserError, match=rf"^{re.escape(str(adapter))}: the model with its adapter cannot be loaded \(.+\)\. Take the base"):
        load_model(tiny_base, adapter)


@pytest.mark.parametrize("content", ["{}", "[]", '{"num_layers": 2, "lora_parameters": null}', '{"num_layers": 2, "lora_parameters": {"rank": 2}}'])
def test_an_adapter_config_of_something_else_is_told(tiny_base: Path, adapter: Path, content: str) -> None:
    (adapter / "adapter_config.json").write_text(content)
    with pytest.raises(UserError, match="the model with its adapter cannot be loaded"):
        load_model(tiny_base, adapter)


def test_an_adapter_of_another_base_and_one_that_is_gone(tiny_base: Path, adapter: Path) -> None:
    mx.save_safetensors(str(adapter / "adapters.safetensors"), {"model.layers.9.self_attn.q_proj.lora_a": mx.ones((64, 2))})
    with pytest.raises(UserError, match="the model with its adapter cannot be loaded"):
        load_model(tiny_base, adapter)
    with pytest.raises(UserError, match="the model with its adapter cannot be loaded"):
        load_model(tiny_base, adapter / "none")


def test_what_is_no_fault_of_the_files_is_not_blamed_on_them(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object, **__: object) -> None:
        raise RuntimeError("[malloc] Unable to allocate 8 bytes.")

    monkeypatch.setattr("mlx_lm.utils.load", no_memory)
    with pytest.raises(RuntimeError, match="malloc"):
        load_model(tiny_base)
