"""12_export: the model in the formats that other programs read, with a card whose numbers are the measured ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradus.step import Step, StepContext, Summary

if TYPE_CHECKING:
    from gradus.config import Config


def _work(context: StepContext) -> Summary:
    from gradus.export.work import export

    return export(context)


def _outside(config: Config) -> str:
    """What the registry says of the model: the card tells it."""
    from gradus.export.standing import standing

    return str(standing(config))


STEP = Step(
    name="12_export",
    title="write the formats that others read",
    version=3,
    output="models/export/{run}",
    work=_work,
    reads=(
        "10_fuse/model",
        "10_fuse/fuse.json",
        "10_fuse/held_out.json",
        "11_quantize/model",
        "11_quantize/quantization.json",
        "07_evaluate/evaluation.json",
        "06_train_mlx/run_metadata.json",
        "05_prepare/base.json",
        "05_prepare/statistics.json",
        "01_collect/manifest.json",
    ),
    # Not export.upload: where it is sent changes nothing of it.
    config_keys=tuple(f"export.{key}" for key in ("variant", "model_name", "publisher", "licence", "formats", "gguf", "ollama")),
    outside=_outside,
    outside_is="the model's place in the registry",
)
