"""Register the run's adapter, ask the gate, and write down what was decided and why."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gradus.config import Config
from gradus.errors import GradusError
from gradus.files import iter_jsonl, read_json, sha256_file, write_json
from gradus.promote.gate import objections
from gradus.promote.outside import PASSED
from gradus.promote.pairing import Paired, against_current
from gradus.records import Base
from gradus.registry import SOURCES, Gate, Registry
from gradus.registry_entries import WEIGHTS, Candidate, Graded, Version
from gradus.results import Evaluation
from gradus.step import StepContext, Summary

log = logging.getLogger(__name__)
UNITS = ("group", "document_id", "origin_id")


def promote(context: StepContext) -> Summary:
    """Work of step 09: a registered version and `decision.json`. A refusal by the gate is an outcome, not an error."""
    config, registry = context.config, Registry(context.workspace)
    before = registry.book().current
    version = registry.register_model(candidate_of(context))
    rival = registry.rival_of(version.identity)
    paired = compared(registry, version, rival, config)
    if version.state == "candidate":
        version, reasons = registry.decide(version.id, gate_of(registry, config), reason=PASSED)
    else:
        reasons = _standing(registry, version, paired, config)
    outcome = _outcome(version, before, reasons)
    if reasons:
        link = "although" if version.state == "current" else "because"
        log.warning("%s %s, %s %s.", version.id, outcome, link, "; ".join(reasons))
    write_json(context.out / "decision.json", _decision(config, registry, version, outcome, reasons, paired))
    return _summary(registry, version, outcome, reasons, paired)


def register(context: StepContext) -> Summary:
    """Work of `register`: the adapter is entered, and no gate is asked; writes `registered.json`."""
    registry = Registry(context.workspace)
    version = registry.register_model(candidate_of(context))
    write_json(context.out / "registered.json", asdict(version))
    return {"version": version.id, "state": version.state}


def candidate_of(context: StepContext) -> Candidate:
    """The adapter of a run with all that is registered with it; writes `sources.json`.

    Raises:
        GradusError: when the data or the base are not those that the adapter was trained on.
    """
    inputs = context.inputs
    evaluation = inputs["07_evaluate/evaluation.json"]
    adapter = [inputs[f"06_train_mlx/{name}"] for name in (WEIGHTS, "adapter_config.json", "run_metadata.json")]
    base = inputs["05_prepare/base.json"]
    metadata = read_json(adapter[2])
    _check_base(read_json(base), metadata, base)
    write_json(context.out / SOURCES, _sources(inputs["05_prepare/train.jsonl"], metadata))
    return Candidate(
        run=context.config.run.name,
        method=read_json(adapter[1])["fine_tune_type"],
        base=Base(**read_json(base)),
        data=dict(metadata["dataset"]),
        graded=Graded.of(Evaluation.from_json(evaluation), sha256_file(evaluation)),
        files=(*adapter, base, context.out / SOURCES),
        evaluation=(evaluation, inputs["07_evaluate/answers.jsonl"]),
    )


def _check_base(base: dict[str, Any], metadata: dict[str, Any], path: Path) -> None:
    """An adapter that is registered with a base it was not trained on would never load."""
    now, then = (f"{one['name']}, revision {one['revision']}" for one in (base, metadata["base"]))
    if now != then:
        what = f"this base model ({now}) is not the one that the adapter was trained on ({then})"
        raise GradusError(what, where=str(path), cure="Bring the run up to date with python scripts/run_all.py --to 09_promote")


def _sources(path: Path, metadata: dict[str, Any]) -> dict[str, list[str]]:
    """What the adapter was trained on, by unit, so that a later split can keep it out of the test.

    The sources that say the same as a training example (`repeated_in`, from 03_curate) count as trained on.
    """
    if sha256_file(path) != metadata["dataset"]["train"]:
        cure = "Bring the run up to date with python scripts/run_all.py --to 09_promote"
        raise GradusError("these data are not those that the adapter was trained on", where=str(path), cure=cure)
    rows = list(iter_jsonl(path, dict))
    return {unit: sorted({name for row in rows for name in (row[unit], *row.get("repeated_in", {}).get(unit, ()))}) for unit in UNITS}


def compared(registry: Registry, version: Version, rival: Version | None, config: Config) -> Paired | str | None:
    """The version against another on the same questions, or why that is not known; None without another."""
    if rival is None:
        return None
    return against_current(registry, version, rival, config.promote.common_share, config.evaluate.bootstrap_samples)


def gate_of(registry: Registry, config: Config) -> Gate:
    """The gate as the registry asks it."""
    return lambda version, current: _objections(registry, version, compared(registry, version, current, config), config)


def _objections(registry: Registry, version: Version, paired: Paired | str | None, config: Config) -> list[str]:
    metadata = registry.folder_of(version) / "run_metadata.json"
    untrained = metadata.name in version.files and read_json(metadata)["best"]["iteration"] == 0
    return objections(version.graded, paired, config.promote, untrained=untrained)


def _standing(registry: Registry, version: Version, paired: Paired | str | None, config: Config) -> list[str]:
    """Why the present model would not be promoted again, or why an earlier one is not."""
    found = _objections(registry, version, paired, config)
    event = registry.book().last_switch(version.id)
    if version.state == "archived" and event:
        went = f"rolled back to {event.version} ({event.reason})" if event.action == "rolled back" else f"replaced by {event.version}"
        found.append(f"it was current until it was {went}, {event.time}; 'python scripts/09_promote.py promote {version.id}' brings it back")
    return found


def _outcome(version: Version, before: Version | None, reasons: list[str]) -> str:
    if version.state == "current":
        return "stays the current model" if before and before.id == version.id else "promoted"
    return "stays archived" if version.state == "archived" else "stays a candidate"


def _decision(config: Config, registry: Registry, version: Version, outcome: str, reasons: list[str], paired: Paired | str | None) -> dict[str, Any]:
    current = registry.book().current
    return {
        "run": config.run.name,
        "version": version.id,
        "decision": outcome,
        "reasons": reasons,
        "gate": config.promote.model_dump(),
        "grade": asdict(version.graded),
        "against": asdict(paired) if isinstance(paired, Paired) else None,
        "current": current.id if current else None,
        "decided": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _summary(registry: Registry, version: Version, outcome: str, reasons: list[str], paired: Paired | str | None) -> Summary:
    book = registry.book()
    graded = version.graded
    grade = "withheld" if graded.percent is None else f"{graded.letter} ({graded.percent:.1f} %, base {graded.base_percent:.1f} %)"
    summary: Summary = {"version": version.id, "grade": grade}
    if isinstance(paired, Paired):
        summary["against"] = str(paired)
    summary["decision"] = outcome
    if reasons:
        summary["although" if version.state == "current" else "because"] = "; ".join(reasons)
    return {**summary, "current": book.current.id if book.current else "none", "registered": len(book.versions)}
