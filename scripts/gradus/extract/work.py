"""02_extract: every document is read by the rules of its format; what becomes no example is counted with its reason."""

from __future__ import annotations

import logging
import re
import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from gradus.config.schema import Extract
from gradus.errors import UserError
from gradus.extract import api, prose, rows
from gradus.extract.build import example_of
from gradus.extract.draft import Draft, Drafts, Drop
from gradus.extract.scenarios import work as scenarios
from gradus.extract.teaching import work as teaching
from gradus.files import read_documents, write_json, write_jsonl
from gradus.log import progress
from gradus.records import Document, Example
from gradus.step import StepContext, Summary

_WARNINGS = 5  # lines on the screen; extraction.json has them all
log = logging.getLogger(__name__)


@dataclass
class Extraction:
    """All examples, and the fate of the rest."""

    examples: list[Example] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    bad_rows: list[dict[str, str]] = field(default_factory=list)
    barren: list[str] = field(default_factory=list)
    """Sources of the documents that gave no example."""


def extract(context: StepContext) -> Summary:
    """Write `examples.jsonl` and `extraction.json`. Raises UserError when not one example came out."""
    config = context.config.extract
    scenario_plan = scenarios.open_configured(context.config)  # a mistake in its file is told before anything is asked
    documents = read_documents(context.input("01_collect/documents.jsonl"))
    extraction = extract_all(documents, config)
    taught, teaching_report = teaching.teach(context, documents, extraction.examples)
    extraction.examples += taught
    scenario_examples, scenario_report = scenarios.make(context, scenario_plan)
    extraction.examples += scenario_examples
    for bad in extraction.bad_rows[:_WARNINGS]:
        log.warning("%s: %s", bad["where"], bad["reason"])
    if len(extraction.bad_rows) > _WARNINGS:
        log.warning("%d more bad rows: see extraction.json", len(extraction.bad_rows) - _WARNINGS)
    if not extraction.examples:
        reason = next(iter(extraction.dropped.most_common(1)), ("they hold no question the rules know", 0))[0]
        raise UserError(f"no example came out of {len(documents)} documents (mostly: {reason})", where="extract", cure="Add documents to collect")
    report = as_json(extraction, len(documents)) | {"teacher": teaching_report, "scenarios": scenario_report}
    write_jsonl(context.out / "examples.jsonl", extraction.examples)
    write_json(context.out / "extraction.json", report)
    teaching_lines = teaching.summary_of(teaching_report) if teaching_report else {}
    scenario_lines = scenarios.summary_of(scenario_report) if scenario_report else {}
    return {**_summary(report), **teaching_lines, **scenario_lines}


def plan(context: StepContext) -> Summary:
    """What a dry run tells: what the teacher would be asked, and what that would take."""
    lessons = teaching.dry_run(context, read_documents(context.input("01_collect/documents.jsonl")))
    scenario_lines = {f"scenarios: {key}" if key in lessons else key: value for key, value in scenarios.dry_run(context).items()}
    return {**lessons, **scenario_lines}


def extract_all(documents: list[Document], config: Extract) -> Extraction:
    """The examples of all documents, in the order of the documents."""
    extraction = Extraction()
    with progress("Extracting", len(documents)) as advance:
        for document in documents:
            _extract_one(document, config, extraction)
            advance(1, "")
    return extraction


def _drafts(document: Document, config: Extract) -> Drafts:
    if document.format == "api":
        return api.drafts(document, config)
    if document.format == "rows":
        return rows.drafts(document)
    return prose.markdown_drafts(document) if document.format == "markdown" else prose.text_drafts(document)


def _extract_one(document: Document, config: Extract, extraction: Extraction) -> None:
    """Add a document's examples; a question asked twice in it is answered once."""
    seen: set[str] = set()
    for draft in _drafts(document, config):
        result = example_of(draft, document, config) if isinstance(draft, Draft) else draft
        if isinstance(result, Example) and result.id in seen:
            result = Drop("a question asked before in the same document")
        if isinstance(result, Drop):
            extraction.dropped[result.reason] += 1
            extraction.bad_rows += [{"where": result.where, "reason": result.reason}] if result.where else []
        else:
            seen.add(result.id)
            extraction.examples.append(result)
    if not seen:
        extraction.barren.append(document.source)


_FORMS = {
    "bold": re.compile(r"\*\*\S"),
    "lists": re.compile(r"^\s*([-*+]|\d+[.)]) \S", re.MULTILINE),
    "code_blocks": re.compile(r"^\s*```", re.MULTILINE),
    "code_spans": re.compile(r"(?<!`)`[^`\n]+`(?!`)"),
    "headings": re.compile(r"^#{1,6} \S", re.MULTILINE),
    "tables": re.compile(r"^\|( :?-+:? \|)+$", re.MULTILINE),
}


def as_json(extraction: Extraction, documents: int) -> dict[str, Any]:
    """The report: counts, reasons, and in which share of the answers each form occurs."""
    examples = extraction.examples
    shares = {name: sum(bool(form.search(e.answer)) for e in examples) / len(examples) for name, form in _FORMS.items()}
    return {
        "documents": documents,
        "examples": len(examples),
        "groups": len({example.group for example in examples}),
        "by_kind": dict(Counter(example.kind for example in examples).most_common()),
        "cut": sum(bool(example.meta.get("cut")) for example in examples),
        "dropped": dict(extraction.dropped.most_common()),
        "answers_with": {name: round(share, 4) for name, share in shares.items()},
        "median_question_characters": statistics.median(len(example.question) for example in examples),
        "median_answer_characters": statistics.median(len(example.answer) for example in examples),
        "bad_rows": extraction.bad_rows,
        "documents_without_example": extraction.barren,
    }


def _summary(report: dict[str, Any]) -> Summary:
    forms = report["answers_with"]
    return {
        "examples": report["examples"],
        "kinds": ", ".join(f"{kind} {count}" for kind, count in list(report["by_kind"].items())[:6]),
        "dropped": sum(report["dropped"].values()),
        "cut at a paragraph": report["cut"],
        "answers with bold, lists, code": f"{forms['bold']:.0%}, {forms['lists']:.0%}, {forms['code_blocks']:.0%}",
        "median answer, characters": report["median_answer_characters"],
        "documents without an example": len(report["documents_without_example"]),
        "groups": report["groups"],
    }
