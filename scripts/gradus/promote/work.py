"""Register the run's adapter, ask the gate, and write down what was decided and why."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from gradus.files import read_json, sha256_file, write_json
from gradus.promote.entries import Candidate, Graded, Version
from gradus.promote.gate import objections
from gradus.promote.registry import REGISTRY, WEIGHTS, Registry
from gradus.records import Base
from gradus.results import Evaluation
from gradus.step import StepContext, Summary

log = logging.getLogger(__name__)


def promote(context: StepContext) -> Summary:
    """Work of step 09: a registered version and `decision.json`. A refusal by the gate is an outcome, not an error."""
    registry = Registry(context.workspace / REGISTRY)
    version = registry.register_model(_candidate(context))
    before = registry.book().current
    reasons = _reasons(version, context)
    if version.state == "candidate" and reasons:
        registry.note_refusal(version, "; ".join(reasons))
    elif version.state == "candidate":
        version = registry.promote(version.id, reason="passed the gate")
    outcome = _outcome(version, before, reasons)
    if reasons:
        link = "although" if version.state == "current" else "because"
        log.warning("%s %s, %s %s.", version.id, outcome, link, "; ".join(reasons))
    write_json(context.out / "decision.json", _decision(context, registry, version, outcome, reasons))
    return _summary(registry, version, outcome, reasons)


def _candidate(context: StepContext) -> Candidate:
    evaluation_path = context.input("07_evaluate/evaluation.json")
    adapter = [context.input(f"06_train_mlx/{name}") for name in (WEIGHTS, "adapter_config.json", "run_metadata.json")]
    base_path = context.input("05_prepare/base.json")
    return Candidate(
        run=context.config.run.name,
        method=read_json(adapter[1])["fine_tune_type"],
        base=Base(**read_json(base_path)),
        data=data_hashes(read_json(adapter[2])),
        graded=Graded.of(Evaluation.from_json(evaluation_path), sha256_file(evaluation_path)),
        files=(*adapter, base_path),
    )


def data_hashes(metadata: dict[str, Any]) -> dict[str, str]:
    """SHA-256 of the files a run was trained with, from its `run_metadata.json`."""
    return dict(metadata["dataset"])


def _reasons(version: Version, context: StepContext) -> list[str]:
    """Why the version is not promoted now, or why the present one would not be promoted again."""
    found = objections(version.graded, context.config.promote)
    if version.state == "archived":
        found.append(f"it was current before and was replaced; 'python scripts/09_promote.py promote {version.id}' brings it back")
    return found


def _outcome(version: Version, before: Version | None, reasons: list[str]) -> str:
    if version.state == "current":
        return "stays the current model" if before and before.id == version.id else "promoted"
    return "stays archived" if version.state == "archived" else "stays a candidate"


def _decision(context: StepContext, registry: Registry, version: Version, outcome: str, reasons: list[str]) -> dict[str, Any]:
    current = registry.book().current
    return {
        "run": context.config.run.name,
        "version": version.id,
        "decision": outcome,
        "reasons": reasons,
        "gate": context.config.promote.model_dump(),
        "grade": asdict(version.graded),
        "current": current.id if current else None,
        "decided": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _summary(registry: Registry, version: Version, outcome: str, reasons: list[str]) -> Summary:
    book = registry.book()
    graded = version.graded
    grade = "withheld" if graded.percent is None else f"{graded.letter} ({graded.percent:.1f} %, base {graded.base_percent:.1f} %)"
    summary: Summary = {"version": version.id, "grade": grade, "decision": outcome}
    if reasons:
        summary["although" if version.state == "current" else "because"] = "; ".join(reasons)
    return {**summary, "current": book.current.id if book.current else "none", "registered": len(book.versions)}
