"""The examination of a machine: every line true, every fault with its cure, no package needed to say which is missing."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradus.config import load_config
from gradus.config.load import PROJECT
from gradus.doctor import machine
from gradus.doctor.finding import Finding
from gradus.doctor.fits import bases, presets
from gradus.doctor.packages import packages
from gradus.doctor.reach import asking_the_hub, current_model, embedding
from gradus.footprint import builtin_architecture, read_bases, read_machines, training_bytes

GB = 10**9


def doctor(*flags: str, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The script as its user starts it; `before` runs first in the same process."""
    script = str(PROJECT / "scripts" / "doctor.py")
    start = f"sys.argv = {[script, *flags]!r}; sys.path.insert(0, {str(PROJECT / 'scripts')!r})"
    code = f"import runpy, sys\n{before}\n{start}\nrunpy.run_path({script!r}, run_name='__main__')"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment})


@pytest.fixture
def silent_hub() -> Iterator[str]:
    """An address that takes a connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_the_whole_examination(tmp_path: Path, silent_hub: str) -> None:
    started = time.monotonic()
    settings = ("--set", f"paths.workspace={tmp_path / 'w'}", "--set", "model.hub.timeout_seconds=1")
    done = doctor(*settings, HF_HUB_OFFLINE="0", HF_ENDPOINT=silent_hub)
    assert time.monotonic() - started < 20  # under 10 on a machine that does nothing else
    assert done.returncode == 0, done.stdout
    names = [line[9:21].strip() for line in done.stdout.splitlines() if not line.startswith(" ") and line[9:].strip()]
    assert names[:7] == ["python", "memory", "packages", "device", "speed", "disk", "base"]
    assert sorted(names[7:14]) == sorted(read_machines())
    assert names[14:17] == ["embedding", "registry", "hub"]
    assert f"{platform.python_version()}, {platform.system()}" in done.stdout
    assert "no answer within 1 s" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == ""
    assert not (tmp_path / "w").exists()


def test_a_mistake_in_the_configuration_is_a_line_of_its_own() -> None:
    done = doctor("--set", "train.iteratons=3")
    assert done.returncode == 1
    assert "bad      config      --set train.iteratons=3: unknown key 'train.iteratons'\n" in done.stdout
    assert "Did you mean 'train.iterations'?" in done.stdout
    assert done.stdout.endswith("1 to mend\n")


@pytest.mark.parametrize(
    ("missing", "says"), [("pydantic", "bad      config      cannot be read"), ("mlx.core", "bad      device      MLX cannot be loaded")]
)
def test_a_package_that_cannot_be_imported_is_told_without_a_trace(missing: str, says: str, tmp_path: Path) -> None:
    done = doctor("--set", f"paths.workspace={tmp_path}", before=f"sys.modules[{missing!r}] = None", HF_HUB_OFFLINE="1")
    assert done.returncode == 1
    assert says in done.stdout
    assert "Traceback" not in done.stderr


def test_each_package_that_does_not_fit_has_its_command(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text('numpy>=1\nnot-a-package>=2,<3  # why\nrich<1\npytest>=999\nwindows-only; sys_platform == "win32"\n')
    found = list(packages(file))
    assert [(finding.level, finding.text.split()[0]) for finding in found] == [
        ("bad", "not-a-package"),
        ("bad", "rich"),
        ("warning", "pytest"),
        ("ok", "1"),
    ]
    assert found[0].cure == 'pip install "not-a-package<3,>=2"'
    assert found[3].text.startswith("1 of 4 fit")


def test_the_hub_is_waited_for_no_longer_than_configured(silent_hub: str) -> None:
    code = (
        "from gradus.config import load_config\nfrom gradus.doctor.reach import asking_the_hub\n"
        "import time\nstart = time.monotonic()\n"
        "finding = asking_the_hub(load_config(settings=['model.hub.timeout_seconds=0.5']))()\n"
        "print(finding.level, time.monotonic() - start < 3, finding.text)"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "0", "HF_ENDPOINT": silent_hub, "PYTHONPATH": str(PROJECT / "scripts")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert done.stdout.startswith("warning True not reachable (no answer within 0.5 s), and mlx-community/Qwen3-0.6B-4bit is not in")


def test_offline_by_choice_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    finding = asking_the_hub(load_config())()
    assert (finding.level, "HF_HUB_OFFLINE is set" in finding.text, bool(finding.cure)) == ("warning", True, True)


def test_a_larger_machine_fits_a_larger_base_and_checkpointing_helps() -> None:
    names = list(read_bases())
    fitting = [bases(load_config(), size * GB, gpu=True).text.split()[0] for size in (16, 24, 64, 192)]
    assert [names.index(name) for name in fitting] == sorted({names.index(name) for name in fitting})
    checkpointed = load_config(settings=["train.gradient_checkpointing=true"])
    assert all(training_bytes(base, checkpointed) < training_bytes(base, load_config()) for base in read_bases().values())


def test_each_preset_is_told_with_its_need_and_a_cure_where_it_does_not_fit() -> None:
    found = {finding.name: finding for finding in presets(load_config(), 16 * GB)}
    assert next(iter(found)) == "smoke" and list(found)[-1] == "mac-64gb+" and len(found) == 7
    assert (found["mac-8gb"].level, found["mac-8gb"].cure) == ("ok", "")
    assert found["mac-8gb"].text.startswith("Qwen3-0.6B-4bit, training 2.0 GB, predicted") and found["mac-8gb"].text.endswith("fits here")
    assert found["mac-64gb+"].level == "warning" and "does not fit here, into 14.4 GB" in found["mac-64gb+"].text and found["mac-64gb+"].cure
    assert all(finding.level == "ok" for finding in presets(load_config(), 64 * GB))


def test_a_configured_base_that_does_not_fit_is_a_warning_with_a_cure() -> None:
    wanted = load_config(settings=["model.base=mlx-community/Qwen3-14B-4bit"])
    small, large = bases(wanted, 16 * GB, gpu=True), bases(wanted, 192 * GB, gpu=True)
    assert (small.level, large.level) == ("warning", "ok")
    assert small.text.startswith("mlx-community/Qwen3-14B-4bit would not fit whole.") and "gradient_checkpointing" in small.cure
    assert bases(load_config(), 2 * GB, gpu=True).level == "warning"
    assert bases(load_config(), 2 * GB, gpu=False).level == "ok"  # model.base=auto takes the built-in base there
    assert "only the built-in base fits" in bases(load_config(), 2 * GB, gpu=False).text


def test_the_prediction_is_near_what_training_the_builtin_base_took() -> None:
    """0.274 GB, measured over 250 iterations of the default settings."""
    assert training_bytes(builtin_architecture(load_config().model.builtin), load_config()) == pytest.approx(0.274e9, rel=0.15)


def test_the_encoder(tmp_path: Path) -> None:
    assert embedding(load_config(settings=["evaluate.embedding.model=off"])).level == "ok"
    assert embedding(load_config(settings=[f"evaluate.embedding.model={tmp_path}"])).level == "ok"
    for missing in ("evaluate.embedding.package=not-there", "evaluate.embedding.model=owner/not-there"):
        finding = embedding(load_config(settings=[missing]))
        assert (finding.level, bool(finding.cure)) == ("warning", True)


def test_a_damaged_registry_is_bad(tmp_path: Path) -> None:
    assert current_model(tmp_path).level == "ok"
    (tmp_path / "models" / "registry").mkdir(parents=True)
    (tmp_path / "models" / "registry" / "registry.json").write_text("{")
    finding = current_model(tmp_path)
    assert (finding.level, bool(finding.cure)) == ("bad", True)


def test_the_disk_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert f"GB free at {tmp_path}" in machine.disk(tmp_path / "a" / "b").text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_a_workspace_that_may_not_be_looked_into_is_bad(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    assert machine.disk(closed / "a").level == current_model(closed / "a").level == "bad"


def test_a_line_is_level_name_text_and_the_cure_below() -> None:
    assert Finding("disk", "bad", "full", "Free some").lines() == "bad      disk        full\n                       Free some"
