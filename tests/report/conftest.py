"""A small run as the earlier steps would leave it: every file that 08_report reads, built from the real record types."""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gradus.config import load_config
from gradus.records import Base
from gradus.report import STEP
from gradus.report.record import RECORD, Record, as_json
from gradus.report.sources import Sources, read_sources
from gradus.report.work import write_report
from gradus.results import AnswerRow, Evaluation, ScoredAnswer
from gradus.step import StepContext

from ..evaluations import evaluation

HUB = Base("hub", "someone/small-model", "/models/small", "abc123", "model.base names it", 596_000_000, "apache-2.0")


def answer(text: str, percent: float) -> ScoredAnswer:
    return ScoredAnswer(text, True, len(text.split()), percent, percent / 100, percent / 100, {"finished": 1.0, "rouge_l": percent / 100}, 1.5)


def answer_row(name: str, base: float, tuned: float, text: str = "It returns the **sum**.") -> AnswerRow:
    """A question with its answers; percentages of base and tuned model."""
    return AnswerRow(
        name,
        "definition",
        "math",
        f"doc-{name}",
        f"What is {name}?",
        "It returns the **sum** of both.",
        answer("It is it.", base),
        answer(text, tuned),
    )


def metadata() -> dict[str, Any]:
    return {
        "created": "2026-01-02T03:04:05+00:00",
        "git": {"commit": "0123456789abcdef", "dirty": True},
        "machine": {"processor": "Some CPU", "cores": 2, "memory_gb": 8.0, "system": "Linux", "python": "3.11.9"},
        "packages": {"mlx": "0.32.4"},
        "config": load_config().model_dump(),
        "dataset": {"train": "a" * 64},
        "method": "lora",
        "iterations": 100,
        "stopped": "finished",
        "first_valid_loss": 3.0,
        "trainable_parameters": 1000,
        "total_parameters": 10_000,
    }


def statistics() -> dict[str, Any]:
    lengths = {"median": 80, "p95": 200, "max": 300}
    leakage = {"held_out": 200, "trained": 100, "threshold": 0.8, "found": 0}
    split = {"examples": 100, "groups": 9, "tokens": 9000, "supervised_tokens": 7000, "truncated": 0, "missing_eos": 0, "length": lengths}
    structure = {"bold": 0.7, "lists": 0.5, "headings": 0.0, "tables": 0.0, "code": 0.3}
    splits = dict.fromkeys(("train", "valid", "test"), split)
    return {"splits": splits, "structure": structure, "kinds": {"definition": 100}, "split_unit": "group", "leakage": leakage}


def curation() -> dict[str, Any]:
    quality = {"kept": {"mean": 0.9, "histogram": [0, 0, 10, 70]}, "removed": {"mean": 0.4, "histogram": [0, 15, 5, 0]}}
    counts = {"examples": 100, "kept": 80, "removed": 20, "conflicts": 1, "examples_with_personal_data": 2, "score_cut": 0.61}
    reasons = {"removed_by_reason": {"low_quality": 15, "near_duplicate": 5}, "lowered_by": {"length": 15}, "repairs": {"mojibake": 3}}
    more = {"languages": {"en": 90, "de": 4}, "expected_languages": ["en"], "personal_data": {"email": 2}, "cluster_sizes": {"2": 3, "4": 1}}
    conflict = {"question": "What is it?", "answers": [{"id": "a", "answer": "One.", "kept": True}, {"id": "b", "answer": "Two.", "kept": False}]}
    settings = {"decontaminate": ["sets/exam.jsonl"], "weights": {"length": 1.0, "language": 2.0}}
    signals = {"length": quality, "language": quality}
    told = {"quality": quality, "signals": signals, "personal_data_mode": "mask", "conflict_examples": [conflict], "settings": settings}
    return {**counts, **reasons, **more, **told}


def manifest() -> dict[str, Any]:
    sources = {"mlx": {"documents": 40, "bytes": 8000, "too_short": 2}, "docs/guide.md": {"documents": 20, "bytes": 1000}}
    return {
        "documents": 60,
        "bytes": 9000,
        "duplicates": 4,
        "too_short": 2,
        "groups": 9,
        "by_source": sources,
        "by_status": {"text": 60, "broken": 1},
    }


