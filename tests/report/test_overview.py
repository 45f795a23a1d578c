"""The overview of all runs: what differs is told, what cannot be read is named, what was deleted is gone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING, Any

import pytest

from gradus.report import STEP
from gradus.report.overview import overview, read_runs
from gradus.report.record import Record, read_record, record_of
from gradus.report.work import write_report

from .conftest import write_runs
from .test_page import Parsed, visible

if TYPE_CHECKING:
    from .conftest import Case


def changed(record: Record, *, days: int = 0, **settings: Any) -> Record:
    """The record of a run that trained `days` later with other settings of `train`."""
    config = {**record.config, "train": {**record.config["train"], **settings}}
    return replace(record, created=record.created + timedelta(days=days), config=config)


@pytest.fixture
def record(case: Case) -> Record:
    return record_of(case.sources())


def test_a_record_is_read_as_it_was_written(case: Case) -> None:
    context = case.context()
    write_report(context)
    assert read_record(context.out / "report.json") == record_of(case.sources())


def test_a_run_shows_the_settings_in_which_it_differs_from_most(record: Record) -> None:
    runs = {"c": changed(record, days=3, iterations=9), "b": changed(record, days=2), "a": record}
    rows = overview(runs, []).rows
    assert [(row.folder, [(s.key, s.value) for s in row.settings]) for row in rows] == [("c", [("train.iterations", 9)]), ("b", []), ("a", [])]


def test_of_two_runs_the_older_one_counts_as_usual(record: Record) -> None:
    new, old = overview({"new": changed(record, iterations=9), "old": record}, []).rows
    assert ([s.key for s in new.settings], old.settings) == (["train.iterations"], [])


def test_where_a_run_lies_and_what_comes_after_training_is_no_difference(record: Record) -> None:
    other = {"paths": {"workspace": "elsewhere"}, "run": {**record.config["run"], "name": "other"}, "export": {"model_name": "x"}}
    moved = replace(record, config={**record.config, **other})
    assert overview({"a": record, "b": moved}, []).settings == []


def test_a_setting_that_a_run_did_not_record_is_not_called_0(case: Case, record: Record) -> None:
    config = {key: value for key, value in record.config.items() if key != "train"}
    write_runs(case.reports, {"old": replace(record, config=config)})
    case.publish()
    assert "train.iterations 250 –" in visible(case.index()) or "train.iterations – 250" in visible(case.index())


@pytest.mark.parametrize(
    "change",
    [
        lambda case: case.answers.pop(),
        lambda case: setattr(case, "evaluation", replace(case.evaluation, rubric=replace(case.evaluation.rubric, sha256="0" * 64))),
        lambda case: setattr(case, "evaluation", replace(case.evaluation, embedding="another")),
        lambda case: setattr(case, "evaluation", replace(case.evaluation, encoder_sha256="0" * 64)),
        lambda case: setattr(case, "evaluation", replace(case.evaluation, version=99)),
        lambda case: setattr(case, "answers", [replace(row, asked="0" * 64) for row in case.answers]),
    ],
    ids=["questions", "rubric", "measures", "encoder", "grader", "system prompt"],
)
def test_runs_that_were_graded_by_another_test_are_told_apart(case: Case, record: Record, change: Callable[[Case], Any]) -> None:
    change(case)
    other = record_of(case.sources())
    assert [row.test for row in overview({"new": other, "old": record}, []).rows] == [2, 1]
    assert overview({"new": changed(record, iterations=9), "old": record}, []).tests == 1


def test_better_answers_are_no_other_test(case: Case, record: Record) -> None:
    case.answers = [replace(row, tuned=replace(row.tuned, text="Another answer.")) for row in case.answers]
    assert record_of(case.sources()).test == record.test


def test_the_table_lists_all_runs_newest_first_with_links(case: Case, record: Record) -> None:
    write_runs(case.reports, {"older": changed(record, days=-1, iterations=9), "a b#c": changed(record, days=-2)})
    case.publish()
    page = Parsed(case.index())
    assert [a["href"] for a in page.of("a")] == ["#main", "test/report.html", "older/report.html", "a%20b%23c/report.html"]
    said = visible(case.index())
    assert "B 75.5 % 71.5 to 79.5 +45.5 2.090 aaaaaaaa" in said
    assert "train.iterations: 9" in said
    assert [table["aria-labelledby"] for table in page.of("table")] == ["caption-runs", "caption-pair"]
    assert [p["id"] for p in page.of("p") if p.get("class") == "caption"] == ["caption-runs", "caption-pair"]
    assert all(th.get("scope") for th in page.of("th"))
    assert [tag for tag, _ in page.tags if tag in ("h1", "h2", "h3")] == ["h1", "h2", "h2"]
    assert len(page.of("select")) == len(page.of("label")) == 2
    (policy,) = [meta["content"] for meta in page.of("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_a_single_run_has_nothing_to_be_compared_with(case: Case) -> None:
    case.publish()
    assert "side by side" not in visible(case.index())


def test_a_withheld_grade_stays_withheld(case: Case, record: Record) -> None:
    figures = [replace(figure, value=None) if "rade" in figure.name else figure for figure in record.figures]
    write_runs(case.reports, {"other": replace(record, letter=None, percent=None, interval=None, figures=figures)})
    case.publish()
    assert "withheld – 2.090" in visible(case.index())
    assert "Grade 75.5 % –" in visible(case.index()) or "Grade – 75.5 %" in visible(case.index())


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "\x00"])
def test_a_broken_folder_is_named_and_not_fatal(case: Case, text: str) -> None:
    (case.reports / "torn").mkdir(parents=True)
    (case.reports / "torn" / "report.json").write_text(text)
    (case.reports / "only-a-log").mkdir()
    case.publish()
    said = visible(case.index())
    assert "torn : report.json cannot be read" in said
    assert "python scripts/08_report.py --run torn --force" in said
    assert "only-a-log" not in said
    assert "test" in said


def test_a_record_of_another_format_is_named(case: Case, record: Record) -> None:
    write_runs(case.reports, {"future": replace(record, format=99)})
    assert [(item.folder, item.reason) for item in read_runs(case.reports, {})[1]] == [("future", "report.json has the format 99, not 1")]


def test_a_deleted_run_disappears_and_makes_the_step_run(case: Case, record: Record) -> None:
    write_runs(case.reports, {"other": record})
    case.publish()
    assert "other/report.html" in case.index()
    assert STEP.outside is not None
    before = STEP.outside(case.context().config)
    shutil.rmtree(case.reports / "other")
    assert STEP.outside(case.context().config) != before
    case.publish()
    assert "other/report.html" not in case.index()


def test_its_own_record_does_not_make_the_step_run_again(case: Case) -> None:
    assert STEP.outside is not None
    before = STEP.outside(case.context().config)
    case.publish()
    assert STEP.outside(case.context().config) == before


def test_runs_that_end_at_the_same_time_all_stand_in_it(case: Case) -> None:
    contexts = []
    for number in range(8):
        case.run = f"run-{number}"
        contexts.append(case.context())
    with ThreadPool(8) as pool:
        pool.map(write_report, contexts)
    page = case.index()
    assert all(f'href="run-{number}/report.html"' in page for number in range(8))
    assert page.rstrip().endswith("</html>")


def test_the_overview_is_a_function_of_the_records(case: Case, record: Record) -> None:
    write_runs(case.reports, {"other": changed(record, iterations=9)})
    case.publish()
    first = case.index()
    case.publish()
    assert case.index() == first
    assert json.loads((case.reports / "test" / "report.json").read_text())["config"]["train"]["iterations"] == 250
