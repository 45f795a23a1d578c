"""Every shipped configuration loads, and every mistake is told with its place and its cure."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gradus.config import load_config
from gradus.config.explain import known_keys
from gradus.config.load import DEFAULT_CONFIG, PROJECT, parse_setting
from gradus.errors import UserError
from gradus.pipeline import STEPS
from gradus.road import run_all

PRESETS = sorted((PROJECT / "config" / "presets").rglob("*.yaml"))


def mistake(tmp_path: Path, content: str | bytes) -> str:
    """The message about a file with this content, laid over the default."""
    file = tmp_path / "mine.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(UserError) as caught:
        load_config([file])
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(tmp_path), "")


def setting_mistake(setting: str) -> str:
    with pytest.raises(UserError) as caught:
        load_config(settings=[setting])
    return str(caught.value)


def test_every_shipped_preset_is_found() -> None:
    machines = ["linux-cpu", "linux-cuda", "mac-16gb", "mac-32gb", "mac-64gb+", "mac-8gb"]
    assert [path.stem for path in PRESETS] == [*machines, "smoke"]


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_preset_loads_over_the_default(path: Path) -> None:
    assert load_config([path]) != load_config()


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_preset_is_planned(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = load_config([path], [f"paths.workspace={tmp_path}"])
    run_all(config, STEPS, "01_collect", "12_export", dry_run=True)
    assert capsys.readouterr().out.count("would run") == 12
    assert list(tmp_path.iterdir()) == []


def test_default_file_states_every_key_once() -> None:
    stated = set()

    def walk(values: dict[str, object], prefix: str = "") -> None:
        for key, value in values.items():
            stated.add(prefix + key)
            if isinstance(value, dict):
                walk(value, f"{prefix}{key}.")

    walk(yaml.safe_load(DEFAULT_CONFIG.read_text(encoding="utf-8")))
    assert stated == set(known_keys())
    assert len(known_keys()) == len(set(known_keys()))


def test_later_layers_win(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("train: {iterations: 10, batch_size: 2}\n")
    second.write_text("train: {iterations: 20}\n")
    config = load_config([first, second], ["train.lora.rank=3", "run.name=x"])
    assert (config.train.iterations, config.train.batch_size, config.train.lora.rank, config.run.name) == (20, 2, 3, "x")
    assert config.train.optimizer == load_config().train.optimizer


@pytest.mark.parametrize("text", ["1e-4", "1E-4", "1.e-4", "0.0001", "1.0e-04"])
def test_numbers_with_an_exponent_are_numbers(text: str, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(f"train: {{learning_rate: {text}}}\n")
    assert load_config([tmp_path / "c.yaml"]).train.learning_rate == 1e-4
    assert load_config(settings=[f"train.learning_rate={text}"]).train.learning_rate == 1e-4


def test_empty_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("# nothing\n")
    assert load_config([tmp_path / "c.yaml"]) == load_config()


def test_setting_with_a_colon_is_text() -> None:
    assert load_config(settings=["prepare.system_prompt=Answer: short"]).prepare.system_prompt == "Answer: short"
    assert load_config(settings=["prepare.system_prompt="]).prepare.system_prompt == ""


def test_setting_may_be_a_list_or_a_mapping() -> None:
    config = load_config(settings=["collect.folders=[a, 'b c']", "prepare.split={valid: 0.1, test: 0.2}"])
    assert config.collect.folders == ["a", "b c"]
    assert (config.prepare.split.valid, config.prepare.split.test) == (0.1, 0.2)


@pytest.mark.parametrize(
    ("written", "key", "meant"),
    [
        ("train.iteratons=5", "train.iteratons", "train.iterations"),
        ("iterations=5", "iterations", "train.iterations"),
        ("train.lora.rnk=5", "train.lora.rnk", "train.lora.rank"),
        ("trian={}", "trian", "train"),
        ("lora.rank=5", "lora", "train.lora"),
    ],
)
def test_unknown_key_suggests_the_nearest(written: str, key: str, meant: str) -> None:
    assert setting_mistake(written) == f"--set {written}: unknown key '{key}'. Did you mean '{meant}'?"


def test_unknown_key_without_a_neighbour() -> None:
    assert setting_mistake("zzzzz=1").endswith("unknown key 'zzzzz'. config/training_config.yaml lists every key.")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("train:\n  batch_sice: 2\n", "/mine.yaml:2: unknown key 'train.batch_sice'. Did you mean 'train.batch_size'?"),
        ("train:\n  batch_size: 2\n  batch_size: 3\n", "/mine.yaml:3: key 'train.batch_size' stands twice."),
        ("train:\n  batch_size: 1.5\n", "/mine.yaml:2: key 'train.batch_size': should be a valid integer, got 1.5."),
        ("train:\n  batch_size: 0\n", "/mine.yaml:2: key 'train.batch_size': should be greater than or equal to 1, got 0."),
        ("train:\n  batch_size: true\n", "/mine.yaml:2: key 'train.batch_size': should be a valid integer, got True."),
        ("train:\n\n  method: loraa\n", "/mine.yaml:3: key 'train.method': should be 'lora', 'dora' or 'full', got 'loraa'."),
        ("train:\n", "/mine.yaml:1: key 'train': should be a section of keys, got nothing."),
        ("model:\n  hub:\n    revision: 12\n", "/mine.yaml:3: key 'model.hub.revision': should be text, got 12. Put it in quotes"),
        ("collect:\n  folders:\n    - a\n    - 3\n", "/mine.yaml:4: key 'collect.folders.1': should be text, got 3."),
        ("collect:\n  folders: a\n", "/mine.yaml:2: key 'collect.folders': should be a list, got 'a'."),
        ("run:\n  name: ../up\n", "/mine.yaml:2: key 'run.name': is no valid name, got '../up'."),
        ("prepare:\n  split:\n    valid: 0.5\n    test: 0.5\n", "/mine.yaml:2: key 'prepare.split': valid and test together leave less"),
        ("a: [1\n", "/mine.yaml:2: broken YAML"),
        ("a: b: c\n", "/mine.yaml:1: broken YAML (mapping values are not allowed here)."),
        ("- a\n", "/mine.yaml: the configuration must be a mapping of keys."),
        ("a: &a {b: *a}\n", "/mine.yaml: an anchor of the YAML contains itself"),
        ("run: !!python/object/apply:os.getcwd []\n", "/mine.yaml:1: broken YAML (could not determine a constructor"),
        ("run:\n  seed: 2024-13-45\n", "/mine.yaml:2: broken YAML (month must be in 1..12"),
        ("run:\n\tseed: 1\n", "/mine.yaml:2: broken YAML (found character '\\t' that cannot start any token). Check indentation (spaces, no tabs)"),
        ("train:\n  no: 1\n", "/mine.yaml:1: key 'train': holds a key that is no text, got False. Put it in quotes"),
        ("train.lora.rank: 8\n", "/mine.yaml:1: unknown key 'train.lora.rank'. In a file keys stand inside each other: train: {lora: {rank: …}}."),
        ("run: &a {iteratons: 5}\ntrain: {<<: *a}\n", "/mine.yaml:1: unknown key 'run.iteratons'. Did you mean 'train.iterations'?"),
        ("run: &a {seed: 5}\nprepare: {<<: *a}\n", "/mine.yaml:2: unknown key 'prepare.seed'. Did you mean 'run.seed'?"),
        ("serve: &a {port: 5}\nreport: {<<: *a}\n", "/mine.yaml:2: unknown key 'report.port'. Did you mean "),
        ("paths:\n  workspace: $HOME/x\n", "/mine.yaml:2: key 'paths.workspace': environment variables are not filled in here"),
        ("train:\n  learning_rate: .inf\n", "/mine.yaml:2: key 'train.learning_rate': should be a finite number, got inf."),
        (b"\xff\xfe\x00", "/mine.yaml: the configuration is not UTF-8 text."),
        (b"run:\x00", "/mine.yaml: broken YAML"),
    ],
)
def test_mistake_is_told_with_its_place(content: str | bytes, expected: str, tmp_path: Path) -> None:
    assert mistake(tmp_path, content).startswith(expected)


def test_message_shows_no_whole_section() -> None:
    message = setting_mistake("model.builtin.heads=3")
    assert "hidden must be a multiple of heads" in message
    assert "{" not in message


def test_missing_key_of_the_default(tmp_path: Path) -> None:
    values = yaml.safe_load(DEFAULT_CONFIG.read_text(encoding="utf-8"))
    del values["train"]["iterations"]
    default = tmp_path / "training_config.yaml"
    default.write_text(yaml.safe_dump(values, sort_keys=False))
    with pytest.raises(UserError, match=r"key 'train\.iterations' is missing\. Put it back into training_config\.yaml"):
        load_config(default=default)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml: cannot read the configuration \(No such file or directory\)"):
        load_config([tmp_path / "none.yaml"])


@pytest.mark.parametrize("setting", ["x", "=3", "a..b=1", "train.=1", "1a=2"])
def test_setting_of_another_form(setting: str) -> None:
    with pytest.raises(UserError, match="is not of the form key=value"):
        parse_setting(setting)


def test_a_mistake_in_a_list_that_a_setting_replaces_is_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("collect:\n  folders: [a, b]\n  strict: true\n")
    with pytest.raises(UserError) as caught:
        load_config([file], ["collect.folders=[7]"])
    assert str(caught.value).startswith("--set collect.folders=[7]: key 'collect.folders': should be text, got 7.")
    with pytest.raises(UserError, match=r"mine\.yaml:2: key 'collect\.folders\.0': should be text, got 7"):
        load_config([write(file, "collect:\n  folders: [7]\n")], ["collect.strict=true"])


def write(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


@pytest.mark.parametrize("value", ["[a", "2024-13-45", "0x_", "{b: &x {c: *x}}", "[" * 500])
def test_setting_with_broken_yaml(value: str) -> None:
    assert setting_mistake(f"collect.folders={value}").startswith(f"--set collect.folders={value}: broken YAML (")
