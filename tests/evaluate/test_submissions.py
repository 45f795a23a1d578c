"""Answers from elsewhere: read row by row, graded, compared with expected scores, told in plain words."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from gradus.config import Config, load_config
from gradus.config.load import PROJECT
from gradus.embedding import Encoder
from gradus.errors import UserError
from gradus.evaluate.content import settle
from gradus.evaluate.rubric import Rubric
from gradus.evaluate.submission_files import as_csv, as_markdown, write_results
from gradus.evaluate.submissions import BadRow, KeyPoint, Submission, listed, read_submissions
from gradus.evaluate.submitted import Marker, grade_file, submissions_plan, windows

from ..teacher_server import TeacherServer

HEAD = ["id", "question", "answer", "reference", "guide", "expected"]
GUIDE = "2: the element added last is removed first | push adds at the top"


def write(path: Path, *rows: list[str], head: list[str] = HEAD, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows([head, *rows])
    return path


@pytest.fixture
def words_alone(tmp_path: Path) -> Config:
    """No sentence encoder, so that the test says the same everywhere."""
    return load_config(settings=["evaluate.embedding.model=off", f"paths.workspace={tmp_path / 'space'}"])


def test_a_row_is_read_with_its_guide(tmp_path: Path) -> None:
    rows = [["a", "What is\na stack?", "LIFO", "", GUIDE, "2.5"], ["", "Why?", "", "Because.", "", ""]]
    read = read_submissions(write(tmp_path / "in.csv", *rows), 5)
    one, other = read.submissions
    assert one.guide == (KeyPoint("the element added last is removed first", 2), KeyPoint("push adds at the top", 1))
    assert (one.line, one.id, one.maximum, one.expected) == (2, "a", 3, 2.5)
    assert (other.line, other.id, other.answer, other.maximum, other.expected) == (4, "line 4", "", 5, None)
    assert read.bad_rows == ()


@pytest.mark.parametrize(("delimiter", "encoding"), [(";", "utf-8"), ("\t", "utf-8-sig")])
def test_other_separators_and_a_byte_order_mark(tmp_path: Path, delimiter: str, encoding: str) -> None:
    path = write(tmp_path / "in.csv", ["a", "Q?", "one, two", "one; two", "", ""], delimiter=delimiter, encoding=encoding)
    assert read_submissions(path, 5).submissions[0].answer == "one, two"


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (["b", " ", "x", "r", "", ""], "the question is empty"),
        (["b", "Q?", "x", " ?! ", "", ""], "reference and guide are both empty"),
        (["b", "Q?", "x", "r", "", "four"], "expected is no number: 'four'"),
        (["b", "Q?", "x", "r", "", "6"], "expected is 6, outside 0 to 5"),
        (["b", "Q?", "x", "r", "", "nan"], "outside 0 to 5"),
        (["b", "Q?", "x", "", "2: one thing | 0: another", ""], "key point '0: another'"),
        (["b", "Q?", "x", "", "2:", ""], "key point '2:'"),
        (["b", "Q?", "x", "", f"{'9' * 400}: more than a number can be", ""], "at most 1,000,000"),
        (["b", "Q?", "x", "r", ""], "it has 5 cells, the first line 6"),
        (["good", "Q?", "x", "r", "", ""], "the id good is taken"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_the_others_are_graded(tmp_path: Path, cells: list[str], problem: str) -> None:
    read = read_submissions(write(tmp_path / "in.csv", ["good", "Q?\nreally?", "x", "r", "", ""], cells, ["c", "Q?", "x", "r", "", ""]), 5)
    assert [one.id for one in read.submissions] == ["good", "c"]
    assert [row.line for row in read.bad_rows] == [4]
    assert problem in read.bad_rows[0].problem


@pytest.mark.parametrize(
    ("head", "rows", "what"),
    [
        (["question", "reference"], [["Q?", "r"]], "the first line lacks answer"),
        (["question", "answer"], [["Q?", "a"]], "neither reference nor guide"),
        (["question", "answer", "reference", "answer"], [], "names answer twice"),
        (HEAD, [], "no row can be graded"),
        (HEAD, [["a", "", "x", "r", "", ""]], "no row can be graded; line 2: the question is empty"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, head: list[str], rows: list[list[str]], what: str) -> None:
    with pytest.raises(UserError, match=what):
        read_submissions(write(tmp_path / "in.csv", *rows, head=head), 5)


def test_other_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="file not found"):
        read_submissions(tmp_path / "none.csv", 5)
    (tmp_path / "latin.csv").write_bytes("question,answer,reference\nWofür?,ä,ö\n".encode("latin-1"))
    with pytest.raises(UserError, match="not UTF-8"):
        read_submissions(tmp_path / "latin.csv", 5)
    (tmp_path / "open.csv").write_text(f'"question,answer,reference\n{"Q?,a,r" * 40_000}', encoding="utf-8")
    before = csv.field_size_limit(131_072)  # Python's own, whatever ran before
    try:
        with pytest.raises(UserError, match=r"open\.csv:1: not valid CSV"):
            read_submissions(tmp_path / "open.csv", 5)
    finally:
        csv.field_size_limit(before)


def test_the_screen_names_the_first_bad_rows_and_counts_the_others() -> None:
    assert listed([BadRow(line, "the question is empty") for line in range(2, 50)]).endswith("line 11: the question is empty; 38 more")
    assert listed([BadRow(2, "no"), BadRow(3, "neither")]) == "line 2: no; line 3: neither"


def test_columns_that_are_not_used_are_named(tmp_path: Path) -> None:
    head = ["Question", "answer", "reference", "colour", ""]
    assert read_submissions(write(tmp_path / "in.csv", ["Q?", "a", "r", "red", ""], head=head), 5).ignored_columns == ("colour", "one without a name")


def test_blank_lines_above_the_head_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("\n\nquestion;answer;reference\nQ?;a;r\n", encoding="utf-8")
    assert [one.line for one in read_submissions(path, 5).submissions] == [4]


def test_a_guide_is_marked_point_by_point(tmp_path: Path, words_alone: Config) -> None:
    full = "A stack is a list of plates. The element added last is removed first. As everybody knows, push adds at the top."
    half = "Push adds at the top, and I have forgotten whatever else there was to say about it."
    rows = [
        ["full", "What is a stack?", full, "", GUIDE, "3"],
        ["half", "What is a stack?", half, "", GUIDE, "1"],
        ["none", "What is a stack?", "", "", GUIDE, "0"],
    ]
    found = grade_file(words_alone, write(tmp_path / "in.csv", *rows))
    first, second, third = found.answers
    assert first.score == pytest.approx(3), "what it says beyond the guide costs nothing"
    assert [point.state for point in first.points] == ["there", "there"]
    assert [point.state for point in second.points] == ["missing", "there"]
    assert 0.9 <= second.score < 2
    assert second.feedback[0].startswith("Missing (0.")
    assert "the element added last is removed first" in second.feedback[0]
    assert (third.score, third.feedback) == (0, ("The answer is empty.",))
    assert found.agreement is not None
    assert found.agreement.answers == 3
    assert found.agreement.pearson is not None and found.agreement.pearson > 0.9


def test_feedback_against_a_reference(tmp_path: Path, words_alone: Config) -> None:
    reference = "At most **10** comparisons:\n\n- each halves the range\n- 1024 entries need 10\n\n```python\nbisect(a, x)\n```\n"
    wrong = "It takes 500 looks.\n\n```python\nfor x in a:"
    rows = [["right", "How many for 1000?", reference, reference, "", "5"], ["wrong", "How many for 1000?", wrong, reference, "", "0"]]
    right, off = grade_file(words_alone, write(tmp_path / "in.csv", *rows)).answers
    assert (right.score, right.feedback) == (5, ("It says what the reference says.",))
    told = " ".join(off.feedback)
    assert off.score < 2
    assert "Missing numbers: 10, 1024." in told
    assert "Numbers that neither question nor reference has: 500." in told
    assert "a code block is not closed" in told
    assert "Words of the reference that it lacks:" in told
    assert "comparisons" in told


def test_only_the_first_of_many_numbers_are_told(tmp_path: Path, words_alone: Config) -> None:
    answer = f"{' '.join(map(str, range(30, 2030)))} -1e999"
    found = grade_file(words_alone, write(tmp_path / "in.csv", ["a", "How many?", answer, "It takes 10 comparisons.", "", ""]))
    assert "Numbers that neither question nor reference has: -1E+999, 30, 31, 32, 33, 34, 35, 36, 37, 38 and 1991 more." in found.answers[0].feedback


def test_repetition_is_told(tmp_path: Path, words_alone: Config) -> None:
    answer = "the element is removed first " * 20
    found = grade_file(words_alone, write(tmp_path / "in.csv", ["a", "What is a stack?", answer, "The element added last is removed first.", "", ""]))
    assert "It repeats itself." in found.answers[0].feedback
    assert found.agreement is None, "there is no expected score"


def test_windows_are_the_text_its_sentences_and_neighbours() -> None:
    assert windows("One. Two!\nThree") == ["One. Two!\nThree", "One.", "Two!", "Three", "One. Two!", "Two! Three"]
    assert windows("Alone.") == ["Alone."]


def test_the_three_files(tmp_path: Path, words_alone: Config) -> None:
    rows = [["=cmd()", "Q | <b>?", "x", "A [link](http://x) reference", "", "2"], ["bad", "", "", "", "", ""]]
    found = grade_file(words_alone, write(tmp_path / "in.csv", *rows, head=[*HEAD]))
    write_results(found, tmp_path)
    kept = json.loads((tmp_path / "submissions.json").read_text(encoding="utf-8"))
    assert kept["bad_rows"] == [{"line": 3, "problem": "the question is empty"}]
    assert kept["answers"][0]["expected"] == 2
    assert kept["judge"] is None
    assert next(iter(csv.DictReader(as_csv(found.answers).splitlines())))["id"] == "'=cmd()", "a spreadsheet must not run it"
    assert "- line 3: the question is empty" in as_markdown(found)


def test_markdown_from_elsewhere_is_text(tmp_path: Path, words_alone: Config) -> None:
    row = ["<script>|`x`", "Q?", "x", "", "1: see [here](http://x) <img src=x> | *2*", ""]
    page = as_markdown(grade_file(words_alone, write(tmp_path / "in.csv", row)))
    table = page.splitlines()[-1]
    assert "<" not in table
    assert "\\[here\\]" in table
    assert table.replace("\\|", "").count("|") == 5


def test_the_judge_gives_its_score_beside(tmp_path: Path, teacher_server: TeacherServer) -> None:
    def script(messages: list[dict[str, str]]) -> str:
        assert "- 2 points: the element added last is removed first" in messages[1]["content"]
        return json.dumps({"reason": "fine", "score": 4}) if "<answer>\ngood" in messages[1]["content"] else "no idea"

    teacher_server.script = script
    settings = ["evaluate.judge.kind=openai", "evaluate.judge.model=m", f"evaluate.judge.base_url={teacher_server.base_url}"]
    config = load_config(settings=[*settings, "evaluate.embedding.model=off", f"paths.workspace={tmp_path / 'space'}"])
    path = write(tmp_path / "in.csv", ["a", "Q?", "good", "", GUIDE, "3"], ["b", "Q?", "bad", "", GUIDE, "0"])
    told: dict[str, Any] = submissions_plan(config, path)
    assert (told["rows to grade"], told["requests to the judge"]) == (2, "2")
    found = grade_file(config, path)
    assert [one.judge for one in found.answers] == [4, None]
    assert found.judge_agreement is not None
    assert (found.judge_agreement.answers, found.judge_agreement.mae) == (1, 1)
    assert sum(found.judge_unusable.values()) == 1
    assert "judge" in as_markdown(found)


def test_the_sample_that_ships_is_graded_in_the_right_order(words_alone: Config) -> None:
    found = grade_file(words_alone, PROJECT / "config" / "submissions.csv")
    assert found.bad_rows == ()
    score = {one.id: one.score / one.maximum for one in found.answers}
    assert score["stack-1"] > score["stack-2"]
    assert score["binary-1"] > score["binary-2"]
    assert score["hash-1"] == 0


def test_what_the_encoder_read_is_let_go_row_by_row(rubric: Rubric, encoder: Encoder, words_alone: Config) -> None:
    """Kept, the sentences of ten thousand answers would fill several gigabytes."""
    settled, understanding = settle(rubric, encoder)
    assert understanding is not None
    marker = Marker(settled, understanding, words_alone.evaluate.submissions)
    guide = (KeyPoint("the element added last is removed first", 2),)
    rows = [Submission(2, str(i), "What is a stack?", "The last one in is taken out first. It grows.", "", guide, 2, None) for i in range(2)]
    assert marker.grade(rows[0]).score == marker.grade(rows[1]).score > 0.5
    assert understanding._meant == {}
