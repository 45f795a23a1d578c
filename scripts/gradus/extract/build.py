"""Drafts become examples: limits, checks, identity."""

from __future__ import annotations

import json
from dataclasses import asdict

from gradus.config.schema import Extract
from gradus.extract.draft import Draft, Drop
from gradus.extract.limits import cut, fault_of, without_dangling
from gradus.files import sha256_text
from gradus.records import Document, Example


def example_of(draft: Draft, document: Document, config: Extract) -> Example | Drop:
    """The example of a draft, or why it is none. `meta["cut"]` is True when its answer was shortened."""
    whole = draft.answer.strip() if draft.verbatim else without_dangling(draft.answer.strip())
    if not whole:
        return Drop("an answer that only announces something")
    answer = cut(whole, config.max_answer_characters)
    if not answer:
        return Drop("an answer too long to be cut at a whole paragraph")
    if len(answer) < config.min_answer_characters and not draft.verbatim:
        return Drop("an answer shorter than min_answer_characters")
    if not draft.verbatim and (fault := fault_of(answer)):
        return Drop(fault)
    identity = _identity(draft, document)
    return Example(
        id=identity,
        question=draft.question.strip(),
        answer=answer,
        document_id=document.id,
        group=draft.group or document.group,
        span=(min(draft.start, len(document.text)), min(draft.end, len(document.text))),
        origin_id=identity,
        kind=draft.kind,
        context=draft.context,
        meta={**draft.meta, **({"cut": True} if answer != whole else {})},
    )


def _identity(draft: Draft, document: Document) -> str:
    """Hash of document, kind and question, of the earlier turns where there are any, and of the answer where rows may give several."""
    context = json.dumps([asdict(turn) for turn in draft.context], ensure_ascii=False) if draft.context else ""
    answer = draft.answer if document.format == "rows" else ""
    return sha256_text(document.id + draft.kind + draft.question + context + answer)[:16]
