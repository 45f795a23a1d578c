"""The page and its Markdown twin: what must be said is said, what is missing is absent, foreign text stays text."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from gradus.errors import GradusError, UserError
from gradus.judgement import Judged, JudgeScore, Pairs, PairVerdict
from gradus.report import STEP
from gradus.report.numbers import ABSENT
from gradus.report.render import code_cell, code_span, fenced
from gradus.report.work import write_report
from gradus.results import Control, Interval, Part

if TYPE_CHECKING:
    from tests.report.conftest import Case

HOSTILE = "</pre></details></script><script>alert(1)</script><img src=x onerror=alert(1)>\n"
HOSTILE += "[click](javascript:alert(1)) `` ` | **b** <a href='javascript:alert(1)'>x</a>"


class Parsed(HTMLParser):
    """Every start tag with its attributes, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]


def visible(page: str) -> str:
    """The page's text without style and script, white space folded."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(Parsed(body.replace("<", " <")).text.replace("\u202f", " ").split())


def test_a_difference_that_chance_can_make_is_called_so(case: Case) -> None:
    comparison = replace(case.evaluation.comparison, difference=1.0, interval=Interval(-2.0, 4.0), p_value=0.4)
    case.evaluation = replace(case.evaluation, comparison=comparison, grade=replace(case.evaluation.grade, separable=False))
    assert "Not separable from the base" in visible(case.page())
    assert "**Not separable from the base.**" in case.markdown()


@pytest.mark.parametrize(
    ("letter", "shown"),
    [("A", "<p class=\"letter-big\">A</p>"), ("A-", "<p class=\"letter-big\">A<sup>−</sup></p>"), ("10", "<p class=\"letter-big\">10</p>"),
     ("passed", "<p class=\"letter-big word\">passed</p>")],
)  # fmt: skip
def test_letters_of_ones_own_scale_are_shown_whole(case: Case, letter: str, shown: str) -> None:
    case.evaluation = replace(case.evaluation, grade=replace(case.evaluation.grade, letter=letter, letters=(letter, letter)))
    assert shown in case.page()


@pytest.mark.parametrize(("kind", "said"), [("builtin", True), ("hub", False), ("folder", False)])
def test_the_built_in_base_is_said_loudly_and_only_then(case: Case, kind: str, said: bool) -> None:
    case.base = replace(case.base, kind=kind, parameters=1_050_000, reason="the hub could not be reached")
    page, text = visible(case.page()), case.markdown()
    assert ("A demonstration model of 1.05 million parameters, not something to ship." in page) is said
    assert ("A demonstration model, not something to ship." in text) is said
    if said:
        assert page.index("A demonstration model") < page.index("Grade of the tuned model")
        assert "the hub could not be reached" in page


def test_what_was_not_measured_is_absent_and_never_zero(case: Case) -> None:
    page = visible(case.page())
    assert "Peak memory" not in page
    assert " Time " not in page
    case.set("06_train_mlx/run_metadata.json", peak_memory_gb=1.5, seconds=75)
    page = visible(case.page())
    assert "Peak memory 1.50 GB" in page
    assert "Time 1 min 15 s" in page


def test_a_criterion_that_counted_for_no_answer_is_left_out(case: Case) -> None:
    criteria = visible(case.page()).split("Formatting against targets")[1].split("Controls")[0]
    assert "Bold key terms set in bold, but not everything 3 0.20 0.80 0.70 to 0.90 0.60 reached" in criteria
    assert "Tables" not in criteria


def test_without_git_machine_or_validation_the_report_is_written_all_the_same(case: Case) -> None:
    case.set("06_train_mlx/run_metadata.json", git=None, machine={}, packages={}, first_valid_loss=None)
    case.set("06_train_mlx/loss_curve.json", train=[], valid=[], best=None)
    page = visible(case.page())
    assert "Validation loss fell" not in page
    assert "commit" not in page.split("Provenance")[-1].split("Configuration")[0]


def test_a_run_without_examples_has_no_empty_section(case: Case) -> None:
    case.answers = []
    page = Parsed(case.page())
    assert "Answers side by side" not in page.text
    assert {"href": "#examples"} not in page.of("a")


def test_the_same_input_gives_the_same_bytes(case: Case) -> None:
    first, text = case.page(), case.markdown()
    assert (case.page(), case.markdown()) == (first, text)


def test_the_page_needs_no_network_and_trusts_only_its_own_style_and_script(case: Case) -> None:
    page = case.page()
    parsed = Parsed(page)
    links = [
        value for attributes in parsed.of("a", "link", "img", "script", "iframe") for name, value in attributes.items() if name in ("href", "src")
    ]
    assert links.count("../index.html") == 1
    assert all(value is not None and value.startswith(("#", "data:,")) for value in links if value != "../index.html")
    assert "url(" not in page
    assert "@import" not in page
    (policy,) = [meta["content"] for meta in parsed.of("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not any(name.startswith("on") or name == "style" for _, attributes in parsed.tags for name in attributes)


def test_links_controls_and_tables_are_usable_without_eyes_or_mouse(case: Case) -> None:
    page = case.page()
    parsed = Parsed(page)
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    inside = [str(a["href"]) for a in parsed.of("a") if a["href"] != "../index.html"]
    targets = {link[1:] for link in inside} | {str(s["aria-labelledby"]) for s in parsed.of("section")}
    assert targets <= set(ids)
    captions, scrolled = parsed.of("table"), [a for a in parsed.of("div") if a.get("class") == "scroll"]
    assert [a["aria-labelledby"] for a in captions] == [a["aria-labelledby"] for a in scrolled]
    assert len(captions) >= 8
    assert {a["aria-labelledby"] for a in captions} <= {a["id"] for a in parsed.of("p") if a.get("class") == "caption"}
    assert all((a["tabindex"], a["role"]) == ("0", "region") for a in scrolled)
    assert all(th.get("scope") for th in parsed.of("th"))
    assert all(svg.get("aria-hidden") == "true" or svg.get("aria-label") for svg in parsed.of("svg"))
    assert len(parsed.of("input", "select")) == len(parsed.of("label"))
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def hostile(case: Case) -> None:
    """Put hostile text wherever a model, a document or a file name can bring it in."""
    case.titles = {"doc-one": HOSTILE}
    case.add("hostile", 0.0, 99.0, HOSTILE)
    row = replace(case.answers[-1], question=HOSTILE, reference=HOSTILE, kind=HOSTILE, group=HOSTILE)
    case.answers[-1] = row
    case.base = replace(case.base, name=HOSTILE, reason=HOSTILE, revision=HOSTILE, licence=HOSTILE)
    case.evaluation = replace(
        case.evaluation,
        notes=(HOSTILE,),
        kinds=(replace(case.evaluation.kinds[0], name=HOSTILE),),
        controls=(replace(case.evaluation.controls[0], name=HOSTILE, description=HOSTILE, expected=HOSTILE),),
    )
    case.set("06_train_mlx/run_metadata.json", packages={HOSTILE: HOSTILE}, stopped=HOSTILE, config={"model": {"base": HOSTILE}})
    case.set("03_curate/curation.json", removed_by_reason={HOSTILE: 3}, lowered_by={HOSTILE: 1}, repairs={HOSTILE: 1})
    case.set("01_collect/manifest.json", by_source={HOSTILE: {"documents": 1, "bytes": 1}}, by_status={HOSTILE: 1})


def test_foreign_text_adds_no_element_to_the_page(case: Case) -> None:
    case.add("harmless", 0.0, 99.0)
    harmless = Parsed(case.page())
    case.answers.pop()
    hostile(case)
    page = Parsed(case.page())
    assert HOSTILE.replace("\n", " ") in page.text.replace("\n", " ")
    for tag in ("script", "img", "a", "style", "iframe", "details", "form"):
        assert len(page.of(tag)) == len(harmless.of(tag)), tag


def test_foreign_text_is_no_markup_in_the_markdown(case: Case) -> None:
    hostile(case)
    text = case.markdown()
    rendered = Parsed(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))
    assert rendered.of("script", "img") == [{"src": "loss_curve.png", "alt": "Training and validation loss over iterations"}]
    assert rendered.of("a") == []
    assert len(rendered.of("details")) == text.count("\n<details>") == 8


@pytest.mark.parametrize("text", ["", "plain", "```py\nx\n```", "`````", "ends with `", "` starts", "a | b"])
def test_fences_and_spans_hold_any_text(text: str) -> None:
    (token,) = MarkdownIt("commonmark").parse(fenced(text))
    assert (token.type, token.content) == ("fence", text + "\n")
    if text:
        for markdown in (f"|a|\n|-|\n|{code_cell(text)}|\n", f"- {code_span(text)}\n"):
            parsed = Parsed(MarkdownIt("commonmark").enable("table").render(markdown))
            assert len(parsed.of("code")) == len(parsed.of("td", "li")) == 1
            assert " ".join(text.split()) in parsed.text


@pytest.mark.parametrize("name", STEP.reads)
def test_every_declared_input_is_needed_and_named_when_it_is_missing(case: Case, name: str) -> None:
    context = case.context()
    (case.root / name).unlink()
    with pytest.raises((UserError, FileNotFoundError), match=re.escape(name.split("/")[1])):
        write_report(context)


def test_a_field_of_another_type_is_named_with_its_file_and_step(case: Case) -> None:
    case.set("03_curate/curation.json", kept="many")
    with pytest.raises(GradusError, match=r"curation\.json: cannot be read at 'kept'.*03_curate\.py --force"):
        case.page()


def test_the_tables_tell_training_data_and_answers_apart(case: Case) -> None:
    learned = visible(case.page()).split("From data to grade")[1].split("Provenance")[0]
    assert "Bold 70 % 100 % 0 % 100 %" in learned, "references and tuned answers have bold, the base's have none"
    assert "Headings" not in learned


def test_plain_answers_leave_no_table_without_rows(case: Case) -> None:
    case.answers = [replace(row, reference="Plain.", tuned=replace(row.tuned, text="Plain too.")) for row in case.answers]
    case.set("05_prepare/statistics.json", structure=dict.fromkeys(case.files["05_prepare/statistics.json"]["structure"], 0.0))
    assert "None was there" in visible(case.page()).split("From data to grade")[1]
    assert "Share of answers with" not in case.markdown()


def test_the_way_of_the_data_is_told_with_the_reasons(case: Case) -> None:
    data = visible(case.page()).split("From documents to training")[1]
    assert "Documents left out: same content 4, too short 2 60" in data
    assert "20 of 100 examples." in data
    assert "Low quality score 15" in data
    assert "Nearly the same as another 5" in data
    assert "Examples with personal data or keys, masked: 2; finds: email 2." in data
    assert ABSENT not in data.split("Paraphrase")[0]


def test_the_page_tells_what_the_earlier_steps_checked_and_made(case: Case) -> None:
    page = visible(case.page())
    assert "seen in training: 0 of 200 held-out ones" in page
    assert "enough to tell: en 90, de 4; expected: en." in page
    assert "Examples that overlap with exam.jsonl: 0, removed." in page
    assert "Groups of examples that say the same: 4, the largest of 4; one of each was kept." in page
    assert "Question template dropped: too like another question 5 60" in page
    assert f"Paraphrase off: needs a teacher model {ABSENT}" in page, "what was off has no number, not 0"
    assert "docs/guide.md 20 1 0" in page
    assert "broken 1" in page
    assert "MIT 4" in page
    assert "Language 2.0 0.900 0.400" in page


def test_a_teacher_is_named_with_what_was_rejected(case: Case) -> None:
    counts = {"chunks": 12, "pairs": 40, "examples": 30, "rejected": 8, "dropped": {"no quote": 2}, "bad_chunks": [], "mean_grounding": 0.81}
    case.set("02_extract/extraction.json", teacher={"teacher": "big-model", **counts})
    page = visible(case.page())
    kept = "30 of 40 became examples, 8 were rejected because their chunk does not support them, 2 dropped; their mean grounding is 0.81"
    assert f"The teacher big-model wrote answers to 12 chunks of documents: {kept}." in page
    case.set("02_extract/extraction.json", teacher=None)
    assert "The teacher" not in visible(case.page())


def test_questions_are_told_apart_by_length_and_by_document(case: Case) -> None:
    case.titles = {"doc-one": "The first document"}
    compared = visible(case.page()).split("Base against tuned", 2)[2].split("Training")[0]
    assert compared.index("short 3") < compared.index("long 1"), "in the order of length"
    assert "The first document 3 20.0 80.0 +60.0 +50.0 to +70.0" in compared
    assert "doc-two 1 60.0 57.0 −3.0" in compared
    assert "Questions that the base answered better: 1" in compared
    assert "Judge" not in compared


def test_a_judge_is_shown_beside_the_grade_when_there_was_one(case: Case) -> None:
    pairs = Pairs(3, 1, 0, 0.875, Interval(0.6, 1.0), 0.9, 0.5, 0, 0)
    scores = {"tuned": JudgeScore(4.1, Interval(3.8, 4.4), 4)}
    judged = Judged("judge-model", "rubric.md", "e" * 64, pairs, scores, 8, 2, {"no JSON": 1}, 900, 90, None)
    case.evaluation = replace(case.evaluation, judge=judged)
    case.answers[0] = replace(case.answers[0], judge=PairVerdict("tuned", "tie", ("It <b>names</b> the sum.",)))
    page = visible(case.page())
    assert "Judge: tuned. “It <b>names</b> the sum.”" in page
    assert "judge-model saw question, reference and both answers, in both orders. It does not change the grade." in page
    assert "Win rate of the tuned model 88 % (60 % to 100 %)" in page
    assert "Mean of 0 to 5, tuned 4.10 (3.80 to 4.40)" in page
    assert "Replies of no use no JSON 1" in page
    assert "Cost" not in page, "a price that is not known is not shown"
    assert "judge-model" in case.markdown()


def test_a_penalty_is_called_a_factor_and_no_gain(case: Case) -> None:
    tuned, base = case.evaluation.tuned, case.evaluation.base
    case.evaluation = replace(case.evaluation, base=replace(base, content=replace(base.content, parts=(Part("echo", 0.0, None, 1.0, 4, True),))))
    echo = replace(tuned.content, parts=(Part("echo", 1.0, None, 1.0, 4, True),))
    case.evaluation = replace(case.evaluation, tuned=replace(tuned, content=echo))
    page = visible(case.page())
    assert "No echo 1 when the answer is not the question again; a factor on the others 4 0.00 1.00" in page
    assert "no echo" not in page.split("What changed")[2].split("Base against tuned")[0]


def test_the_twin_lists_source_documents_and_lost_questions(case: Case) -> None:
    case.titles = {"doc-one": "The first document"}
    text = case.markdown()
    assert "| `The first document` | 3 | 20.0 | 80.0 | +60.0 |" in text
    assert "<summary>Questions that the base answered better: 1</summary>" in text
    assert "- `What is four?`: 60.0 to 57.0 (−3.0)" in text
    lost = case.evaluation.regressions[0]
    case.evaluation = replace(case.evaluation, regressions=tuple(replace(lost, id=str(i)) for i in range(20)))
    assert case.markdown().count("- `What is four?`") == 8
    assert "- and 12 more on the page" in case.markdown()


def test_controls_are_told_in_their_order_and_a_broken_one_stands_out(case: Case) -> None:
    broken = Control("shuffled", "other references", 60.0, 0.5, 0.6, "below 55 %", False)
    case.evaluation = replace(case.evaluation, controls=(case.evaluation.controls[0], broken, case.evaluation.controls[1]))
    page = visible(case.page())
    assert "Expected from top to bottom: the references above all others" in page
    assert page.index("Shuffled other references") < page.index("Empty no answer 0.0 %")
    assert "| Shuffled: other references | 60.0\u202f% | below 55 % | **broken** |" in case.markdown()


def test_one_name_stands_for_one_measure(case: Case) -> None:
    """How often the limit did not cut an answer, and the criterion that an empty answer fails, are two figures."""
    page = visible(case.page())
    assert "Not cut at the limit of all answers, empty ones too 100 % 100 % 0" in page
    assert "Ended by itself not cut off at the token limit; an empty answer counts as 0" in page
    assert page.count("Ended by itself") == 1
