"""No figure and no file without what it stands for: sizes, checksums and paths after all twelve steps have really run."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open

from gradus.files import read_json, sha256_file
from gradus.pipeline import STEPS
from gradus.registry import Registry
from gradus.results import Evaluation
from gradus.road import run_all
from gradus.step import marker_of, read_marker, run_step, target_of

from .conftest import Place

RUN = "weekly-continued-1"
PLACEHOLDERS = (b"placeholder", b"lorem ipsum", b"dummy", b"todo:", b"not implemented", b"coming soon")
TEXT = {".json", ".jsonl", ".md", ".html", ".txt", ".jinja", ".yaml", ""}


@pytest.fixture(scope="module")
def weights(finished: Place) -> list[Path]:
    """All weight files that the steps left."""
    found = sorted(path for path in finished.workspace.rglob("*.safetensors") if ".work" not in path.parts)
    assert len(found) >= 5  # base, adapter, registered adapter, fused, quantized, exported
    return found


def outputs(place: Place) -> Iterator[tuple[str, Path]]:
    """Every file of every step, by the step's marker."""
    config = place.config(f"run.name={RUN}")
    for name, step in STEPS.items():
        marker = read_marker(step, config)
        assert marker is not None, f"{name} has not finished"
        assert marker["outputs"], name
        for file in marker["outputs"]:
            yield name, target_of(step, config) / file


def test_every_step_ended_and_its_files_are_what_its_marker_says(finished: Place) -> None:
    config = finished.config(f"run.name={RUN}")
    assert {name for name, _ in outputs(finished)} == set(STEPS)
    for step in STEPS.values():
        for file, entry in read_json(marker_of(step, config))["outputs"].items():
            path = target_of(step, config) / file
            assert (path.stat().st_size, sha256_file(path)) == (entry["bytes"], entry["sha256"])


def test_no_file_is_empty_or_a_placeholder(finished: Place) -> None:
    allowed_empty = {"03_curated/removed.jsonl", "04_augmented/dropped.jsonl", "02_extracted/rejected.jsonl"}  # lists that may hold nothing
    for name, path in outputs(finished):
        content = path.read_bytes()
        assert content or "/".join(path.parts[-2:]) in allowed_empty, f"{name}: {path.name} is empty"
        if path.suffix in TEXT:
            found = [mark for mark in PLACEHOLDERS if mark in content.lower()]
            assert not found, f"{name}: {path} holds {found}"


def test_weights_are_as_large_as_their_parameters_and_no_two_stand_in_for_each_other(weights: list[Path]) -> None:
    for path in weights:
        with safe_open(path, framework="numpy") as tensors:
            shapes = [tensors.get_slice(name) for name in tensors.keys()]  # noqa: SIM118  safe_open cannot be iterated
            needed = sum(math.prod(shape.get_shape()) * _bytes_of(shape.get_dtype()) for shape in shapes)
        assert needed > 0
        assert needed <= path.stat().st_size <= needed + 64 * 1024


def _bytes_of(kind: str) -> int:
    return {"F32": 4, "F16": 2, "BF16": 2, "U32": 4, "I32": 4, "U8": 1, "I8": 1}[kind]


def test_the_adapter_has_the_parameters_it_reports_and_was_really_trained(finished: Place) -> None:
    folder = finished.workspace / "adapters" / RUN
    metadata = read_json(folder / "run_metadata.json")
    with safe_open(folder / "adapters.safetensors", framework="numpy") as tensors:
        loaded = {name: tensors.get_tensor(name) for name in tensors.keys()}  # noqa: SIM118
    assert sum(tensor.size for tensor in loaded.values()) == metadata["trainable_parameters"]
    assert (folder / "adapters.safetensors").stat().st_size >= 4 * metadata["trainable_parameters"]
    assert any(np.abs(tensor).max() > 0 for name, tensor in loaded.items() if name.endswith("lora_b"))  # they start at zero


def test_model_folders_have_plausible_sizes(finished: Place) -> None:
    base = read_json(finished.workspace / "data/05_prepared/base.json")
    parameters, models = base["parameters"], finished.workspace / "models"
    sizes = {kind: _size(models / place) for kind, place in {"fused": f"fused/{RUN}", "quantized": f"quantized/{RUN}"}.items()}
    assert sizes["fused"] >= 2 * parameters
    assert 0.5 * parameters <= sizes["quantized"] <= sizes["fused"] + 200_000
    assert _size(finished.workspace / base["path"]) >= 2 * parameters
    assert _size(models / "export" / RUN) >= min(sizes.values()) // 2


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_every_path_in_the_registry_exists_and_is_inside_the_workspace(finished: Place) -> None:
    registry = Registry(finished.workspace)
    assert str(finished.root) not in registry.path.read_text(encoding="utf-8")
    for version in registry.book().versions:
        registry.verify(version)
        assert registry.base_folder_of(version).joinpath("config.json").is_file()
        assert {str(path.relative_to(registry.folder_of(version))) for path in registry.folder_of(version).rglob("*") if path.is_file()} == set(
            version.files
        )
        evaluation = registry.evaluation_of(version)
        assert evaluation is not None
        assert sha256_file(evaluation / "evaluation.json") == version.graded.evaluation_sha256


def test_figures_in_the_summaries_come_from_the_files(finished: Place) -> None:
    config = finished.config(f"run.name={RUN}")
    evaluation = Evaluation.from_json(finished.workspace / "reports" / RUN / "evaluation.json")
    rows = (finished.workspace / "reports" / RUN / "answers.jsonl").read_text().splitlines()
    answers = [json.loads(row) for row in rows]
    assert evaluation.questions == len(answers)
    for who, scores in (("base", evaluation.base), ("tuned", evaluation.tuned)):
        assert scores.percent == pytest.approx(np.mean([answer[who]["percent"] for answer in answers]))
    version = Registry(finished.workspace).get_latest()
    assert version.graded.percent == evaluation.grade.percent
    for step in STEPS.values():
        assert not list(_not_finite(read_json(marker_of(step, config))["summary"]))


def _not_finite(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _not_finite(inner)
    elif isinstance(value, float) and not math.isfinite(value):
        yield value


def test_a_dry_run_writes_nothing_and_reports_no_figure(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fresh = place.config(f"paths.workspace={tmp_path / 'fresh'}")
    for step in STEPS.values():
        outcome = run_step(step, fresh, STEPS, dry_run=True)
        assert (outcome.status, outcome.summary, outcome.seconds) == ("would run", {}, 0.0)
    run_all(fresh, STEPS, "01_collect", "12_export", dry_run=True)
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 12
    assert not any(word in out for word in ("%", "grade", "loss", "seconds"))
    assert not (tmp_path / "fresh").exists()
