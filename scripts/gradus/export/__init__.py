"""12_export: the model in the formats that other programs read, with a card whose numbers are the measured ones."""

from __future__ import annotations

from gradus.step import Step, StepContext, Summary


def _work(context: StepContext) -> Summary:
    from gradus.export.work import export

    return export(context)


STEP = Step(
    name="12_export",
    title="write the model in the formats that others read",
    version=2,
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
)
