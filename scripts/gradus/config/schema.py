"""Every key of the configuration with its type and range.

There is no default in here: defaults stand in `config/training_config.yaml` alone, whose comments are the manual.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from gradus.config.augment import Augment as Augment
from gradus.config.curate import Curate as Curate
from gradus.config.curate import Likeness as Likeness
from gradus.config.curate import NearDuplicates as NearDuplicates
from gradus.config.curate import QualityBounds as QualityBounds
from gradus.config.curate import QualityWeights as QualityWeights
from gradus.config.delivery import Fidelity, Fuse, Quantize
from gradus.config.evaluate import Evaluate
from gradus.config.export import Export
from gradus.config.hub_data import HubDataset, HubDefaults
from gradus.config.report import Report
from gradus.config.scenarios import ScenarioSettings
from gradus.config.section import Count, Name, Positive, PositiveFloat, PositiveFraction
from gradus.config.section import Section as Section
from gradus.config.serve import Serve
from gradus.config.teach import Teach
from gradus.config.teacher import Teacher
from gradus.config.train import FindLr as FindLr
from gradus.config.train import Launch as Launch
from gradus.config.train import Memory as Memory
from gradus.config.train import Objectives as Objectives
from gradus.config.train import Train as Train


class Run(Section):
    name: Name
    seed: Annotated[int, Field(ge=0, lt=2**32)]


class Paths(Section):
    workspace: str

    @field_validator("workspace")
    @classmethod
    def with_home_filled_in(cls, value: str) -> str:
        if "$" in value:
            raise ValueError("environment variables are not filled in here; write the path, with ~ for your home folder")
        try:
            return str(Path(value).expanduser())
        except RuntimeError as error:
            raise ValueError("there is no such home folder") from error


class Collect(Section):
    python_docs: list[str]
    folders: list[str]
    hub_datasets: list[HubDataset]
    hub: HubDefaults
    strict: bool
    max_file_mb: PositiveFloat
    file_timeout_seconds: PositiveFloat
    file_memory_mb: Annotated[int, Field(ge=200)]
    max_inflated_mb: PositiveFloat
    max_inflation_ratio: Annotated[float, Field(ge=1)]
    password_file: str
    pdf_heading_size: Annotated[float, Field(gt=1)]
    notebook_output_characters: Count
    pdf_repeated_lines: Annotated[float, Field(gt=0.5, le=1)]
    min_characters: Count
    min_docstring_characters: Count
    largest_group: PositiveFraction
    import_timeout_seconds: PositiveFloat


class Extract(Section):
    questions_per_object: Positive
    max_signature_characters: Annotated[int, Field(ge=20)]
    min_answer_characters: Count
    max_answer_characters: Positive
    teacher: Teacher
    teach: Teach
    scenarios: ScenarioSettings


class Split(Section):
    valid: PositiveFraction
    test: PositiveFraction
    largest_cluster: PositiveFraction

    @model_validator(mode="after")
    def leaves_training_data(self) -> Split:
        if self.valid + self.test >= 0.9:
            raise ValueError("valid and test together leave less than a tenth for training")
        return self


class Prepare(Section):
    max_tokens: Annotated[int, Field(ge=32)]
    system_prompt: str
    split: Split
    trained_before: str


class Hub(Section):
    name: str
    revision: str
    timeout_seconds: Annotated[float, Field(gt=0, le=5)]
    on_cpu: bool


class Builtin(Section):
    layers: Positive
    hidden: Annotated[int, Field(ge=32, multiple_of=32)]
    heads: Positive
    kv_heads: Positive
    intermediate: Annotated[int, Field(ge=32, multiple_of=32)]
    vocabulary: Annotated[int, Field(ge=512, le=65536)]
    context: Annotated[int, Field(ge=64)]
    steps: Positive
    max_minutes: PositiveFloat
    batch_size: Positive
    sequence_length: Annotated[int, Field(ge=32)]
    learning_rate: PositiveFloat
    embedding_learning_rate: PositiveFloat

    @model_validator(mode="after")
    def heads_fit(self) -> Builtin:
        if self.hidden % self.heads or self.heads % self.kv_heads:
            raise ValueError("hidden must be a multiple of heads, and heads of kv_heads")
        return self


class Model(Section):
    base: str
    hub: Hub
    builtin: Builtin


class Monitor(Section):
    port: Annotated[int, Field(ge=0, le=65535)]
    report_to: list[Literal["tensorboard", "wandb", "swanlab"]]


class Promote(Section):
    minimum_percent: Annotated[float, Field(ge=0, le=100)]
    must_beat_base: bool
    significance: Annotated[float, Field(gt=0, lt=1)]
    tolerance_points: Annotated[float, Field(ge=0, le=100)]
    common_share: PositiveFraction


class Config(Section):
    """The whole configuration; a room takes its section, `run` and what else it declares."""

    run: Run
    paths: Paths
    collect: Collect
    extract: Extract
    curate: Curate
    augment: Augment
    prepare: Prepare
    model: Model
    train: Train
    monitor: Monitor
    evaluate: Evaluate
    report: Report
    promote: Promote
    fidelity: Fidelity
    fuse: Fuse
    quantize: Quantize
    export: Export
    serve: Serve
