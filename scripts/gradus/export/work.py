"""The work of 12_export: each format that was asked for, checked against the model it was made from."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gradus.compare import copy_model, weight_bytes
from gradus.export.card import model_card
from gradus.export.check import Checks, check_folder
from gradus.export.facts import Facts, read_facts
from gradus.export.gguf_export import GgufFile, GgufSource, open_source, write_files
from gradus.export.gguf_file import About
from gradus.export.ollama import create, ollama_program
from gradus.export.packages import write_lmstudio, write_modelfile
from gradus.fidelity import read_held_out
from gradus.files import sha256_file, size_label, write_json, write_text
from gradus.step import StepContext, Summary


@dataclass(frozen=True)
class Exported:
    """What was written: the checks of the Hugging Face folder, None without one, and the GGUF files."""

    checks: Checks | None
    files: list[GgufFile]


def export(context: StepContext) -> Summary:
    """Work of step 12: a folder for each format, and `export.json`.

    Raises:
        UserError: when a format cannot be had from this model, or a program for it is missing.
        GradusError: when what was written does not answer as the model it was made from.
    """
    settings = context.config.export
    program = ollama_program() if settings.ollama.create else ""
    facts = read_facts(context)
    files = _gguf(context, facts) if settings.gguf_kinds else []
    exported = Exported(_huggingface(context, facts, files) if "huggingface" in settings.formats else None, files)
    if program:
        create(program, facts.name, context.out / "ollama" / "Modelfile")
    write_json(context.out / "export.json", _record(context, facts, exported))
    return _summary(context, facts, exported)


def _huggingface(context: StepContext, facts: Facts, files: list[GgufFile]) -> Checks:
    source = context.input("10_fuse/model" if facts.variant == "fused" else "11_quantize/model")
    folder = context.out / "huggingface"
    copy_model(source, folder)
    write_text(folder / "README.md", model_card(facts, files))
    return check_folder(folder, source, facts.sample)


def _gguf(context: StepContext, facts: Facts) -> list[GgufFile]:
    """GGUF files come from the fused model, whatever the variant: rounding twice only loses."""
    settings, held_out = context.config.export, read_held_out(context.input("10_fuse/held_out.json"))
    source = open_source(context.input("10_fuse/model"))
    about = About(facts.name, facts.licence, facts.base.name)
    files = write_files(source, context.out / "gguf", settings.gguf_kinds, about, held_out, settings.gguf)
    _packages(context, source, files)
    return files


def _packages(context: StepContext, source: GgufSource, files: list[GgufFile]) -> None:
    settings = context.config.export
    if "ollama" in settings.formats:
        write_modelfile(context.out / "ollama", source, files[0], settings)
    if "lmstudio" in settings.formats:
        write_lmstudio(context.out / "lmstudio", files, settings)


def _record(context: StepContext, facts: Facts, exported: Exported) -> dict[str, Any]:
    settings, grade = context.config.export, facts.evaluation.grade
    return {
        "model_name": facts.name,
        "variant": facts.variant,
        "formats": settings.formats,
        "base": {"kind": facts.base.kind, "name": facts.base.name, "revision": facts.base.revision},
        "licence": facts.licence or None,
        "grade": {"letter": grade.letter, "percent": grade.percent, "withheld": grade.withheld},
        "weight_bytes": weight_bytes(context.out / "huggingface") if exported.checks else None,
        "checks": asdict(exported.checks) if exported.checks else None,
        "gguf": [_file_record(file) for file in exported.files],
        "ollama_created": settings.ollama.create,
        "files": _files(context.out),
    }


def _file_record(file: GgufFile) -> dict[str, Any]:
    return asdict(file) | {"path": f"gguf/{file.path.name}", "bytes": file.path.stat().st_size}


def _files(folder: Path) -> dict[str, dict[str, Any]]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): {"sha256": sha256_file(path), "bytes": path.stat().st_size} for path in files}


def _summary(context: StepContext, facts: Facts, exported: Exported) -> Summary:
    grade, checks = facts.evaluation.grade, exported.checks
    demonstration = " (a demonstration)" if facts.base.kind == "builtin" else ""
    lines: Summary = {
        "model": facts.name,
        "base": facts.base.name + demonstration,
        "grade on its card": "withheld" if grade.percent is None else f"{grade.letter} ({grade.percent:.1f} %)",
        "in the registry": f"{facts.standing.version} ({facts.standing.state})" if facts.standing else "not registered",
        "licence": facts.licence or "none stated (export.licence)",
    }
    if checks:
        folder = context.out / "huggingface"
        answer = "same answer" if checks.answer else "no answer, the same"
        lines["huggingface"] = f"{facts.variant} model, {size_label(weight_bytes(folder))} of weights, {len(list(folder.iterdir()))} files"
        lines["loaded again"] = f"{answer} as before, same tokens for {checks.tokenizer_texts} texts"
    return lines | {f"gguf-{file.kind}": _file_line(file) for file in exported.files} | _package_lines(context, exported)


def _file_line(file: GgufFile) -> str:
    found, kept = file.drift, f", {len(file.kept_in_16_bits)} tensors kept in 16 bits" if file.kept_in_16_bits else ""
    size = f"{size_label(file.path.stat().st_size)}, {file.check.tensors} tensors as written{kept}"
    return f"{size}; loss {found.loss_difference:+.4f}, {found.equal_answers:.0%} of {found.questions} answers equal"


def _package_lines(context: StepContext, exported: Exported) -> Summary:
    settings, lines = context.config.export, {}
    if "ollama" in settings.formats:
        words = ["ollama", "create", settings.model_name, "-f", str(context.target / "ollama" / "Modelfile")]
        hint = "created" if settings.ollama.create else shlex.join(words)
        lines["ollama"] = f"Modelfile with {exported.files[0].path.name}; {hint}"
    if "lmstudio" in settings.formats:
        lines["lmstudio"] = f"copy {context.target / 'lmstudio'}/* into LM Studio's models folder (~/.lmstudio/models)"
    return lines
