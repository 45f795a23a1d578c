"""docs/CONFIG.md is what the configuration says, and says something of every key; the drawing is what the steps say."""

from __future__ import annotations

import pytest

from gradus.config.explain import known_keys
from gradus.config.load import PROJECT
from gradus.config.manual import comment, entries, render
from gradus.errors import GradusError
from gradus.picture import BEGIN, END, arrows, diagram, placed
from gradus.pipeline import STEPS

READERS = {name: step.config_keys for name, step in STEPS.items()}


def test_the_page_is_up_to_date() -> None:
    page = (PROJECT / "docs" / "CONFIG.md").read_text(encoding="utf-8")
    assert page == render(entries(READERS)), "run: make manual"


def test_the_drawing_is_up_to_date() -> None:
    page = (PROJECT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert page == placed(page, diagram(STEPS)), "run: make manual"


def test_the_drawing_shows_every_step_and_no_arrow_that_others_imply() -> None:
    drawn = arrows(STEPS)
    assert {reader for _, reader in drawn} == STEPS.keys() - {"01_collect"}
    assert ("06_train_mlx", "10_fuse") in drawn
    assert ("05_prepare", "10_fuse") not in drawn, "06_train_mlx reads it already"
    assert all(f"<b>{name}</b>" in diagram(STEPS) and step.title in diagram(STEPS) for name, step in STEPS.items())


def test_the_drawing_is_placed_between_its_marks() -> None:
    assert placed(f"a\n{BEGIN}old\n{END}b\n", "new\n") == f"a\n{BEGIN}new\n{END}b\n"
    with pytest.raises(GradusError, match="marks of the drawing are gone"):
        placed("a\nb\n", "new\n")


def test_every_key_that_is_no_section_has_one_entry() -> None:
    found = [entry.key for entry in entries(READERS)]
    sections = {key.rpartition(".")[0] for key in known_keys()}
    assert sorted(found) == sorted(key for key in known_keys() if key not in sections)


def test_types_ranges_and_readers() -> None:
    found = {entry.key: entry for entry in entries(READERS)}
    assert found["train.lora.rank"].type == "integer, ≥ 1" and found["train.lora.rank"].read_by == ("06",)
    assert found["train.method"].type == "`lora` or `dora` or `full`"
    assert found["collect.folders"].type == "list of text" and found["collect.folders"].default == "[]"
    assert found["monitor.port"].read_by == ()


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["a: 1  # one", "       # two", "b: 2"], "one two"),
        (['a: "#1"  # one'], "one"),
        (["a: x#y"], ""),
        (["  a: 1  # one", "  # of the next", "  b: 2"], "one"),
    ],
)
def test_comment_of_a_key(lines: list[str], text: str) -> None:
    assert comment(lines, 1) == text
