"""What the teacher answered about the chunks becomes examples: checked against the chunk, its span found, asked once a document."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from gradus.config.schema import Extract
from gradus.extract.build import example_of
from gradus.extract.draft import Draft, Drop
from gradus.extract.grounding.evidence import Evidence
from gradus.extract.grounding.quotes import find_quote
from gradus.extract.grounding.support import Judgement, judge
from gradus.extract.teaching.lessons import Lesson
from gradus.extract.teaching.prompt import prompt_version
from gradus.extract.teaching.questions import Questions
from gradus.records import Example
from gradus.teacher import Failure

KIND = "teacher"


@dataclass
class Taught:
    """The examples, and the fate of the rest."""

    examples: list[Example] = field(default_factory=list)
    pairs: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    """Answers that the chunk does not support, with score, statement and reason."""
    bad_chunks: list[dict[str, Any]] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    quotes_not_found: int = 0


@dataclass(frozen=True)
class Checker:
    """Takes the outcomes of lessons one by one; `questions` are those asked so far, by document."""

    config: Extract
    teacher: str
    questions: Questions

    def take(self, lesson: Lesson, outcome: Any, taught: Taught) -> None:
        """Add what became of one chunk: its examples, or why it has none."""
        if isinstance(outcome, Failure):
            taught.bad_chunks.append({**_place(lesson), "reason": outcome.reason})
            return
        pairs = outcome["pairs"]
        most = self.config.teach.pairs_per_chunk
        taught.pairs += len(pairs)
        if len(pairs) > most:
            taught.dropped["more pairs than pairs_per_chunk"] += len(pairs) - most
        evidence = Evidence(lesson.chunk.text, lesson.context)
        for pair in pairs[:most]:
            self._pair(lesson, evidence, {key: value.strip() for key, value in pair.items()}, taught)

    def _pair(self, lesson: Lesson, evidence: Evidence, pair: dict[str, str], taught: Taught) -> None:
        if not pair["question"] or not pair["answer"]:
            taught.dropped["an empty question or answer"] += 1
            return
        judgement = judge(pair["answer"], evidence, self.config.teach.grounding)
        if judgement.score is None or judgement.score < self.config.teach.grounding.minimum:
            taught.rejected.append(_rejection(lesson, pair, judgement))
            return
        quote = find_quote(pair["quote"], evidence.text, self.config.teach.grounding.quote_likeness)
        taught.quotes_not_found += quote is None
        span = self._span(pair["answer"], evidence, judgement, (quote.start, quote.end) if quote else None)
        result = example_of(self._draft(lesson, pair, judgement, span, quote is not None), lesson.document, self.config)
        if isinstance(result, Drop):
            taught.dropped[result.reason] += 1
        elif not self.questions.is_new(lesson.document.id, result.question):
            taught.dropped["a question asked before in the same document"] += 1
        else:
            taught.examples.append(result)

    def _span(self, answer: str, evidence: Evidence, judgement: Judgement, quote: tuple[int, int] | None) -> tuple[int, int]:
        """The quote where it supports the answer by itself, else it together with the sentences that do."""
        if quote is None:
            return judgement.span
        grounding = self.config.teach.grounding
        alone = judge(answer, Evidence(evidence.text[slice(*quote)], evidence.context), grounding).score
        if alone is not None and alone >= grounding.minimum:
            return quote
        return min(quote[0], judgement.span[0]), max(quote[1], judgement.span[1])

    def _draft(self, lesson: Lesson, pair: dict[str, str], judgement: Judgement, span: tuple[int, int], quoted: bool) -> Draft:
        meta = {
            "teacher": self.teacher,
            "prompt": prompt_version(self.config.teach),
            "chunk": [lesson.chunk.start, lesson.chunk.end],
            "grounding": judgement.score,
            "quoted": quoted,
        }
        start, end = (lesson.chunk.start + at for at in span)
        return Draft(KIND, pair["question"], pair["answer"], start, end, meta=meta)


def _place(lesson: Lesson) -> dict[str, Any]:
    return {"document": lesson.document.source, "document_id": lesson.document.id, "range": [lesson.chunk.start, lesson.chunk.end]}


def _rejection(lesson: Lesson, pair: dict[str, str], judgement: Judgement) -> dict[str, Any]:
    return {**_place(lesson), **pair, "score": judgement.score, "statement": judgement.statement, "reason": judgement.reason}
