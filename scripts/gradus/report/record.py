"""`report.json`: the figures of one run, from which the overview of all runs is made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from gradus.config import Config
from gradus.files import sha256_file, sha256_json
from gradus.report.labels import criterion
from gradus.report.sources import Sources
from gradus.results import Evaluation, Interval
from gradus.step import workspace_of
from gradus.strict import problem_of

RECORD = "report.json"
FORMAT = 1


class BrokenRecord(Exception):
    """A `report.json` that cannot be read; the message says why."""


@dataclass(frozen=True)
class Figure:
    """One number of a run. None: not measured."""

    name: str
    value: float | None
    digits: int
    better: str
    """`more`, `less`, or '' where neither is good news by itself."""
    unit: str = ""


@dataclass(frozen=True)
class Record:
    """All of `report.json`."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", allow_inf_nan=False)

    format: int
    run: str
    created: datetime
    letter: str | None
    """None when the grade is withheld; so are `percent`, `interval`, `difference` and all figures that the rubric has a part in."""
    percent: float | None
    interval: Interval | None
    difference: float | None
    """Tuned minus base in percentage points."""
    separable: bool
    base: str
    demonstration: bool
    method: str
    valid_loss: float | None
    data: dict[str, str]
    """SHA-256 of each data file."""
    test: str
    """Hash of what was asked and how it was graded; percentages compare between runs that share it."""
    questions: int
    figures: list[Figure]
    config: dict[str, Any]


def record_of(sources: Sources) -> Record:
    """The figures of this run."""
    evaluation, metadata, best = sources.evaluation, sources.metadata, sources.curve.best
    given = evaluation.grade.letter is not None
    return Record(
        format=FORMAT,
        run=sources.run,
        created=metadata.created,
        letter=evaluation.grade.letter,
        percent=evaluation.grade.percent,
        interval=evaluation.grade.interval,
        difference=evaluation.comparison.difference if given else None,
        separable=given and evaluation.grade.separable,
        base=sources.base.name,
        demonstration=sources.base.kind == "builtin",
        method=metadata.method,
        valid_loss=None if best is None else best.loss,
        data=metadata.dataset,
        test=_test(sources),
        questions=evaluation.questions,
        figures=[*_scores(evaluation), *_training(sources)],
        config=metadata.config,
    )


def as_json(record: Record) -> dict[str, Any]:
    """As plain dictionaries, lists, strings and numbers."""
    return {**asdict(record), "created": record.created.isoformat()}


def _test(sources: Sources) -> str:
    """Two runs with the same hash were asked the same questions in the same way, and were graded in the same way."""
    asked = sorted([row.id, row.question, row.reference, row.asked or ""] for row in sources.answers)
    return sha256_json([asked, sources.evaluation.terms])


def _scores(evaluation: Evaluation) -> list[Figure]:
    tuned, base, given = evaluation.tuned, evaluation.base, evaluation.grade.letter is not None
    parts = [*tuned.formatting.parts, *tuned.content.parts]
    by_rubric = [
        Figure("Grade", tuned.percent, 1, "more", "%"),
        Figure("Grade of the base", base.percent, 1, "", "%"),
        Figure("Tuned minus base", evaluation.comparison.difference, 1, "more", "points"),
        Figure("Formatting", tuned.formatting.value, 2, "more"),
        Figure("Content", tuned.content.value, 2, "more"),
        *(Figure(criterion(part.name), part.value, 2, "more") for part in parts if part.counted),
    ]
    return [
        *(figure if given else replace(figure, value=None) for figure in by_rubric),
        Figure("Bits per byte of the references", tuned.likelihood.bits_per_byte, 3, "less"),
        Figure("Tokens an answer", tuned.mean_tokens, 0, ""),
    ]


def _training(sources: Sources) -> list[Figure]:
    metadata, best, train = sources.metadata, sources.curve.best, sources.statistics.splits["train"]
    return [
        Figure("Best validation loss", None if best is None else best.loss, 3, "less"),
        Figure("Best at iteration", None if best is None else best.iteration, 0, ""),
        Figure("Iterations", metadata.iterations, 0, ""),
        Figure("Training examples", train.examples, 0, ""),
        Figure("Supervised tokens seen", metadata.tokens, 0, ""),
        Figure("Training tokens a second", metadata.tokens_per_second, 0, "more"),
    ]


@cache
def _reader() -> TypeAdapter[Record]:
    return TypeAdapter(Record)


def read_record(path: Path) -> Record:
    """Read a `report.json`. Raises BrokenRecord."""
    try:
        record = _reader().validate_json(path.read_bytes())
    except ValidationError as error:
        raise BrokenRecord(f"{path.name} cannot be read {problem_of(error)}") from error
    except OSError as error:
        raise BrokenRecord(f"{path.name} cannot be read ({error.strerror})") from error
    if record.format != FORMAT:
        raise BrokenRecord(f"{path.name} has the format {record.format}, not {FORMAT}")
    return record


def other_records(config: Config) -> dict[str, str]:
    """Every other run of the workspace that has a `report.json`, with the file's hash."""
    found = sorted((workspace_of(config) / "reports").glob(f"*/{RECORD}"))
    return {path.parent.name: sha256_file(path) for path in found if path.parent.name != config.run.name and path.is_file()}
