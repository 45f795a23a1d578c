"""Variants by a teacher: true ones are kept, others dropped with their reason, and nothing is paid for twice."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradus.augment import STEP
from gradus.augment.work import augment, plan
from gradus.config import load_config
from gradus.errors import GradusError, UserError
from gradus.files import read_examples, write_jsonl
from gradus.prepare.split import split_examples
from gradus.records import Document, Example, Message
from gradus.step import StepContext

from ..teacher_server import Messages, Status, TeacherServer
from .conftest import Make

SOURCE = (
    "sort_rows(table, key=0) sorts the rows of a table by the column key. It returns a new table of 3 columns and leaves the old one "
    "as it was. Rows with equal keys keep their order. The function needs memory for one more copy of the table. Anna Weiss wrote it. "
    "It has been there since version 1.4, where it took the place of a slower one, and it is tested on tables of a million rows."
)
ANSWER = (
    "The function `sort_rows(table, key=0)` sorts the rows of a table by the column `key`. It returns a new table of 3 columns. "
    "The old table stays as it was, and rows with equal keys keep their order. It needs memory for one more copy of the table."
)
QUESTION = "How do I sort the rows of a table by column 2 with `sort_rows`?"
SHORT = "`sort_rows(table, key=0)` returns a new table with the rows sorted by the column `key`."


class Teacher:
    """A script for the server: `paraphrases`, and `rewritten` answers by length, are what the model says."""

    def __init__(self) -> None:
        self.paraphrases = ["What is the way to sort table rows by column 2 using `sort_rows`?"]
        self.rewritten = {"short": SHORT}
        self.translations: dict[str, str] = {}
        self.raw: str | Status = ""

    def __call__(self, messages: Messages) -> str | Status:
        prompt = messages[0]["content"]
        question = re.findall(r"<question>\n(.*?)\n</question>", prompt, re.DOTALL)[0]
        if self.raw and "other wordings" in prompt:
            return self.raw
        if "other wordings" in prompt:
            return json.dumps({"questions": self.paraphrases})
        if "Translate" in prompt:
            return json.dumps({"question": self.translations[question]})
        length = next(name for name, sign in (("short", "is short"), ("long", "twice"), ("medium", "about as long")) if sign in prompt)
        return json.dumps({"question": f"{question[:-1]}, {length}?", "answer": self.rewritten[length]})


Run = Callable[..., tuple[list[Example], dict[str, Any]]]


@contextmanager
def context_of(folder: Path, originals: list[Example], settings: list[str]) -> Iterator[StepContext]:
    out = folder / "out"
    out.mkdir(parents=True, exist_ok=True)
    write_jsonl(folder / "kept.jsonl", originals)
    document = Document("document", "sort_rows", SOURCE, "text", "s", "g", "0" * 64, 1, "r", "now")
    write_jsonl(folder / "documents.jsonl", [document])
    inputs = {"03_curate/kept.jsonl": folder / "kept.jsonl", "01_collect/documents.jsonl": folder / "documents.jsonl"}
    yield StepContext(load_config(settings=settings), out, out, folder, inputs)


@pytest.fixture
def teacher(teacher_server: TeacherServer) -> Teacher:
    script = Teacher()
    teacher_server.script = script
    return script


@pytest.fixture
def run(teacher_server: TeacherServer, make: Make, tmp_path: Path) -> Run:
    """Runs the step on one original with templates off; returns the variants and augmentation.json."""

    def run_step(*settings: str, originals: list[Example] | None = None) -> tuple[list[Example], dict[str, Any]]:
        given = originals or [replace(make(QUESTION, ANSWER), span=(0, 60))]
        changed = ["augment.use_teacher=true", "augment.question_variants=0", "augment.length_variants=[]", "extract.teacher.retries=0"]
        with context_of(tmp_path, given, [*teacher_server.settings, *changed, *settings]) as context:
            augment(context)
        found = json.loads((tmp_path / "out" / "augmentation.json").read_text(encoding="utf-8"))
        return [e for e in read_examples(tmp_path / "out" / "examples.jsonl") if e.id != e.origin_id], found

    return run_step


def dropped(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / "out" / "dropped.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_true_paraphrase_is_kept_with_its_provenance(teacher: Teacher, teacher_server: TeacherServer, run: Run) -> None:
    (variant,), found = run("augment.goal_factor=2.5")
    assert variant.question == teacher.paraphrases[0]
    assert (variant.answer, variant.document_id, variant.span) == (ANSWER, "document", (0, 60))
    assert variant.meta == {"page": 4, "variant": "paraphrase", "teacher": f"scripted at {teacher_server.base_url}"}
    assert (found["factor"], found["goal"], found["variants_by_method"]) == (2.0, 2.5, {"paraphrase": 1})
    assert found["teacher"]["requests"] == 1
    assert found["teacher"]["cost"] is None


@pytest.mark.parametrize(
    ("wording", "reason"),
    [
        ("What is the way to sort table rows by column 3 using `sort_rows`?", "number changed"),
        ("What is the way to sort table rows by the second column using `sort_rows`?", "number changed"),
        ("What is the way to sort table rows by column 2 using `order_rows`?", "code changed"),
        ("What is the way to sort table rows by column 2 using sort_rows?", "code changed"),
        ("What is the way to sort table rows by column 2 using `sort_rows` in NumPy?", "name changed"),
        ("How do I not sort table rows by column 2 using `sort_rows`?", "negation changed"),
        ("How do I sort the rows of a table by column 2 with `sort_rows` ?", "too like another question"),
        ("2 `sort_rows` advantages, please list them and tell me everything whatsoever about why people love them", "too unlike its original"),
        ("Comment est-ce que je trie les rows de la table selon la column 2 avec `sort_rows` ?", "another language"),
        ("  ", "empty"),
    ],
)
def test_an_untrue_paraphrase_is_dropped(wording: str, reason: str, teacher: Teacher, run: Run, tmp_path: Path) -> None:
    teacher.paraphrases = [wording]
    variants, found = run()
    assert variants == []
    assert found["dropped"] == {"paraphrase": {reason: 1}}
    (row,) = dropped(tmp_path)
    assert (row["question"], row["reason"], row["answer"]) == (wording.strip(), reason, "")


def test_of_two_like_paraphrases_one_stays(teacher: Teacher, run: Run) -> None:
    teacher.paraphrases = [
        teacher.paraphrases[0],
        "What is the way then to sort table rows by column 2 using `sort_rows`?",
        "With `sort_rows`, how are table rows put in order of column 2?",
    ]
    variants, found = run()
    assert [variant.question for variant in variants] == [teacher.paraphrases[0], teacher.paraphrases[2]]
    assert found["dropped"] == {"paraphrase": {"too like another question": 1}}


def test_garbage_is_recorded(teacher: Teacher, make: Make, run: Run, teacher_server: TeacherServer) -> None:
    teacher.raw = "I would rather talk about the weather."
    variants, found = run("augment.length_variants=[short]")
    assert [variant.meta["variant"] for variant in variants] == ["short answer"]
    ((reason, count),) = found["failed"].items()
    assert (reason[:36], count) == ("no usable JSON at the second try (it", 1)


def test_answers_of_other_lengths(teacher: Teacher, run: Run) -> None:
    teacher.rewritten = {
        "short": SHORT,
        "medium": ANSWER.replace("The old table stays as it was, and", "It leaves the old table as it was;"),
        "long": ANSWER + " " + SOURCE,
    }
    variants, found = run("augment.paraphrases=0", "augment.length_variants=[short, medium, long]", "augment.length_ratios.long=[1.3, 3]",
                          "augment.maximum_similarity=0.97")  # fmt: skip
    assert [variant.meta["variant"] for variant in variants] == ["short answer", "medium answer", "long answer"], found["dropped"]
    assert [variant.answer for variant in variants] == list(teacher.rewritten.values())
    assert len({variant.question for variant in variants}) == 3
    assert found["factor"] == 4.0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("`sort_rows(table, key=0)` returns a new table of 4 columns.", "number invented"),
        ("`sort_table(table, key=0)` returns a new table.", "code invented"),
        ("The function by Berta Weiss returns a new table.", "name invented"),
        ("It does not return a new table.", "negation invented"),
        ("Elephants happily gallop through moonlit savannahs, the table of rows.", "says what its source does not"),
        (ANSWER, "length out of its band"),
        ("", "empty"),
    ],
)
def test_an_answer_that_says_more_than_its_source(answer: str, reason: str, teacher: Teacher, run: Run, tmp_path: Path) -> None:
    teacher.rewritten["short"] = answer
    variants, found = run("augment.paraphrases=0", "augment.length_variants=[short]")
    assert variants == []
    assert found["dropped"] == {"short answer": {reason: 1}}
    assert dropped(tmp_path)[0]["answer"] == answer


def test_a_long_answer_may_use_the_document_and_a_short_one_not(teacher: Teacher, run: Run) -> None:
    teacher.rewritten["short"] = "The function `sort_rows(table, key=0)` by Anna Weiss sorts the rows of a table."
    _, found = run("augment.paraphrases=0", "augment.length_variants=[short]")
    assert found["dropped"] == {"short answer": {"name invented": 1}}
    teacher.rewritten["long"] = f"{ANSWER} The author of this function, who wrote it, is Anna Weiss. {SOURCE}"
    variants, found = run("augment.paraphrases=0", "augment.length_variants=[long]")
    assert [variant.meta["variant"] for variant in variants] == ["long answer"], found["dropped"]


def test_what_cannot_come_out_well_is_not_asked(make: Make, run: Run, teacher: Teacher, teacher_server: TeacherServer) -> None:
    _, found = run("augment.length_variants=[short]", originals=[make(QUESTION, "It sorts.")])
    assert found["not_asked"] == {"short answer: the answer is short already": 1}
    _, found = run("augment.length_variants=[long]", originals=[make(QUESTION, SOURCE)])
    assert found["not_asked"] == {"long answer: the source holds no more than the answer": 1}
    assert len(teacher_server.requests) == 1  # the paraphrases, once
    turns = (Message("user", "What is a table?"), Message("assistant", "Rows and columns."))
    _, found = run(originals=[replace(make("And how is it sorted?"), context=turns), make(QUESTION)])
    assert found["not_asked"] == {"a turn of a longer conversation": 1}


def test_back_translation_goes_there_and_back(teacher: Teacher, teacher_server: TeacherServer, run: Run) -> None:
    german = "Wie sortiere ich die Zeilen einer Tabelle nach Spalte 2 mit `sort_rows`?"
    teacher.translations = {QUESTION: german, german: "How can I order a table's rows by column 2 with `sort_rows`?"}
    (variant,), _ = run("augment.paraphrases=0", "augment.back_translation=[German]")
    assert (variant.question, variant.meta["variant"]) == (teacher.translations[german], "back-translation")
    there, back = (body["messages"][0]["content"] for body in teacher_server.requests)
    assert "into German" in there
    assert QUESTION not in back and german in back


def test_a_second_run_asks_nothing(teacher: Teacher, teacher_server: TeacherServer, run: Run) -> None:
    first, _ = run("augment.length_variants=[short]")
    asked = len(teacher_server.requests)
    again, found = run("augment.length_variants=[short]")
    assert again == first
    assert len(teacher_server.requests) == asked == 2
    assert found["teacher"]["cached"] == 2


def test_a_dry_run_shows_what_it_takes(teacher: Teacher, teacher_server: TeacherServer, make: Make, tmp_path: Path, run: Run) -> None:
    settings = [*teacher_server.settings, "augment.use_teacher=true", "augment.back_translation=[German]", "augment.length_variants=[short]"]
    with context_of(tmp_path, [make(QUESTION, ANSWER)], settings) as context:
        found = plan(context)
    assert found["requests to the teacher"] == 4
    assert found["completion tokens"] == "4,096 at most"
    assert teacher_server.requests == []
    with context_of(tmp_path, [make(QUESTION, ANSWER)], ["augment.use_teacher=false"]) as context:
        assert plan(context) == {}
    assert STEP.plan is not None


def test_no_teacher_where_one_is_asked_for(make: Make, tmp_path: Path) -> None:
    with context_of(tmp_path, [make(QUESTION)], ["augment.use_teacher=true"]) as context:
        for action in (augment, plan):
            with pytest.raises(UserError, match=r"augment\.use_teacher: .* there is no teacher \(extract\.teacher\.kind is off\)"):
                action(context)


def test_not_one_request_succeeded(teacher: Teacher, run: Run) -> None:
    teacher.raw = Status(500)
    with pytest.raises(GradusError, match=r"not one of 1 requests to scripted at .* succeeded \(mostly: the server failed \(Error code: 500"):
        run()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("augment.back_translation=[german]", "is no valid name"),
        ("augment.back_translation=[German, German]", "names one twice"),
        ("augment.minimum_similarity=0.9", "must be below maximum_similarity"),
        ("augment.length_ratios.short=[0.7, 0.7]", "least ratio must be below"),
        ("augment={use_teacher: true, paraphrases: 0, length_variants: []}", "all off"),
    ],
)
def test_settings_that_cannot_work(setting: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        load_config(settings=[setting])


def test_held_out_parts_hold_originals_only(make: Make, run: Run) -> None:
    words = "apples boats clocks doors engines flags gates hats inks jars kites lamps maps nets ovens pans quilts ropes sails tents".split()
    originals = [replace(make(f"How do I paint {word} with `paint_{word}`?", f"Paint {word} blue."), group=word) for word in words]
    settings = load_config()
    variants, _ = run("augment.paraphrases=0", "augment.question_variants=2", "augment.use_teacher=false", originals=originals)
    assert len(variants) > 20
    splits = split_examples([*originals, *variants], settings.prepare.split, settings.curate.near_duplicates, 1)
    assert splits.valid and splits.test and splits.left_out
    assert all(example.id == example.origin_id for example in [*splits.valid, *splits.test])
    held_out = {example.id for example in [*splits.valid, *splits.test]}
    assert not held_out & {example.origin_id for example in splits.train}
