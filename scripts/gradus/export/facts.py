"""What the model card states of the earlier steps, read from their files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from gradus.compare import Sample
from gradus.export.standing import Standing, standing
from gradus.files import read_json
from gradus.records import Base
from gradus.results import Evaluation
from gradus.step import StepContext


@dataclass(frozen=True)
class Source:
    """One entry of the collection, and what came from it. A folder goes by its last part: a card is for others to read."""

    name: str
    documents: int
    bytes: int


@dataclass(frozen=True)
class Facts:
    """Everything the card states; the dictionaries are the files as their steps wrote them."""

    name: str
    licence: str
    variant: str
    base: Base
    evaluation: Evaluation
    training: dict[str, Any]
    statistics: dict[str, Any]
    sources: tuple[Source, ...]
    fuse: dict[str, Any]
    quantization: dict[str, Any]
    standing: Standing | None
    """In the registry; None when the adapter is not registered."""
    sample: Sample
    """What the exported variant answered when its own step loaded it."""


def read_facts(context: StepContext) -> Facts:
    """Read every input but the models. Raises UserError or GradusError when one is missing or damaged."""
    settings = context.config.export
    base = Base(**read_json(context.input("05_prepare/base.json")))
    fuse = read_json(context.input("10_fuse/fuse.json"))
    quantization = read_json(context.input("11_quantize/quantization.json"))
    return Facts(
        name=settings.model_name,
        licence=settings.licence or base.licence,
        variant=settings.variant,
        base=base,
        evaluation=Evaluation.from_json(context.input("07_evaluate/evaluation.json")),
        training=read_json(context.input("06_train_mlx/run_metadata.json")),
        statistics=read_json(context.input("05_prepare/statistics.json")),
        sources=_sources(read_json(context.input("01_collect/manifest.json"))["by_source"]),
        fuse=fuse,
        quantization=quantization,
        standing=standing(context.config),
        sample=Sample(**(fuse if settings.variant == "fused" else quantization)["sample"]),
    )


def _sources(by_source: dict[str, dict[str, int]]) -> tuple[Source, ...]:
    return tuple(Source(PurePath(name).name or name, row["documents"], row["bytes"]) for name, row in by_source.items())
