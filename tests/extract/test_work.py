"""02_extract on real documentation and on the sample: well-formed Markdown, true spans, stable identities."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from gradus.collect import STEP as COLLECT
from gradus.collect.text import Found, document_of
from gradus.config import Config, load_config
from gradus.config.load import PROJECT
from gradus.errors import UserError
from gradus.extract import STEP
from gradus.extract.work import extract_all
from gradus.files import read_documents, read_examples, read_json
from gradus.records import Document, Example
from gradus.step import run_step

STEPS = {COLLECT.name: COLLECT, STEP.name: STEP}
PACKAGES = "[numpy.linalg, numpy.fft, mlx.optimizers, json, heapq, difflib, argparse]"


def extracted(config: Config) -> tuple[dict[str, Document], list[Example], Path]:
    target = [run_step(step, config, STEPS).target for step in (COLLECT, STEP)]
    documents = {d.id: d for d in read_documents(target[0] / "documents.jsonl")}
    return documents, read_examples(target[1] / "examples.jsonl"), target[1]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Document], list[Example], Path]:
    workspace = tmp_path_factory.mktemp("workspace")
    return extracted(load_config(settings=[f"paths.workspace={workspace}", f"collect.python_docs={PACKAGES}"]))


def test_real_documentation_gives_every_kind_of_question(real: tuple[dict[str, Document], list[Example], Path]) -> None:
    documents, examples, target = real
    report = read_json(target / "extraction.json")
    assert report["examples"] == len(examples) == sum(report["by_kind"].values()) > len(documents)
    assert {"definition", "overview", "parameters", "returns", "raises", "example", "notes", "related"} <= set(report["by_kind"])
    assert len({example.id for example in examples}) == len(examples)
    assert all(example.origin_id == example.id and example.group == documents[example.document_id].group for example in examples)
    assert report["answers_with"]["bold"] > 0.5
    assert report["answers_with"]["code_blocks"] > 0.2


def test_answers_are_well_formed_markdown(real: tuple[dict[str, Document], list[Example], Path]) -> None:
    parser = MarkdownIt("commonmark").enable("table")
    for example in real[1]:
        tokens = parser.parse(example.answer)
        kinds = {token.type for token in tokens}
        assert not kinds & {"html_block", "code_block"}, example.answer
        assert all(token.info for token in tokens if token.type == "fence"), "every fence names its language"
        inner = [child for token in tokens for child in token.children or []]
        assert all(child.type != "html_inline" for child in inner), example.answer
        assert not any(mark in child.content for child in inner if child.type == "text" for mark in ("``", "**", ":func:")), example.answer
        assert not example.answer.rstrip().endswith(":")


def test_code_keeps_its_bytes_and_spans_point_at_the_source(real: tuple[dict[str, Document], list[Example], Path]) -> None:
    documents, examples, _ = real
    checked = 0
    for example in examples:
        text = documents[example.document_id].text
        start, end = example.span
        assert 0 <= start < end <= len(text)
        for line in _doctest_lines(MarkdownIt().parse(example.answer)):
            assert line in text[start:end]
            checked += 1
    assert checked > 100


def _doctest_lines(tokens: list[Token]) -> list[str]:
    return [line for token in tokens if token.type == "fence" for line in token.content.split("\n") if line.startswith((">>>", "..."))]


def test_the_length_limits_hold_and_cuts_are_counted(real: tuple[dict[str, Document], list[Example], Path]) -> None:
    documents, examples, _ = real
    config = load_config().extract
    assert all(config.min_answer_characters <= len(e.answer) <= config.max_answer_characters for e in examples)
    tight = extract_all(list(documents.values()), config.model_copy(update={"max_answer_characters": 200}))
    assert all(len(e.answer) <= 200 for e in tight.examples)
    assert sum(bool(e.meta.get("cut")) for e in tight.examples) > sum(bool(e.meta.get("cut")) for e in examples)


def test_no_object_gets_more_questions_than_configured(real: tuple[dict[str, Document], list[Example], Path]) -> None:
    documents, _, _ = real
    config = load_config().extract.model_copy(update={"questions_per_object": 1})
    counts: dict[str, int] = {}
    for example in extract_all(list(documents.values()), config).examples:
        counts[example.document_id] = counts.get(example.document_id, 0) + 1
    assert set(counts.values()) == {1}


def test_the_sample_folder_reads_as_it_is_meant(tmp_path: Path) -> None:
    settings = [f"paths.workspace={tmp_path}", "collect.python_docs=[]", f"collect.folders=[{PROJECT / 'data/sample'}]"]
    documents, examples, target = extracted(load_config(settings=settings))
    assert {d.format for d in documents.values()} == {"markdown", "text", "rows"}
    assert read_json(target / "extraction.json")["documents_without_example"] == []
    by_question = {example.question: example for example in examples}
    assert {example.kind for example in examples} == {"faq", "how-to", "section", "instruction", "chat"}
    assert by_question["What is LoRA?"].answer.startswith("**LoRA**")
    assert by_question["How do I run all steps?"].answer.count("```") == 4
    chat = by_question["What should I change first?"]
    assert [turn["role"] for turn in chat.messages()] == ["system", "user", "assistant", "user", "assistant"]


def test_the_same_input_gives_the_same_bytes(real: tuple[dict[str, Document], list[Example], Path], tmp_path: Path) -> None:
    _, _, again = extracted(load_config(settings=[f"paths.workspace={tmp_path}", f"collect.python_docs={PACKAGES}"]))
    assert (again / "examples.jsonl").read_bytes() == (real[2] / "examples.jsonl").read_bytes()


def test_rows_of_one_question_are_kept_when_their_answers_differ() -> None:
    rows = [{"question": "When?", "answer": answer} for answer in ("At nine.", "At ten.", "At nine.")]
    found = document_of(Found("a.jsonl", "\n".join(map(json.dumps, rows)), "rows", "a.jsonl", "a.jsonl", "test"), "now")
    extraction = extract_all([found], load_config().extract)
    assert [example.answer for example in extraction.examples] == ["At nine.", "At ten."]
    assert len({example.id for example in extraction.examples}) == 2
    assert extraction.dropped == {"a question asked before in the same document": 1}


def test_rubbish_gives_no_example_and_no_traceback() -> None:
    texts = ["word " * 100_000, "x" * 500_000, "a b\n    c d\n" * 2000, "a: b\n  c\n" * 2000, "f(" * 5000, "[a](" * 5000, "a." * 5000, "- a\n" * 3000]
    texts += ["".join(" " * depth + "- a\n" for depth in range(100))]
    texts += ["`" * 5000, "*" * 5000, "#" * 3000, "- " * 4000, "(" * 3000, ">>> " * 2000, "| " * 3000, "Q: " * 3000, "\\\n" * 3000]
    texts += ["Parameters\n----------\n", "Args:\n    :", ".. math::\n", "x\n" + "=" * 3000, "::\n\n", "\u2028\u0085\x0b" * 500]
    documents = [
        document_of(Found("x", text, format_, f"function x{n}", "x", "test"), "now")
        for n, text in enumerate(texts)
        for format_ in ("api", "markdown", "text", "rows")
    ]
    extraction = extract_all(documents, load_config().extract)
    assert all(len(example.answer) <= 900 for example in extraction.examples)


def test_nothing_extracted_is_an_error_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "rows.jsonl").write_text('{"text": "There is no question in this row at all."}\n', encoding="utf-8")
    settings = [f"paths.workspace={tmp_path / 'w'}", "collect.python_docs=[]", f"collect.folders=[{tmp_path / 'notes'}]"]
    with pytest.raises(UserError, match=r"no example came out of 1 documents .*no known shape"):
        extracted(load_config(settings=settings))
