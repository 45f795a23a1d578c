"""Several steps in a row: which ones, in which order, and what is told at the end, also of a failure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gradus.config import Config, load_config
from gradus.errors import GradusError, UserError
from gradus.pipeline import STEPS as REAL
from gradus.road import chosen_steps, run_all
from gradus.step import Step, StepContext, Summary, target_of

from .teacher_server import TeacherServer

Lines = Callable[[], list[str]]


def copy_work(context: StepContext) -> Summary:
    text = "".join(path.read_text() for path in context.inputs.values()) or str(context.config.run.seed)
    (context.out / "x.txt").write_text(text)
    return {"length": len(text)}


def failing_work(_context: StepContext) -> Summary:
    raise GradusError("broken")


def interrupted_work(_context: StepContext) -> Summary:
    raise KeyboardInterrupt


def steps_with(second: Callable[[StepContext], Summary] = copy_work) -> dict[str, Step]:
    steps = (
        Step("01_collect", "", 1, "data/01", copy_work, config_keys=("run.seed",)),
        Step("02_extract", "", 1, "data/02", second, reads=("01_collect/x.txt",)),
        Step("03_curate", "", 1, "data/03", copy_work, reads=("02_extract/x.txt",)),
    )
    return {step.name: step for step in steps}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(settings=[f"paths.workspace={tmp_path}"])


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """The lines written since the last call, without the times."""
    return lambda: [
        " ".join(word for word in line.split() if not word.strip("()").replace(".", "").isdigit()) for line in capsys.readouterr().out.splitlines()
    ]


def test_the_road_is_the_twelve_scripts() -> None:
    scripts = sorted(path.stem for path in (Path(__file__).parents[1] / "scripts").glob("[0-9][0-9]_*.py"))
    assert list(REAL) == scripts
    for position, step in enumerate(REAL.values()):
        sources = {name.partition("/")[0] for name in step.reads}
        assert sources <= set(list(REAL)[:position]), f"{step.name} reads what comes later"


def test_a_part_of_the_road() -> None:
    assert [step.name for step in chosen_steps(REAL, "05_prepare", "08_report")] == ["05_prepare", "06_train_mlx", "07_evaluate", "08_report"]
    assert len(chosen_steps(REAL, "01_collect", "12_export")) == 12


@pytest.mark.parametrize(
    ("name", "meant"), [("05_prepair", "05_prepare"), ("train", "06_train_mlx"), ("06_train", "06_train_mlx"), ("evaluate", "07_evaluate")]
)
def test_unknown_step_suggests_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(UserError, match=rf"--from: unknown step '{name}'\. Did you mean '{meant}'\?"):
        chosen_steps(REAL, name, "12_export")


def test_unknown_step_without_a_neighbour_lists_them() -> None:
    with pytest.raises(UserError, match=r"--to: unknown step 'zzz'\. Steps are 01_collect, 02_extract"):
        chosen_steps(REAL, "01_collect", "zzz")


def test_wrong_order() -> None:
    with pytest.raises(UserError, match="08_report comes after 05_prepare"):
        chosen_steps(REAL, "08_report", "05_prepare")


def test_first_and_second_run(config: Config, lines: Lines, tmp_path: Path) -> None:
    outputs = [tmp_path / "data" / number for number in ("01", "02", "03")]
    run_all(config, steps_with(), "01_collect", "03_curate")
    assert lines() == [
        "[ 1/3] 01_collect: done in s", "[ 2/3] 02_extract: done in s", "[ 3/3] 03_curate: done in s", "",
        "step seconds status output", f"01_collect done {outputs[0]}", f"02_extract done {outputs[1]}", f"03_curate done {outputs[2]}", "total",
        "", "default 01_collect to 03_curate",
    ]  # fmt: skip
    run_all(config, steps_with(), "02_extract", "03_curate", following="python scripts/04_augment.py")
    assert lines() == [
        "[ 1/2] 02_extract: up to date", "[ 2/2] 03_curate: up to date", "",
        "step seconds status output", f"02_extract up to date {outputs[1]}", f"03_curate up to date {outputs[2]}", "total",
        "", "default 02_extract to 03_curate", "next python scripts/04_augment.py",
    ]  # fmt: skip


@pytest.mark.parametrize(("work", "error", "status"), [(failing_work, GradusError, "failed"), (interrupted_work, KeyboardInterrupt, "interrupted")])
def test_table_is_shown_when_a_step_does_not_finish(
    work: Callable[[StepContext], Summary], error: type[BaseException], status: str, config: Config, lines: Lines
) -> None:
    with pytest.raises(error):
        run_all(config, steps_with(work), "01_collect", "03_curate")
    assert lines()[-4:] == [f"01_collect done {target_of(steps_with()['01_collect'], config)}", f"02_extract {status}", "03_curate not run", "total"]


def test_dry_run_knows_what_an_earlier_step_may_change(config: Config, lines: Lines, tmp_path: Path) -> None:
    run_all(config, steps_with(), "01_collect", "03_curate")
    lines()
    changed = load_config(settings=[f"paths.workspace={tmp_path}", "run.seed=7"])
    run_all(changed, steps_with(), "01_collect", "03_curate", dry_run=True)
    assert lines() == [
        "[ 1/3] 01_collect: would run (run.seed: to",
        "[ 2/3] 02_extract: would run if 01_collect changes its output",
        "[ 3/3] 03_curate: would run if 02_extract changes its output",
    ]


def test_force_runs_every_chosen_step(config: Config, lines: Lines) -> None:
    run_all(config, steps_with(), "01_collect", "03_curate")
    lines()
    run_all(config, steps_with(), "02_extract", "03_curate", force=True)
    assert lines()[:2] == ["[ 1/2] 02_extract: done in s", "[ 2/2] 03_curate: done in s"]


def test_a_dry_run_says_what_a_teacher_would_take_or_why_that_is_unknown(tmp_path: Path, teacher_server: TeacherServer, lines: Lines) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text("# Tea\n\nGreen tea is brewed with water of **80 degrees** for two minutes, black tea with boiling water for four.\n")
    settings = [f"paths.workspace={tmp_path / 'w'}", "collect.python_docs=[]", f"collect.folders=[{notes}]", "augment.use_teacher=true"]
    config = load_config(settings=[*settings, *teacher_server.settings])
    run_all(config, REAL, "01_collect", "04_augment", dry_run=True)
    assert [line for line in lines() if line.startswith("tokens")] == [
        "tokens, cost, time: unknown until 01_collect has run", "tokens, cost, time: unknown until 03_curate has run",
    ]  # fmt: skip
    run_all(load_config(settings=settings[:3]), REAL, "01_collect", "01_collect")
    lines()
    run_all(config, REAL, "01_collect", "02_extract", dry_run=True)
    told = lines()
    assert told[1].startswith("[ 2/2] 02_extract: would run")
    assert told[2].startswith("chunks for the teacher: of documents")
    assert {"time: unknown before the first run with this teacher"} <= set(told)
    assert not teacher_server.requests
    run_all(load_config(settings=[*settings, *teacher_server.settings, "collect.min_characters=41"]), REAL, "01_collect", "02_extract", dry_run=True)
    assert lines()[-1] == "reckoned from what 01_collect wrote before"
    run_all(load_config(settings=settings[:3]), REAL, "01_collect", "02_extract", dry_run=True)
    assert len(lines()) == 2, "no teacher, nothing to reckon"
