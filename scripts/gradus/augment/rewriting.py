"""The teacher's variants before they are checked: paraphrases, answers of other lengths, back-translations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gradus.augment.candidate import BACK_TRANSLATION, PARAPHRASE, Candidate
from gradus.augment.prompts import Prompts, passage
from gradus.config.schema import Augment
from gradus.records import Example
from gradus.shingles import tokens
from gradus.teacher import Failure, Request, Teacher, ask_json


@dataclass(frozen=True)
class Job:
    """One request about one original; `variety` is the language or the length asked for."""

    original: Example
    method: str
    variety: str
    request: Request
    source: str = ""


@dataclass(frozen=True)
class Jobs:
    """All first requests, by original and then in the order of the methods; and by reason, what is not asked for."""

    jobs: list[Job]
    not_asked: Counter[str]


@dataclass(frozen=True)
class Rewriting:
    """What came back: candidates by the id of their original; failed requests by reason; what was not asked for, by reason."""

    candidates: dict[str, list[Candidate]] = field(default_factory=dict)
    failed: Counter[str] = field(default_factory=Counter)
    not_asked: Counter[str] = field(default_factory=Counter)


def jobs_of(originals: Sequence[Example], texts: Mapping[str, str], settings: Augment, prompts: Prompts) -> Jobs:
    """What to ask about the originals; what could not come out well is left out.

    Args:
        texts: document id to text, for long answers.
    """
    jobs: list[Job] = []
    not_asked: Counter[str] = Counter()
    for original in originals:
        if any(turn.role != "system" for turn in original.context):  # read alone, its question may mean something else
            not_asked["a turn of a longer conversation"] += 1
            continue
        if settings.paraphrases:
            jobs.append(Job(original, PARAPHRASE, "", prompts.paraphrases(original, settings.paraphrases)))
        for length in settings.length_variants:
            told = passage(texts.get(original.document_id, ""), original.span, settings.source_characters) if length == "long" else ""
            if reason := _pointless(original, length, told, settings):
                not_asked[reason] += 1
            else:
                source = f"{original.question}\n{original.answer}\n{told}"
                jobs.append(Job(original, f"{length} answer", length, prompts.length(original, length, told), source))
        jobs += [Job(original, BACK_TRANSLATION, language, prompts.translation(original, language)) for language in settings.back_translation]
    return Jobs(jobs, not_asked)


def _pointless(original: Example, length: str, passage: str, settings: Augment) -> str | None:
    words = len(tokens(original.answer))
    if length == "short" and words < settings.shorten_words:
        return "short answer: the answer is short already"
    if length == "long" and len(tokens(passage)) < settings.length_ratios.long[0] * words:
        return "long answer: the source holds no more than the answer"
    return None


def rewrite(teacher: Teacher, asked: Jobs, prompts: Prompts) -> Rewriting:
    """Ask everything, translations a second time on their way back; the order of the candidates is that of the jobs."""
    jobs = asked.jobs
    values, failed = _ask(teacher, [job.request for job in jobs])
    returning = [n for n, job in enumerate(jobs) if job.method == BACK_TRANSLATION and n in values]
    back, failed_back = _ask(teacher, [prompts.back(jobs[n].original, values[n]["question"]) for n in returning])
    values = {n: value for n, value in values.items() if jobs[n].method != BACK_TRANSLATION}
    values |= {returning[number]: value for number, value in back.items()}
    candidates: dict[str, list[Candidate]] = {}
    for number in sorted(values):
        candidates.setdefault(jobs[number].original.id, []).extend(_candidates(jobs[number], values[number]))
    return Rewriting(candidates, failed + failed_back, asked.not_asked)


def _ask(teacher: Teacher, requests: Sequence[Request]) -> tuple[dict[int, Any], Counter[str]]:
    """The values that came back, by the number of their request; failures by reason."""
    values: dict[int, Any] = {}
    failed: Counter[str] = Counter()
    for number, value in ask_json(teacher, requests):
        if isinstance(value, Failure):
            failed[value.reason] += 1
        else:
            values[number] = value
    return values, failed


def _candidates(job: Job, value: dict[str, Any]) -> list[Candidate]:
    original = job.original
    if job.method == PARAPHRASE:
        return [Candidate(original, PARAPHRASE, question.strip(), original.answer) for question in value["questions"]]
    if job.method == BACK_TRANSLATION:
        return [Candidate(original, BACK_TRANSLATION, value["question"].strip(), original.answer)]
    return [Candidate(original, job.method, value["question"].strip(), value["answer"].strip(), job.variety, job.source)]
