"""The work of 03_curate: mend, mask, score, decide, write, and tell what was done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from gradus.config.schema import Curate
from gradus.curate.curation import Curation
from gradus.curate.decide import Candidate, Verdict, decide
from gradus.curate.describe import describe
from gradus.curate.personal import mask_example
from gradus.curate.quality import judge
from gradus.curate.repair import repair_example
from gradus.errors import GradusError, UserError
from gradus.files import read_examples, write_json, write_jsonl
from gradus.log import progress
from gradus.records import Example
from gradus.step import StepContext, Summary


def curate(context: StepContext) -> Summary:
    """Run the step. Raises UserError when nothing is left, GradusError when the written examples are not all that came."""
    settings = context.config.curate
    candidates = prepare(read_examples(context.input("02_extract/examples.jsonl")), settings)
    verdict = decide(candidates, settings)
    _write(context, candidates, verdict)
    curation = describe(candidates, verdict, settings)
    write_json(context.out / "curation.json", asdict(curation))
    from gradus.curate.plot import draw

    draw(curation, context.out / "curation.png")
    return _summary(curation)


def prepare(examples: Sequence[Example], settings: Curate) -> list[Candidate]:
    """Mend, mask and score every example."""
    candidates: list[Candidate] = []
    with progress("Scoring examples", len(examples)) as advance:
        for example in examples:
            candidates.append(_candidate(example, settings))
            advance(1, "")
    return candidates


def _candidate(example: Example, settings: Curate) -> Candidate:
    mended, repairs = repair_example(example)
    masked, personal_data = mask_example(mended)
    final = mended if settings.personal_data == "keep" else masked
    quality = judge(final, settings)
    return Candidate(replace(final, quality=quality.score), repairs, personal_data, quality)


def _write(context: StepContext, candidates: Sequence[Candidate], verdict: Verdict) -> None:
    """Every example into one of the two files, in the order they came."""
    kept = [candidate.example for position, candidate in enumerate(candidates) if position not in verdict.removals]
    if not kept:
        cure = "Collect more documents, or set curate.personal_data to mask"
        raise UserError(f"none of {len(candidates)} examples is left", where=str(context.input("02_extract/examples.jsonl")), cure=cure)
    written = write_jsonl(context.out / "kept.jsonl", kept)
    written += write_jsonl(context.out / "removed.jsonl", [removal for _, removal in sorted(verdict.removals.items())])
    if written != len(candidates):
        cure = "This is a defect of the step, please report it"
        raise GradusError(f"{len(candidates)} examples came in, {written} went out", where=str(context.out), cure=cure)


def _summary(curation: Curation) -> Summary:
    reasons = ", ".join(f"{reason.replace('_', ' ')} {count:,}" for reason, count in curation.removed_by_reason.items())
    personal = ", ".join(f"{kind} {count:,}" for kind, count in curation.personal_data.items())
    repairs = ", ".join(f"{kind} {count:,}" for kind, count in curation.repairs.items())
    return {
        "examples": curation.examples,
        "kept": curation.kept,
        "removed": f"{curation.removed:,} ({reasons})" if curation.removed else 0,
        "score cut": round(curation.score_cut, 3) if curation.score_cut is not None else "none",
        "duplicate clusters": sum(curation.cluster_sizes.values()),
        "conflicting questions": curation.conflicts,
        "personal data": f"{personal} ({curation.personal_data_mode})" if personal else "none found",
        "repaired": repairs or "nothing",
    }