def augmentation() -> dict[str, Any]:
    methods = [{"name": "question template", "state": "on", "reason": ""}, {"name": "paraphrase", "state": "off", "reason": "needs a teacher model"}]
    dropped = {"question template": {"too like another question": 5}}
    return {"originals": 80, "variants": 60, "factor": 1.75, "variants_by_method": {"question template": 60}, "dropped": dropped, "methods": methods}


def upstream() -> dict[str, dict[str, Any]]:
    """The JSON objects of 01 to 06 by the name under which the report reads them; statistics and metadata among them."""
    curve = {
        "train": [[10, 2.9], [50, 2.0], [100, 1.8]],
        "valid": [[0, 3.0], [50, 2.2], [75, 2.1], [100, 2.09]],
        "best": {"iteration": 100, "loss": 2.09},
    }
    return {
        "01_collect/manifest.json": manifest(),
        "02_extract/extraction.json": {"examples": 100, "dropped": {"too short": 7}, "documents_without_example": ["x"]},
        "03_curate/curation.json": curation(),
        "04_augment/augmentation.json": augmentation(),
        "05_prepare/statistics.json": statistics(),
        "06_train_mlx/loss_curve.json": curve,
        "06_train_mlx/run_metadata.json": metadata(),
    }


@dataclass
class Case:
    """One run on disk under `root`; change its parts, then ask for its `sources` or its `page`."""

    root: Path
    base: Base = HUB
    evaluation: Evaluation = field(default_factory=lambda: evaluation(HUB))
    answers: list[AnswerRow] = field(default_factory=list)
    files: dict[str, dict[str, Any]] = field(default_factory=upstream)
    run: str = "test"
    settings: list[str] = field(default_factory=list)
    titles: dict[str, str] = field(default_factory=dict)

    def context(self) -> StepContext:
        """Write every input and describe them as the step mechanism would."""
        config = load_config(settings=[f"run.name={self.run}", f"paths.workspace={self.root}", *self.settings])
        written = {**self.files, "05_prepare/base.json": dataclasses.asdict(self.base), "07_evaluate/evaluation.json": self.evaluation.to_json()}
        for name, value in written.items():
            self._write(name, json.dumps(value))
        self._write("07_evaluate/answers.jsonl", "".join(json.dumps(row.to_json()) + "\n" for row in self.answers))
        self._write("06_train_mlx/loss_curve.png", "picture")
        documents = [{"id": row.document_id, "title": self.titles.get(row.document_id, row.document_id), "licence": "MIT"} for row in self.answers]
        self._write("01_collect/documents.jsonl", "".join(json.dumps(row) + "\n" for row in documents))
        out = self.reports / ".work" / f"08_report-{self.run}"
        out.mkdir(parents=True, exist_ok=True)
        return StepContext(config, out, self.reports / self.run, self.root, {name: self.root / name for name in STEP.reads})

    @property
    def reports(self) -> Path:
        """Where the folders of all runs and the overview are."""
        return self.root / "reports"

    def _write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def sources(self) -> Sources:
        return read_sources(self.context())

    def page(self) -> str:
        """Write the report and return the HTML; the Markdown lies beside it."""
        context = self.context()
        write_report(context)
        return (context.out / "report.html").read_text(encoding="utf-8")

    def markdown(self) -> str:
        context = self.context()
        write_report(context)
        return (context.out / "report.md").read_text(encoding="utf-8")

    def publish(self) -> None:
        """Write the report and move it to its place, as the step mechanism would."""
        context = self.context()
        write_report(context)
        shutil.rmtree(context.target, ignore_errors=True)
        context.out.rename(context.target)

    def index(self) -> str:
        return (self.reports / "index.html").read_text(encoding="utf-8")

    def add(self, name: str, base: float, tuned: float, text: str = "It returns the **sum**.") -> None:
        """One more answered question."""
        self.answers.append(answer_row(name, base, tuned, text))

    def set(self, name: str, **values: Any) -> None:
        """Change fields of one upstream file."""
        self.files[name].update(values)


def write_runs(reports: Path, records: dict[str, Record]) -> None:
    """Folders of runs whose reports were written elsewhere."""
    for name, record in records.items():
        (reports / name).mkdir(parents=True, exist_ok=True)
        (reports / name / RECORD).write_text(json.dumps(as_json(record)), encoding="utf-8")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    rows = [answer_row("one", 20.0, 90.0), answer_row("two", 30.0, 80.0), answer_row("three", 10.0, 75.0), answer_row("four", 60.0, 57.0)]
    return Case(tmp_path, answers=rows)
