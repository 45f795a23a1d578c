"""What a step brings from the network belongs to the outside world that its fingerprint describes."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradus.config import Config, load_config
from gradus.step import Step, StepContext, Summary, run_step


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(settings=[f"paths.workspace={tmp_path}"])


def test_what_a_step_fetched_belongs_to_the_outside_that_it_saw(config: Config) -> None:
    """So it is up to date afterwards, and what is up to date asks nobody."""
    here: list[str] = []

    def work(context: StepContext) -> Summary:
        (context.out / "a.txt").write_text("a")
        return {}

    step = Step("01_first", "", 1, "data/01", work, outside=lambda _config: list(here), fetch=lambda _config: here.append("weights"))
    assert run_step(step, config, {}, dry_run=True).status == "would run"
    assert here == []
    run_step(step, config, {})
    assert run_step(step, config, {}).status == "up to date"
    assert here == ["weights"]
    here.clear()
    assert run_step(step, config, {}, dry_run=True).reason == "its sources changed"


def test_a_kill_after_fetching_loses_no_work(config: Config) -> None:
    here: set[str] = set()
    seen: list[str] = []

    def work(context: StepContext) -> Summary:
        seen.append(" ".join(path.name for path in context.out.iterdir()))
        (context.out / "half.txt").write_text("x")
        raise KeyboardInterrupt

    step = Step("01_first", "", 1, "data/01", work, outside=lambda _config: sorted(here), fetch=lambda _config: here.add("weights"), resumable=True)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run_step(step, config, {})
    assert seen == ["", "half.txt"]
