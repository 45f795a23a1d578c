"""The keys of 06_train_mlx."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gradus.config.section import Count, Fraction, NotNegative, Positive, PositiveFloat, PositiveFraction, Section


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
    minimum_delta: NotNegative


class Memory(Section):
    on_excess: Literal["adapt", "refuse", "ignore"]
    limit_fraction: PositiveFraction
    limit_gb: NotNegative
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
    cross_entropy: NotNegative
    distillation: NotNegative
    structure: NotNegative
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
    weight_decay: NotNegative
    max_grad_norm: NotNegative
    iterations: Positive
    batch_size: Positive
    gradient_accumulation: Positive
    gradient_checkpointing: bool
    objectives: Objectives
    curriculum: Literal["none", "length", "loss", "quality"]
    curriculum_stages: Annotated[int, Field(ge=2)]
    max_loss_rise: NotNegative
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
