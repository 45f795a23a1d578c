"""The rubric is read strictly, and every mistake is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradus.config.load import PROJECT
from gradus.errors import UserError
from gradus.evaluate.rubric import MEANING, OVERLAPS, Rubric, load_rubric, rubric_path

SHIPPED = rubric_path("config/rubric.yaml")


@pytest.mark.parametrize(
    ("percent", "letter"),
    [(100, "A+"), (95, "A+"), (94.96, "A+"), (94.94, "A"), (75.5, "B"), (75, "B"), (74.9, "B-"), (55, "C-"), (45, "D"), (44.9, "F"), (0, "F")],
)
def test_letters(rubric: Rubric, percent: float, letter: str) -> None:
    assert rubric.letter(percent) == letter


def test_the_shipped_rubric_keeps_its_promises(rubric: Rubric) -> None:
    assert rubric.formatting.criteria.bold.target == 0.60
    assert rubric.formatting.target == 0.70
    best_looks_without_content = 100 * rubric.weights.formatting
    assert rubric.letter(best_looks_without_content) == "F"
    for limit in (rubric.controls.shuffled_below, rubric.controls.repetition_below, rubric.controls.echo_below, rubric.controls.empty_below):
        assert rubric.letter(limit - 0.1) in ("D", "F")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("A-: 85", "A-: 92", ("letter A- must be below A", "rubric.yaml:5")),
        ("F: 0}", "F: 1}", ("last letter must begin at 0", "rubric.yaml:5")),
        ("lists: ", "list: ", ("unknown key 'formatting.criteria.list'", "Did you mean 'formatting.criteria.lists'")),
        ("  target: 0.70\n", "", ("'formatting.target' is missing", "rubric.yaml")),
        ("formatting: 0.3", "formatting: 0.5", ("must add up to 1", "rubric.yaml:")),
        ("enough: 0.5", "enough: half", ("formatting.enough", "rubric.yaml:")),
        ("formatting: 0.3", "formatting: .nan", ("weights.formatting", "rubric.yaml:")),
        ("{A+: 95", "{1: 95", ("scale", "rubric.yaml:")),
        ("{A+: 95", '{"": 95', ("scale", "rubric.yaml:5")),
        ("repetition_times: 8", "repetition_times: 99999999999", ("repetition_times", "rubric.yaml:")),
        ("unrelated: 0.4", "unrelated: 0.9", ("unrelated must be below same", "rubric.yaml:")),
        ("by_words: 0, ", "by_words: 1, ", ("by_words must be 0", "rubric.yaml:")),
        ("shortest: 0.5", "shortest: 1.5", ("must hold 1", "rubric.yaml:")),
        ("reference_at_least: 95", "reference_at_least: 40", ("reference_at_least", "rubric.yaml:")),
        ("called_for_by_kind: {}", "called_for_by_kind: {example: [bald]}", ("called_for_by_kind", "rubric.yaml:")),
        ("weights: {", "weights: {{", ("broken YAML", "rubric.yaml:")),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, words: tuple[str, ...]) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "rubric.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        load_rubric(path)
    for word in words:
        assert word in str(caught.value)


def test_weights_that_could_divide_by_zero_are_refused(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    path = tmp_path / "rubric.yaml"
    for name in ("length:   ", "finished: "):
        text = text.replace(f"{name}{{weight: 2", f"{name}{{weight: 0")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="length and finished"):
        load_rubric(path)


def test_a_missing_rubric_is_named() -> None:
    with pytest.raises(UserError, match=r"nowhere\.md: rubric not found. Check evaluate\.rubric and evaluate\.judge\.rubric"):
        rubric_path("config/nowhere.md")


def test_the_page_about_grading_names_the_weights_that_ship(rubric: Rubric) -> None:
    page = (PROJECT / "docs" / "GRADING.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    told = {name.lower().replace(" ", "_").replace("-", "_"): cells for name, *cells in rows if len(cells) == 3}
    for name in (*MEANING, *OVERLAPS):
        measure = getattr(rubric.content.measures, name)
        assert told[name][1:] == [f"{measure.weight:.2f}", f"{measure.by_words:.2f}" if measure.by_words else ""]
