"""What 01 to 06 left in their JSON, as far as the report needs it: typed; None or empty where a step did not measure or do it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Manifest:
    """`manifest.json` of 01: documents kept, and texts that were not."""

    documents: int
    duplicates: int
    too_short: int
    by_source: dict[str, dict[str, int]] = field(default_factory=dict)
    """Entry of the configuration to its `documents`, `bytes` and, where there are any, `too_short`."""
    by_status: dict[str, int] = field(default_factory=dict)
    """What became of every module and file, by class."""


@dataclass(frozen=True)
class Taught:
    """The part of `extraction.json` on the teacher that wrote questions and answers from chunks of documents."""

    teacher: str
    chunks: int
    pairs: int
    examples: int
    rejected: int
    dropped: dict[str, int]
    mean_grounding: float | None


@dataclass(frozen=True)
class Scenarios:
    """The part of `extraction.json` on conversations that a teacher made from a template."""

    name: str
    teacher: str
    wanted: int
    asked: int
    examples: int
    duplicates: dict[str, int]
    dropped: dict[str, int]


@dataclass(frozen=True)
class Extraction:
    """`extraction.json` of 02; `dropped` counts by reason what became no example."""

    examples: int
    dropped: dict[str, int]
    documents_without_example: list[str]
    teacher: Taught | None = None
    scenarios: Scenarios | None = None


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
class ConflictingAnswer:
    """One of several answers to a question: its beginning, and whether it was kept."""

    answer: str
    kept: bool


@dataclass(frozen=True)
class Conflict:
    """One question with several answers."""

    question: str
    answers: list[ConflictingAnswer]


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
    signals: dict[str, Sieved] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)
    expected_languages: list[str] = field(default_factory=list)
    personal_data: dict[str, int] = field(default_factory=dict)
    cluster_sizes: dict[str, int] = field(default_factory=dict)
    conflict_examples: list[Conflict] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Method:
    """A way of making variants, whether it was on, and why not."""

    name: str
    state: str
    reason: str = ""


@dataclass(frozen=True)
class Augmentation:
    """`augmentation.json` of 04; `factor` is examples written for each original."""

    originals: int
    variants: int
    factor: float
    variants_by_method: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, dict[str, int]] = field(default_factory=dict)
    """Method to reason to count."""
    methods: list[Method] = field(default_factory=list)


@dataclass(frozen=True)
class Split:
    """One split as 05 counted it."""

    examples: int
    supervised_tokens: int
    missing_eos: int
    variants: int | None = None
    """Other wordings made by 04."""


@dataclass(frozen=True)
class Leakage:
    """What 05 compared to make sure that nothing held out was seen in training."""

    held_out: int
    found: int


@dataclass(frozen=True)
class Statistics:
    """`statistics.json` of 05; `structure` is the share of training answers with each Markdown structure."""

    splits: dict[str, Split]
    structure: dict[str, float]
    split_unit: str | None = None
    leakage: Leakage | None = None


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
