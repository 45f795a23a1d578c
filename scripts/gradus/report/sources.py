"""What the report reads: the fields it needs of each earlier step's JSON, typed; what a step did not measure is None."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from gradus.errors import GradusError, UserError
from gradus.records import Base
from gradus.results import AnswerRow, Evaluation, read_answers
from gradus.step import StepContext

T = TypeVar("T")


@dataclass(frozen=True)
class Best:
    """The point with the lowest validation loss."""

    iteration: int
    loss: float


@dataclass(frozen=True)
class LossCurve:
    """`loss_curve.json`: points (iteration, loss in nats per token)."""

    train: list[tuple[float, float]]
    valid: list[tuple[float, float]]
    best: Best | None = None


@dataclass(frozen=True)
class Git:
    """State of the checkout that trained; None where it was no git checkout."""

    commit: str | None = None
    dirty: bool | None = None


@dataclass(frozen=True)
class Metadata:
    """`run_metadata.json` of 06."""

    created: datetime
    git: Git | None
    machine: dict[str, Any]
    packages: dict[str, Any]
    config: dict[str, Any]
    dataset: dict[str, str]
    method: str
    iterations: int
    stopped: str
    trainable_parameters: int | None = None
    total_parameters: int | None = None
    seconds: float | None = None
    first_valid_loss: float | None = None
    tokens: int | None = None
    tokens_per_second: float | None = None
    peak_memory_gb: float | None = None

    def setting(self, key: str) -> Any:
        """Value of a dotted key of the resolved configuration; None when the run did not record it."""
        value: Any = self.config
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value


@dataclass(frozen=True)
class Lengths:
    """Tokens of the conversations of one split."""

    median: int
    p95: int
    max: int


@dataclass(frozen=True)
class Split:
    """One split as 05 counted it."""

    examples: int
    groups: int
    tokens: int
    supervised_tokens: int
    truncated: int
    missing_eos: int
    length: Lengths
    variants: int | None = None
    """Other wordings made by 04."""


@dataclass(frozen=True)
class Statistics:
    """`statistics.json` of 05; `structure` is the share of training answers with each Markdown structure."""

    splits: dict[str, Split]
    structure: dict[str, float]
    kinds: dict[str, int]
    split_unit: str | None = None


@dataclass(frozen=True)
class Manifest:
    """`manifest.json` of 01: documents kept, and texts that were not."""

    documents: int
    bytes: int
    duplicates: int
    too_short: int
    groups: int


@dataclass(frozen=True)
class Extraction:
    """`extraction.json` of 02; `dropped` counts by reason what became no example."""

    examples: int
    dropped: dict[str, int]
    documents_without_example: list[str]


@dataclass(frozen=True)
class Augmentation:
    """`augmentation.json` of 04; `factor` is examples written for each original."""

    originals: int
    variants: int
    factor: float


@dataclass(frozen=True)
class Distribution:
    """Values in [0, 1]: mean and counts in equal bins."""

    mean: float | None
    histogram: list[int]


@dataclass(frozen=True)
class Sieved:
    """The same values of what was kept and what was removed."""

    kept: Distribution
    removed: Distribution


@dataclass(frozen=True)
class Curation:
    """`curation.json` of 03."""

    examples: int
    kept: int
    removed: int
    removed_by_reason: dict[str, int]
    lowered_by: dict[str, int]
    quality: Sieved
    conflicts: int
    personal_data_mode: str
    examples_with_personal_data: int
    repairs: dict[str, int]
    score_cut: float | None = None


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


def read_sources(context: StepContext) -> Sources:
    """Read all inputs. Raises UserError or GradusError naming file and field."""
    return Sources(
        run=context.config.run.name,
        evaluation=Evaluation.from_json(context.input("07_evaluate/evaluation.json")),
        answers=read_answers(context.input("07_evaluate/answers.jsonl")),
        curve=_read(LossCurve, context, "06_train_mlx/loss_curve.json"),
        metadata=_read(Metadata, context, "06_train_mlx/run_metadata.json"),
        statistics=_read(Statistics, context, "05_prepare/statistics.json"),
        base=_read(Base, context, "05_prepare/base.json"),
        augmentation=_read(Augmentation, context, "04_augment/augmentation.json"),
        curation=_read(Curation, context, "03_curate/curation.json"),
        extraction=_read(Extraction, context, "02_extract/extraction.json"),
        manifest=_read(Manifest, context, "01_collect/manifest.json"),
    )


def _read(kind: type[T], context: StepContext, name: str) -> T:
    path, step = context.input(name), name.partition("/")[0]
    try:
        return TypeAdapter(kind).validate_json(_text(path, step))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in problem["loc"])
        what = f"cannot be read{f' at {key!r}' if key else ''} ({problem['msg']})"
        raise GradusError(what, where=str(path), cure=f"Run python scripts/{step}.py --force") from error


def _text(path: Path, step: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UserError("file not found", where=str(path), cure=f"Run python scripts/{step}.py first") from error
