"""Teaching as a part of 02_extract: the examples, the rejected answers, the report, and what a dry run tells."""

from __future__ import annotations

import logging
import statistics
from collections import Counter
from dataclasses import asdict
from typing import Any

from gradus.config.schema import Extract
from gradus.errors import GradusError
from gradus.extract.grounding.evidence import Evidence
from gradus.extract.grounding.support import judge
from gradus.extract.teaching.answers import Checker, Taught
from gradus.extract.teaching.lessons import Lesson, lessons_of, title_of
from gradus.extract.teaching.prompt import prompt_version
from gradus.extract.teaching.questions import Questions
from gradus.extract.teaching.tokens import counter_of
from gradus.files import read_json, write_jsonl
from gradus.records import Document, Example
from gradus.step import StepContext, Summary
from gradus.teacher import Estimate, Teacher, as_summary, ask_json, cache_of, estimate, in_order, open_teacher
from gradus.teacher.teacher import name_of

_WARNINGS = 3  # lines on the screen; extraction.json has all bad chunks
log = logging.getLogger(__name__)


def teach(context: StepContext, documents: list[Document], ruled: list[Example]) -> tuple[list[Example], dict[str, Any] | None]:
    """Examples from the teacher, and the report on it; none and None when there is no teacher or nothing to teach.

    Writes `rejected.jsonl`.

    Args:
        ruled: the examples made by rules; what they ask is not asked again, and their grounding is the control.

    Raises:
        UserError: when no request can succeed. GradusError: when every single chunk failed.
    """
    config = context.config.extract
    if not _is_wanted(config, documents):
        return [], None
    with open_teacher(config.teacher, cache_of(context.workspace)) as teacher:
        lessons = lessons_of(documents, config, counter_of(config.teacher))
        log.info("%s is asked about %d chunks of %d documents", teacher.name, len(lessons), len({lesson.document.id for lesson in lessons}))
        taught = _taught(lessons, teacher, config, ruled)
        report = as_json(lessons, taught, teacher, config) | {"control": control(documents, ruled, config)}
    _warn(lessons, taught)
    write_jsonl(context.out / "rejected.jsonl", taught.rejected)
    return taught.examples, report


def _is_wanted(config: Extract, documents: list[Document]) -> bool:
    if config.teacher.kind == "off" or not config.teach.formats or not documents:
        return False
    if any(document.format in config.teach.formats for document in documents):
        return True
    log.warning("The teacher has nothing to read: no document is of the formats %s (extract.teach.formats)", ", ".join(config.teach.formats))
    return False


def _taught(lessons: list[Lesson], teacher: Teacher, config: Extract, ruled: list[Example]) -> Taught:
    """Look at the outcomes in the order of the chunks."""
    checker = Checker(config, teacher.name, Questions(config.teach.same_question, ruled))
    taught = Taught()
    for index, outcome in in_order(ask_json(teacher, [lesson.request for lesson in lessons])):
        checker.take(lessons[index], outcome, taught)
    return taught


def _warn(lessons: list[Lesson], taught: Taught) -> None:
    """Tell what was lost. Raises GradusError when all was: a teacher that is asked for and fails must not pass in silence."""
    bad = taught.bad_chunks
    if lessons and len(bad) == len(lessons):
        reason = Counter(entry["reason"] for entry in bad).most_common(1)[0][0]
        what = f"the teacher gave nothing: all {len(bad)} chunks failed (mostly: {reason})"
        raise GradusError(what, where="extract.teacher", cure="Mend that and run the same command again; replies that came are kept")
    for entry in bad[:_WARNINGS]:
        log.warning("%s, characters %d to %d: %s", entry["document"], *entry["range"], entry["reason"])
    if bad:
        log.warning("%d of %d chunks failed (extraction.json names them); the same command with --force asks for them again", len(bad), len(lessons))
    if not taught.examples:
        reasons = Counter({"not supported by the chunk": len(taught.rejected)}) + taught.dropped
        why = reasons.most_common(1)[0][0] if reasons else "it wrote none"
        log.warning("Not one of the teacher's %d answers was kept (mostly: %s): see rejected.jsonl", taught.pairs, why)


