"""Read everything that the report is made from; a missing file or a wrong field is named with its step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from gradus.errors import GradusError, UserError
from gradus.files import iter_jsonl
from gradus.records import Base
from gradus.report.upstream import Augmentation, Curation, Extraction, LossCurve, Manifest, Metadata, Statistics
from gradus.results import AnswerRow, Evaluation, read_answers
from gradus.step import StepContext
from gradus.strict import problem_of

T = TypeVar("T")


@dataclass(frozen=True)
class Sources:
    """Everything the report is made from."""

    run: str
    evaluation: Evaluation
    answers: list[AnswerRow]
    curve: LossCurve
    metadata: Metadata
    statistics: Statistics
    base: Base
    augmentation: Augmentation
    curation: Curation
    extraction: Extraction
    manifest: Manifest
    licences: dict[str, int]
    """Documents by the licence that their source states, most first; '' where it states none."""
    titles: dict[str, str]
    """Of the documents that were asked about, by id."""
    bootstrap_samples: int
    """Draws for what the report tests itself."""


def read_sources(context: StepContext) -> Sources:
    """Read all inputs. Raises UserError or GradusError naming file and field."""
    answers = read_answers(context.input("07_evaluate/answers.jsonl"))
    licences, titles = _documents(context.input("01_collect/documents.jsonl"), {row.document_id for row in answers})
    return Sources(
        run=context.config.run.name,
        evaluation=Evaluation.from_json(context.input("07_evaluate/evaluation.json")),
        answers=answers,
        curve=_read(LossCurve, context, "06_train_mlx/loss_curve.json"),
        metadata=_read(Metadata, context, "06_train_mlx/run_metadata.json"),
        statistics=_read(Statistics, context, "05_prepare/statistics.json"),
        base=_read(Base, context, "05_prepare/base.json"),
        augmentation=_read(Augmentation, context, "04_augment/augmentation.json"),
        curation=_read(Curation, context, "03_curate/curation.json"),
        extraction=_read(Extraction, context, "02_extract/extraction.json"),
        manifest=_read(Manifest, context, "01_collect/manifest.json"),
        licences=licences,
        titles=titles,
        bootstrap_samples=context.config.evaluate.bootstrap_samples,
    )


def _documents(path: Path, wanted: set[str]) -> tuple[dict[str, int], dict[str, str]]:
    """Licences with their counts, and the titles of the wanted documents; one document in memory at a time."""
    licences: Counter[str] = Counter()
    titles = {}
    for name, title, licence in iter_jsonl(path, _labels):
        licences[licence] += 1
        if name in wanted:
            titles[name] = title
    return dict(licences.most_common()), titles


def _labels(row: dict[str, Any]) -> tuple[str, str, str]:
    return str(row["id"]), str(row["title"]), str(row.get("licence", ""))


def _read(kind: type[T], context: StepContext, name: str) -> T:
    path, step = context.input(name), name.partition("/")[0]
    try:
        return TypeAdapter(kind).validate_json(_text(path, step))
    except ValidationError as error:
        raise GradusError(f"cannot be read {problem_of(error)}", where=str(path), cure=f"Run python scripts/{step}.py --force") from error


def _text(path: Path, step: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UserError("file not found", where=str(path), cure=f"Run python scripts/{step}.py first") from error
