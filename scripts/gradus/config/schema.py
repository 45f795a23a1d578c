"""Every key of the configuration with its type and range.

There is no default in here: defaults stand in `config/training_config.yaml` alone, whose comments are the manual.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gradus.config.augment import Augment as Augment
from gradus.config.curate import Curate as Curate
from gradus.config.curate import Likeness as Likeness
from gradus.config.curate import NearDuplicates as NearDuplicates
from gradus.config.curate import QualityBounds as QualityBounds
from gradus.config.curate import QualityWeights as QualityWeights
from gradus.config.delivery import Fidelity as Fidelity
from gradus.config.delivery import Fuse as Fuse
from gradus.config.delivery import Quantize as Quantize
from gradus.config.evaluate import Evaluate as Evaluate
from gradus.config.export import Export as Export
from gradus.config.hub_data import HubDataset, HubDefaults
from gradus.config.report import Report
from gradus.config.scenarios import ScenarioSettings
from gradus.config.section import Count as Count
from gradus.config.section import Fraction as Fraction
from gradus.config.section import Name as Name
from gradus.config.section import Positive as Positive
from gradus.config.section import PositiveFloat as PositiveFloat
from gradus.config.section import PositiveFraction as PositiveFraction
from gradus.config.section import Section as Section
from gradus.config.serve import Serve
from gradus.config.teach import Teach
from gradus.config.teacher import Teacher


class Run(Section):
    name: Name
    seed: Annotated[int, Field(ge=0, lt=2**32)]


class Paths(Section):
    workspace: str


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
    largest_group: Annotated[float, Field(gt=0, le=1)]
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
    valid: Fraction
    test: Fraction
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


class Lora(Section):
    rank: Positive
    scale: PositiveFloat
    dropout: Annotated[float, Field(ge=0, lt=1)]


class Schedule(Section):
    name: Literal["constant", "linear", "cosine"]
    warmup_updates: Count
    final_fraction: Fraction


class EarlyStopping(Section):
    patience: Count
    minimum_delta: Annotated[float, Field(ge=0)]


class Memory(Section):
    on_excess: Literal["adapt", "refuse", "ignore"]
    limit_fraction: PositiveFraction
    limit_gb: Annotated[float, Field(ge=0)]
    retries: Count


class FindLr(Section):
    lowest: PositiveFloat
    highest: PositiveFloat
    updates: Annotated[int, Field(ge=10)]
    smooth: Annotated[int, Field(ge=3)]
    explosion: Annotated[float, Field(gt=1)]
    margin: Annotated[float, Field(ge=1)]

    @model_validator(mode="after")
    def rises(self) -> FindLr:
        if self.lowest >= self.highest:
            raise ValueError("lowest must be below highest")
        if self.smooth % 2 == 0 or self.smooth > self.updates // 2:
            raise ValueError("smooth must be odd and at most half of updates")
        return self


class Sweep(Section):
    maximum_runs: Positive


class Objectives(Section):
    cross_entropy: Annotated[float, Field(ge=0)]
    distillation: Annotated[float, Field(ge=0)]
    structure: Annotated[float, Field(ge=0)]
    teacher: str
    direction: Literal["forward", "reverse"]
    temperature: PositiveFloat

    @model_validator(mode="after")
    def has_what_it_needs(self) -> Objectives:
        if not self.cross_entropy + self.distillation + self.structure:
            raise ValueError("at least one weight must be above 0")
        if self.distillation and not self.teacher:
            raise ValueError("distillation needs a teacher: name its folder in train.objectives.teacher")
        return self


class Launch(Section):
    hosts: list[Annotated[str, Field(min_length=1)]]
    backend: Literal["ring", "jaccl", "mpi"]
    processes: Positive

    @property
    def hostfile(self) -> str:
        """The host file of mlx.launch, or '' when hosts are listed one by one."""
        return self.hosts[0] if len(self.hosts) == 1 and self.hosts[0].endswith(".json") else ""

    @property
    def is_used(self) -> bool:
        """Whether a launcher is needed: there is more than one process, or another host."""
        return bool(self.hosts) or self.processes > 1

    @property
    def known_size(self) -> int:
        """How many processes there are as far as the configuration tells; a host file is read only when it is used."""
        return 1 if self.hostfile else self.processes * max(len(self.hosts), 1)

    @model_validator(mode="after")
    def is_possible(self) -> Launch:
        if self.backend == "jaccl" and not self.hostfile:
            raise ValueError("jaccl needs a host file: set hosts to one .json file as mlx.distributed_config writes it")
        if self.hostfile and (self.backend == "mpi" or self.processes > 1):
            raise ValueError("a host file goes with ring or jaccl and processes 1: it lists every process itself")
        if self.backend == "ring" and not self.hostfile and not all(_is_address(host) for host in self.hosts):
            raise ValueError("ring needs IP addresses, or a host file that gives them")
        return self


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Train(Section):
    start_from: Literal["base", "current"]
    method: Literal["lora", "dora", "full"]
    layers: Annotated[int, Field(ge=-1)]
    lora: Lora
    optimizer: Literal["adam", "adamw", "muon", "sgd", "adafactor"]
    learning_rate: PositiveFloat
    schedule: Schedule
    weight_decay: Annotated[float, Field(ge=0)]
    max_grad_norm: Annotated[float, Field(ge=0)]
    iterations: Positive
    batch_size: Positive
    gradient_accumulation: Positive
    gradient_checkpointing: bool
    objectives: Objectives
    curriculum: Literal["none", "length", "loss", "quality"]
    curriculum_stages: Annotated[int, Field(ge=2)]
    max_loss_rise: Annotated[float, Field(ge=0)]
    packing: bool
    row_tokens: Annotated[int, Field(ge=32)]
    report_every: Positive
    validate_every: Positive
    checkpoint_every: Positive
    keep_checkpoints: Positive
    early_stopping: EarlyStopping
    memory: Memory
    find_lr: FindLr
    sweep: Sweep
    launch: Launch

    @model_validator(mode="after")
    def rows_can_be_shared_out(self) -> Train:
        if self.batch_size % self.launch.known_size:
            raise ValueError(f"batch_size ({self.batch_size}) must be a multiple of the number of processes ({self.launch.known_size})")
        return self

    @model_validator(mode="after")
    def accumulation_divides(self) -> Train:
        for key in ("iterations", "checkpoint_every"):
            if getattr(self, key) % self.gradient_accumulation:
                raise ValueError(f"gradient_accumulation ({self.gradient_accumulation}) must divide {key} ({getattr(self, key)})")
        return self


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
