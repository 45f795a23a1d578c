"""The step mechanism: what makes a step run again, and that no kill leaves anything half-written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gradus.config import Config, load_config
from gradus.config.load import PROJECT
from gradus.errors import GradusError, UserError
from gradus.step import Outcome, Step, StepContext, Summary, marker_of, read_marker, run_step, target_of, workspace_of

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
Run = Callable[..., Outcome]


def first_work(context: StepContext) -> Summary:
    (context.out / "a.txt").write_text(f"{context.config.collect.min_characters}\n")
    (context.out / "folder").mkdir(exist_ok=True)
    (context.out / "folder" / "b.txt").write_text("b")
    return {"characters": context.config.collect.min_characters}


def second_work(context: StepContext) -> Summary:
    # The same for 80 and 81, so that a change upstream may end here.
    value = int(context.input("01_first/a.txt").read_text()) // 10
    (context.out / "c.txt").write_text(f"{value}")
    return {"value": value}


def third_work(context: StepContext) -> Summary:
    (context.out / "d.txt").write_text(context.input("02_second/c.txt").read_text() + (context.input("01_first/folder") / "b.txt").read_text())
    return {}


FIRST = Step("01_first", "first", 1, "data/01_first", first_work, config_keys=("collect.min_characters",))
SECOND = Step("02_second", "second", 1, "data/02_second", second_work, reads=("01_first/a.txt",), config_keys=("train.lora", "run.seed"))
THIRD = Step("03_third", "third", 1, "reports/{run}", third_work, reads=("02_second/c.txt", "01_first/folder"))
STEPS = {step.name: step for step in (FIRST, SECOND, THIRD)}


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Config]:
    return lambda *settings: load_config(settings=[f"paths.workspace={tmp_path}", "run.name=v1.0", "collect.min_characters=80", *settings])


@pytest.fixture
def config(configured: Callable[..., Config]) -> Config:
    return configured()


def statuses(config: Config, **options: bool) -> list[str]:
    return [run_step(step, config, STEPS, **options).status for step in STEPS.values()]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_workspace_may_be_anywhere() -> None:
    meant = {"~/my models": Path.home() / "my models", "größe": PROJECT / "größe", "..": PROJECT.parent, "/a/../b": Path("/b")}
    assert {written: workspace_of(load_config(settings=[f"paths.workspace={written}"])) for written in meant} == meant


def test_second_run_does_nothing(config: Config, tmp_path: Path) -> None:
    assert statuses(config) == ["done"] * 3
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert statuses(config) == ["up to date"] * 3
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_outcome_remembers_summary_and_seconds(config: Config) -> None:
    done = run_step(FIRST, config, STEPS)
    again = run_step(FIRST, config, STEPS)
    assert (again.summary, again.seconds, again.reason) == (done.summary, marker(FIRST, config)["seconds"], "")
    assert done.summary == {"characters": 80}
    assert done.reason == "no output yet"


def marker(step: Step, config: Config) -> dict[str, object]:
    found: dict[str, object] = json.loads(marker_of(step, config).read_text())
    return found


def test_only_dependants_run_after_a_change(configured: Callable[..., Config]) -> None:
    statuses(configured())
    assert statuses(configured("train.lora.rank=3")) == ["up to date", "done", "up to date"]
    assert statuses(configured("train.lora.rank=3", "train.iterations=7")) == ["up to date"] * 3
    assert statuses(configured("train.lora.rank=3", "collect.min_characters=95")) == ["done"] * 3


def test_a_change_that_alters_no_output_stops_there(configured: Callable[..., Config]) -> None:
    statuses(configured())
    assert statuses(configured("collect.min_characters=81")) == ["done", "done", "up to date"]


def test_reason_names_the_change(configured: Callable[..., Config]) -> None:
    statuses(configured())
    changed = configured("train.lora.rank=3", "collect.min_characters=99")
    assert run_step(FIRST, changed, STEPS).reason == "collect.min_characters: 80 to 99"
    assert run_step(SECOND, changed, STEPS, dry_run=True).reason == "train.lora.rank: 16 to 3; 01_first/a.txt changed"


def test_new_version_runs_again(config: Config) -> None:
    statuses(config)
    newer = Step(FIRST.name, FIRST.title, 2, FIRST.output, FIRST.work, config_keys=FIRST.config_keys)
    assert run_step(newer, config, STEPS).reason == "the step itself is newer"


def test_outside_world_counts(config: Config) -> None:
    state = ["monday"]
    step = Step("01_first", "first", 1, "data/01_first", first_work, outside=lambda _config: list(state))
    run_step(step, config, STEPS)
    assert run_step(step, config, STEPS).status == "up to date"
    state[0] = "tuesday"
    assert run_step(step, config, STEPS).reason == "its sources changed"


def test_force_runs(config: Config) -> None:
    statuses(config)
    assert run_step(FIRST, config, STEPS, force=True).reason == "forced"


def test_a_dry_run_tells_the_plan_once_the_inputs_are_there(config: Config) -> None:
    planned = replace(SECOND, plan=lambda context: {"lines": context.input("01_first/a.txt").read_text().count("\n")})
    assert run_step(planned, config, STEPS, dry_run=True).summary == {}
    run_step(FIRST, config, STEPS)
    assert run_step(planned, config, STEPS, dry_run=True).summary == {"lines": 1}
    assert run_step(planned, config, STEPS).summary == {"value": 8}


def test_dry_run_writes_nothing(config: Config, tmp_path: Path) -> None:
    assert statuses(config, dry_run=True) == ["would run"] * 3
    assert list(tmp_path.iterdir()) == []


def test_runs_have_outputs_of_their_own_and_share_the_rest(configured: Callable[..., Config], tmp_path: Path) -> None:
    statuses(configured())
    assert statuses(configured("run.name=v1.1")) == ["up to date", "up to date", "done"]
    assert {path.name for path in (tmp_path / "reports").iterdir()} == {"v1.0", "v1.1", ".work"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_text("longer than before"),
        lambda file: file.write_text("99\n"),
    ],
    ids=["deleted", "other size", "same size"],
)
def test_changed_output_runs_again(damage: Callable[[Path], object], config: Config) -> None:
    statuses(config)
    file = target_of(FIRST, config) / "a.txt"
    damage(file)
    with pytest.raises(UserError, match=r"02_second needs a.txt of 01_first, which has not finished, or its files were changed since"):
        run_step(SECOND, config, STEPS)
    assert run_step(FIRST, config, STEPS).reason == "its output was changed or deleted"
    assert file.read_text() == "80\n"
    assert run_step(SECOND, config, STEPS).status == "up to date"


def test_touched_output_of_the_same_content_is_up_to_date(config: Config) -> None:
    statuses(config)
    os.utime(target_of(FIRST, config) / "a.txt")
    assert statuses(config) == ["up to date"] * 3


@pytest.mark.parametrize("content", ["{", "[]", "{}", '"x"'])
def test_damaged_marker_runs_again(content: str, config: Config) -> None:
    statuses(config)
    marker_of(FIRST, config).write_text(content)
    assert run_step(FIRST, config, STEPS).status == "done"


def test_missing_input_names_the_script(config: Config) -> None:
    with pytest.raises(UserError, match=r"Run python scripts/01_first.py first"):
        run_step(SECOND, config, STEPS)


def test_file_that_is_no_longer_written_goes(configured: Callable[..., Config]) -> None:
    def work(context: StepContext) -> Summary:
        for number in range(context.config.collect.min_characters):
            path = context.out / f"{number}" / "part.txt"
            path.parent.mkdir()
            path.write_text("x")
        return {}

    step = Step("01_first", "first", 1, "data/01_first", work, config_keys=("collect.min_characters",))
    run_step(step, configured("collect.min_characters=3"), STEPS)
    folder = target_of(step, configured())
    (folder / "notes.txt").write_text("the user's own file stays")
    run_step(step, configured("collect.min_characters=1"), STEPS)
    assert {path.name for path in folder.iterdir()} == {"0", "notes.txt", "01_first.done.json"}


def test_failure_keeps_the_old_output_and_removes_the_half(configured: Callable[..., Config], tmp_path: Path) -> None:
    statuses(configured())
    before = tree(target_of(FIRST, configured()))

    def work(context: StepContext) -> Summary:
        (context.out / "a.txt").write_text("half")
        raise GradusError("broken")

    step = Step("01_first", "first", 2, "data/01_first", work)
    with pytest.raises(GradusError, match="broken"):
        run_step(step, configured(), STEPS)
    assert tree(target_of(FIRST, configured())) == before
    assert not (tmp_path / "data" / ".work" / "01_first").exists()


def test_step_that_writes_nothing_is_a_defect(config: Config) -> None:
    with pytest.raises(GradusError, match="wrote nothing"):
        run_step(Step("01_first", "first", 1, "data/01_first", lambda _context: {}), config, STEPS)


def test_link_out_of_the_folder_is_refused(config: Config, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")

    def work(context: StepContext) -> Summary:
        (context.out / "link").symlink_to(secret)
        return {}

    with pytest.raises(UserError, match="path leaves its folder"):
        run_step(Step("01_first", "first", 1, "data/01_first", work), config, STEPS)


def interrupted(seen: list[str]) -> Step:
    """A resumable step that notes what it finds and is then interrupted."""

    def work(context: StepContext) -> Summary:
        seen.append(" ".join(path.name for path in context.out.iterdir()))
        (context.out / "half.txt").write_text("x")
        raise KeyboardInterrupt

    return Step("01_first", "first", 1, "data/01_first", work, config_keys=("run.seed",), resumable=True)


def test_interrupted_step_goes_on_only_with_the_same_input(configured: Callable[..., Config]) -> None:
    seen: list[str] = []
    starts: list[tuple[tuple[str, ...], bool]] = [((), False), ((), False), ((), True), (("run.seed=7",), False), ((), False)]
    for settings, force in starts:
        config = configured(*settings)
        with pytest.raises(KeyboardInterrupt):
            run_step(interrupted(seen), config, {}, force=force)
    assert seen == ["", "half.txt", "", "", ""]


def test_runs_that_share_a_target_share_its_lock(configured: Callable[..., Config]) -> None:
    one, other = configured("run.name=one"), configured("run.name=other")

    def work(context: StepContext) -> Summary:
        with pytest.raises(GradusError, match="is being run by another process"):
            run_step(FIRST, other, STEPS)
        return first_work(context)

    assert run_step(Step("01_first", "first", 1, "data/01_first", work), one, STEPS).status == "done"


# Real processes that are really killed. The child is a copy of the steps above with a place to stop in.

CHILD = """
import os, signal, sys, time
from pathlib import Path
import gradus.step as mechanism
from gradus.config import load_config
from gradus.step import Step, run_step

