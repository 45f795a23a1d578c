"""The work of 04_augment: add variants, write them, and tell what was and what could not be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from gradus.augment.candidate import BACK_TRANSLATION, PARAPHRASE, TEMPLATE
from gradus.augment.prompts import Prompts
from gradus.augment.rewriting import Jobs, Rewriting, jobs_of, rewrite
from gradus.augment.variants import Augmented, add_variants
from gradus.config import Config
from gradus.errors import GradusError, UserError
from gradus.files import iter_jsonl, read_examples, write_json, write_jsonl
from gradus.records import Example, document_from_dict
from gradus.step import StepContext, Summary
from gradus.teacher import Request, as_summary, cache_of, estimate, open_teacher

NO_TEACHER = "needs a teacher model, and augment.use_teacher is off"


@dataclass(frozen=True)
class Method:
    """One way to make variants; `reason` says why it is off."""

    name: str
    state: Literal["on", "off"]
    reason: str = ""


@dataclass(frozen=True)
class Augmentation:
    """All of `augmentation.json`."""

    originals: int
    variants: int
    factor: float
    """Examples written for each original."""
    goal: float
    """The factor that counts as a well augmented data set."""
    originals_with_variants: int
    variants_by_method: dict[str, int]
    variants_by_kind: dict[str, int]
    dropped: dict[str, dict[str, int]]
    """Variants that were made and not used, by method and reason; `dropped.jsonl` has them all."""
    without_template: dict[str, int]
    """Originals whose question no template fits, by kind."""
    not_asked: dict[str, int]
    """Requests to the teacher that were not made, by reason."""
    failed: dict[str, int]
    """Requests to the teacher that failed, by reason."""
    methods: list[Method]
    teacher: dict[str, Any] | None
    """Its name and what it took; None without one."""


def augment(context: StepContext) -> Summary:
    """Run the step.

    Raises:
        UserError: when a teacher is asked for and there is none. GradusError: when two examples would share an id, or
            not one request to the teacher succeeded.
    """
    config = context.config
    originals = read_examples(context.input("03_curate/kept.jsonl"))
    rewriting, teacher = Rewriting(), None
    if config.augment.use_teacher:
        rewriting, teacher = _ask_teacher(context, originals)
    augmented = add_variants(originals, config.augment, config.run.seed, rewriting.candidates, teacher["name"] if teacher else "")
    _check_ids(augmented.examples, str(context.input("03_curate/kept.jsonl")))
    augmentation = describe(originals, augmented, rewriting, config, teacher)
    write_jsonl(context.out / "examples.jsonl", augmented.examples)
    write_jsonl(context.out / "dropped.jsonl", augmented.dropped)
    write_json(context.out / "augmentation.json", asdict(augmentation))
    return _summary(augmentation)


def plan(context: StepContext) -> Summary:
    """What the teacher would take, for a dry run. The way back of a translation is counted as if it were as long as the question."""
    config = context.config
    if not config.augment.use_teacher:
        return {}
    prompts = Prompts(config.extract.teacher, config.run.seed)
    jobs = _jobs(context, read_examples(context.input("03_curate/kept.jsonl")), prompts).jobs
    requests: list[Request] = [job.request for job in jobs]
    requests += [prompts.back(job.original, job.original.question) for job in jobs if job.method == BACK_TRANSLATION]
    return as_summary(estimate(requests, config.extract.teacher, cache_of(context.workspace)))


def _jobs(context: StepContext, originals: Sequence[Example], prompts: Prompts) -> Jobs:
    config = context.config
    if config.extract.teacher.kind == "off":
        cure = "Set extract.teacher.kind to openai or mlx and name a model, or set augment.use_teacher to false"
        raise UserError("it is on, and there is no teacher (extract.teacher.kind is off)", where="augment.use_teacher", cure=cure)
    texts = _texts(context.input("01_collect/documents.jsonl")) if "long" in config.augment.length_variants else {}
    return jobs_of(originals, texts, config.augment, prompts)


def _texts(path: Path) -> dict[str, str]:
    return {document.id: document.text for document in iter_jsonl(path, document_from_dict)}


def _ask_teacher(context: StepContext, originals: Sequence[Example]) -> tuple[Rewriting, dict[str, Any]]:
    """What the teacher made, and its name and usage. Replies are cached, so a killed run goes on where it was."""
    settings = context.config.extract.teacher
    prompts = Prompts(settings, context.config.run.seed)
    asked = _jobs(context, originals, prompts)
    with open_teacher(settings, cache_of(context.workspace)) as teacher:
        result = rewrite(teacher, asked, prompts)
        usage = teacher.usage
    if asked.jobs and not result.candidates:
        reason = next(iter(result.failed.most_common(1)), ("no reply could be used", 0))[0]
        raise GradusError(f"not one of {len(asked.jobs)} requests to {teacher.name} succeeded (mostly: {reason})", cure="Check extract.teacher")
    return result, {"name": teacher.name, **asdict(usage)}


def describe(
    originals: Sequence[Example], augmented: Augmented, rewriting: Rewriting, config: Config, teacher: dict[str, Any] | None
) -> Augmentation:
    """The whole of `augmentation.json`."""
    made = [example for example in augmented.examples if example.id != example.origin_id]
    methods = sorted({dropped.method for dropped in augmented.dropped})
    return Augmentation(
        originals=len(originals),
        variants=len(made),
        factor=round(len(augmented.examples) / len(originals), 4),
        goal=config.augment.goal_factor,
        originals_with_variants=len({example.origin_id for example in made}),
        variants_by_method=_counts(Counter(example.meta["variant"] for example in made)),
        variants_by_kind=_counts(Counter(example.kind for example in made)),
        dropped={method: _counts(Counter(d.reason for d in augmented.dropped if d.method == method)) for method in methods},
        without_template=_counts(augmented.without_template),
        not_asked=_counts(rewriting.not_asked),
        failed=_counts(rewriting.failed),
        methods=_methods(config),
        teacher=teacher,
    )


def _methods(config: Config) -> list[Method]:
    settings = config.augment
    templates = Method(TEMPLATE, "on") if settings.question_variants else Method(TEMPLATE, "off", "augment.question_variants is 0")
    switches = {
        PARAPHRASE: ("paraphrases", bool(settings.paraphrases)),
        "answer of another length": ("length_variants", bool(settings.length_variants)),
        BACK_TRANSLATION: ("back_translation", bool(settings.back_translation)),
    }
    return [templates, *(_method(name, key, is_on, settings.use_teacher) for name, (key, is_on) in switches.items())]


def _method(name: str, key: str, is_on: bool, teacher: bool) -> Method:
    if not teacher:
        return Method(name, "off", NO_TEACHER)
    return Method(name, "on") if is_on else Method(name, "off", f"augment.{key} is empty or 0")


def _counts(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _check_ids(examples: Sequence[Example], source: str) -> None:
    """Variants are tied to originals by id, so each must be there once."""
    name, times = Counter(example.id for example in examples).most_common(1)[0]
    if times > 1:
        raise GradusError(f"{times} examples share the id {name}", where=source, cure="Run 02_extract and 03_curate again with --force")


def _summary(augmentation: Augmentation) -> Summary:
    off = ", ".join(method.name for method in augmentation.methods if method.state == "off")
    dropped: Counter[str] = Counter()
    for reasons in augmentation.dropped.values():
        dropped.update(reasons)
    summary: Summary = {
        "originals": augmentation.originals,
        "variants": _told(augmentation.variants_by_method),
        "factor": f"{augmentation.factor:.2f} (goal {augmentation.goal:g})",
        "dropped": _told(_counts(dropped)),
        "no template fits": sum(augmentation.without_template.values()),
        "off": off or "nothing",
    }
    if augmentation.teacher is not None:
        summary |= _teacher_summary(augmentation, augmentation.teacher)
    return summary


def _teacher_summary(augmentation: Augmentation, teacher: dict[str, Any]) -> Summary:
    return {
        "teacher": teacher["name"],
        "requests": f"{teacher['requests']:,}, {teacher['cached']:,} answered by the cache, {sum(augmentation.failed.values()):,} failed",
        "tokens": f"{teacher['prompt_tokens']:,} in, {teacher['completion_tokens']:,} out, {teacher['seconds']:,.0f} s",
        "cost": "unknown (extract.teacher.price_per_million)" if teacher["cost"] is None else f"{teacher['cost']:,.4f}",
    }


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"