def as_json(lessons: list[Lesson], taught: Taught, teacher: Teacher, config: Extract) -> dict[str, Any]:
    """The report: what was asked, what became of it, what it took."""
    scores = [example.meta["grounding"] for example in taught.examples]
    return {
        "teacher": teacher.name,
        "prompt": prompt_version(config.teach),
        "documents": len({lesson.document.id for lesson in lessons}),
        "chunks": len(lessons),
        "oversized_chunks": oversized(lessons, config),
        "bad_chunks": taught.bad_chunks,
        "pairs": taught.pairs,
        "examples": len(taught.examples),
        "rejected": len(taught.rejected),
        "dropped": dict(taught.dropped.most_common()),
        "quotes_not_found": taught.quotes_not_found,
        "mean_grounding": round(statistics.fmean(scores), 4) if scores else None,
        "usage": asdict(teacher.usage),
    }


def oversized(lessons: list[Lesson], config: Extract) -> int:
    """How many chunks are larger than `chunk_tokens`, since code and tables are never cut."""
    return sum(lesson.chunk.tokens > config.teach.chunk_tokens for lesson in lessons)


def control(documents: list[Document], ruled: list[Example], config: Extract) -> dict[str, Any]:
    """The same check on answers that rules cut out of the same documents: they are verbatim, so almost all must pass."""
    taught = {document.id: document for document in documents if document.format in config.teach.formats}
    scores = []
    for example in ruled:
        if document := taught.get(example.document_id):
            evidence = Evidence(document.text[slice(*example.span)], title_of(document))
            scores.append(judge(example.answer, evidence, config.teach.grounding).score)
    known = [score for score in scores if score is not None]
    passed = sum(score >= config.teach.grounding.minimum for score in known)
    mean = round(statistics.fmean(known), 4) if known else None
    return {"answers": len(known), "passed": passed, "mean_grounding": mean}


def dry_run(context: StepContext, documents: list[Document]) -> Summary:
    """Chunks, tokens, cost and time of a run to come; nothing is asked and nothing written."""
    config = context.config.extract
    if not _is_wanted(config, documents):
        return {}
    lessons = lessons_of(documents, config, counter_of(config.teacher))
    expected = estimate([lesson.request for lesson in lessons], config.teacher, cache_of(context.workspace))
    lines = {
        "chunks for the teacher": f"{len(lessons):,} of {len({lesson.document.id for lesson in lessons}):,} documents, "
        f"{sum(lesson.chunk.tokens for lesson in lessons):,} tokens of text",
        "larger than chunk_tokens": f"{oversized(lessons, config):,} (code and tables are never cut)",
        "answers": f"{len(lessons) * config.teach.pairs_per_chunk:,} at most",
        **as_summary(expected),
        "time": _time(context, expected, name_of(config.teacher)),
    }
    return lines


def _time(context: StepContext, expected: Estimate, name: str) -> str:
    """From the speed of the last run with this teacher."""
    path = context.target / "extraction.json"
    report = (read_json(path).get("teacher") if path.exists() else None) or {}
    usage = report.get("usage", {})
    if report.get("teacher") != name or not usage.get("completion_tokens") or not usage.get("seconds"):
        return "unknown before the first run with this teacher"
    seconds = expected.completion_tokens / usage["completion_tokens"] * usage["seconds"]
    return f"{seconds / 60:,.1f} minutes at most, at the speed of the last run"


def summary_of(report: dict[str, Any]) -> Summary:
    """The report in a few lines."""
    usage, checked = report["usage"], report["control"]
    cost = "" if usage["cost"] is None else f", cost {usage['cost']:,.4f}"
    return {
        "teacher": f"{report['examples']:,} examples of {report['pairs']:,} answers to {report['chunks']:,} chunks",
        "teacher: rejected, dropped, bad chunks": f"{report['rejected']:,}, {sum(report['dropped'].values()):,}, {len(report['bad_chunks']):,}",
        "teacher: grounding, mean": "-" if report["mean_grounding"] is None else f"{report['mean_grounding']:.2f}",
        "grounding of the rules' answers": f"{checked['passed']:,} of {checked['answers']:,} pass",
        "teacher: tokens in, out": f"{usage['prompt_tokens']:,}, {usage['completion_tokens']:,}; {usage['cached']:,} of "
        f"{usage['requests']:,} replies from the cache{cost}",
    }