workspace, what = sys.argv[1:]

def signal_ready():
    Path(workspace, "ready").write_text("x")

def work(context):
    seen = sorted(path.name for path in context.out.iterdir())
    (context.out / "a.txt").write_text("new\\n")
    if what in ("work", "resume"):
        (context.out / ".b.txt.123.tmp").write_text("half")
        signal_ready()
        time.sleep(60)
    (context.out / "b.txt").write_text("new\\n")
    (context.out / "c.txt").write_text(" ".join(seen))
    return {"seen": " ".join(seen)}

if what == "publish":
    replace, count = Path.replace, []
    def stop_at_second(self, target):
        if ".work" in self.parts and ".work" not in Path(target).parts:
            count.append(target)
            if len(count) == 2:
                os.kill(os.getpid(), signal.SIGKILL)
        return replace(self, target)
    Path.replace = stop_at_second

config = load_config(settings=[f"paths.workspace={workspace}"])
resumable = what in ("resume", "resumed")
step = Step("01_first", "first", 2, "data/01_first", work, resumable=resumable)
outcome = run_step(step, config, {}, force=what == "again")
print(outcome.status, outcome.summary["seen"])
"""


def child(tmp_path: Path, what: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), what],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def wait_until_ready(tmp_path: Path) -> None:
    deadline = time.monotonic() + 30
    while not (tmp_path / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def old_output(tmp_path: Path) -> dict[str, bytes]:
    config = load_config(settings=[f"paths.workspace={tmp_path}"])
    run_step(FIRST, config, STEPS)
    return tree(tmp_path / "data" / "01_first")


def test_kill_in_the_middle_of_work_keeps_the_old_output(tmp_path: Path) -> None:
    before = old_output(tmp_path)
    process = child(tmp_path, "work")
    wait_until_ready(tmp_path)
    process.kill()
    assert finish(process)[0] == -signal.SIGKILL
    assert tree(tmp_path / "data" / "01_first") == before
    assert finish(child(tmp_path, "run"))[:2] == (0, "done \n")
    names = {path.name for path in (tmp_path / "data" / "01_first").iterdir()}
    assert names == {"a.txt", "b.txt", "c.txt", "01_first.done.json"}


def test_resumable_step_finds_its_work_again_without_torn_files(tmp_path: Path) -> None:
    process = child(tmp_path, "resume")
    wait_until_ready(tmp_path)
    process.kill()
    finish(process)
    assert finish(child(tmp_path, "resumed"))[:2] == (0, "done a.txt\n")


@pytest.mark.parametrize("next_start", ["run", "reader"])
def test_kill_in_the_middle_of_publishing_is_finished_by_the_next_start(next_start: str, tmp_path: Path) -> None:
    old_output(tmp_path)
    assert finish(child(tmp_path, "publish"))[0] == -signal.SIGKILL
    target, config = tmp_path / "data" / "01_first", load_config(settings=[f"paths.workspace={tmp_path}"])
    assert (target / "a.txt").read_text() == "new\n"
    assert not (target / "b.txt").exists()
    # Looking alone already sees the whole output, and leaves everything as it is.
    before = tree(tmp_path)
    assert set((read_marker(FIRST, config, settle=False) or {})["outputs"]) == {"a.txt", "b.txt", "c.txt"}
    assert tree(tmp_path) == before
    if next_start == "run":
        assert finish(child(tmp_path, "run"))[:2] == (0, "up to date \n")
    else:
        assert read_marker(FIRST, config) is not None
    assert {path.name for path in target.iterdir()} == {"a.txt", "b.txt", "c.txt", "01_first.done.json"}
    assert not (tmp_path / "data" / ".work" / "01_first").exists()


def test_two_processes_do_not_run_the_same_step(tmp_path: Path) -> None:
    process = child(tmp_path, "work")
    wait_until_ready(tmp_path)
    code, _, message = finish(child(tmp_path, "run"))
    process.kill()
    finish(process)
    assert code != 0
    assert f"01_first is being run by another process, number {process.pid}" in message
    assert finish(child(tmp_path, "run"))[:2] == (0, "done \n")


def test_reader_waits_while_another_process_publishes(tmp_path: Path) -> None:
    """Many readers and one writer that publishes again and again: every reader sees a whole output."""
    assert finish(child(tmp_path, "run"))[0] == 0
    writers = [child(tmp_path, "again") for _ in range(3)]
    config = load_config(settings=[f"paths.workspace={tmp_path}"])
    step = Step("01_first", "first", 2, "data/01_first", first_work)
    while any(process.poll() is None for process in writers):
        assert (read_marker(step, config) or {"outputs": {}})["outputs"].keys() <= {"a.txt", "b.txt", "c.txt"}
    codes = [finish(process) for process in writers]
    assert any(code == 0 for code, _, _ in codes)
    assert all(code == 0 or "another process" in err for code, _, err in codes)
    assert read_marker(step, config) is not None
