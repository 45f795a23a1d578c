"""The work of 12_export: copy the chosen model, write its card, load the folder and ask it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from gradus.compare import copy_model, weight_bytes
from gradus.export.card import model_card
from gradus.export.check import Checks, check_folder
from gradus.export.facts import Facts, read_facts
from gradus.files import sha256_file, write_json, write_text
from gradus.step import StepContext, Summary


def export(context: StepContext) -> Summary:
    """Work of step 12: `huggingface/` and `export.json`.

    Raises:
        GradusError: when the exported folder does not answer as the model it was made from.
    """
    facts = read_facts(context)
    source = context.input("10_fuse/model" if facts.variant == "fused" else "11_quantize/model")
    folder = context.out / "huggingface"
    copy_model(source, folder)
    write_text(folder / "README.md", model_card(facts))
    checks = check_folder(folder, source, facts.sample)
    write_json(context.out / "export.json", _record(facts, folder, checks))
    return _summary(facts, folder, checks)


def _record(facts: Facts, folder: Path, checks: Checks) -> dict[str, Any]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    grade = facts.evaluation.grade
    return {
        "model_name": facts.name,
        "variant": facts.variant,
        "base": {"kind": facts.base.kind, "name": facts.base.name, "revision": facts.base.revision},
        "licence": facts.licence or None,
        "grade": {"letter": grade.letter, "percent": grade.percent, "withheld": grade.withheld},
        "weight_bytes": weight_bytes(folder),
        "checks": asdict(checks),
        "files": {p.relative_to(folder).as_posix(): {"sha256": sha256_file(p), "bytes": p.stat().st_size} for p in files},
    }


def _summary(facts: Facts, folder: Path, checks: Checks) -> Summary:
    grade = facts.evaluation.grade
    demonstration = " (a demonstration)" if facts.base.kind == "builtin" else ""
    return {
        "model": facts.name,
        "base": facts.base.name + demonstration,
        "variant": facts.variant,
        "grade on its card": "withheld" if grade.percent is None else f"{grade.letter} ({grade.percent:.1f} %)",
        "licence": facts.licence or "none stated (export.licence)",
        "size": f"{weight_bytes(folder) / 1e6:,.1f} MB of weights, {len(list(folder.iterdir()))} files",
        "loaded again": f"{'same answer' if checks.answer else 'no answer, the same'} as before, same tokens for {checks.tokenizer_texts} texts",
    }
