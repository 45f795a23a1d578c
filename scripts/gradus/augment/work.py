"""The work of 04_augment: add other wordings, write, and tell what was and what could not be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from gradus.augment.variants import Augmented, add_variants
from gradus.errors import GradusError
from gradus.files import read_examples, write_json, write_jsonl
from gradus.records import Example
from gradus.step import StepContext, Summary

NO_TEACHER = "needs a teacher model, and none is set up"


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
    originals_with_variants: int
    variants_by_kind: dict[str, int]
    dropped: dict[str, int]
    """Wordings that were made and not used, by reason."""
    without_template: dict[str, int]
    """Originals whose question no template fits, by kind."""
    methods: list[Method]


def augment(context: StepContext) -> Summary:
    """Run the step. Raises GradusError when two examples would share an id."""
    settings = context.config.augment
    originals = read_examples(context.input("03_curate/kept.jsonl"))
    augmented = add_variants(originals, settings, context.config.run.seed)
    _check_ids(augmented.examples, str(context.input("03_curate/kept.jsonl")))
    augmentation = describe(originals, augmented, on=settings.question_variants > 0)
    write_jsonl(context.out / "examples.jsonl", augmented.examples)
    write_json(context.out / "augmentation.json", asdict(augmentation))
    return _summary(augmentation)


def describe(originals: Sequence[Example], augmented: Augmented, *, on: bool) -> Augmentation:
    """The whole of `augmentation.json`."""
    made = [example for example in augmented.examples if example.id != example.origin_id]
    return Augmentation(
        originals=len(originals),
        variants=len(made),
        factor=round(len(augmented.examples) / len(originals), 4),
        originals_with_variants=len({example.origin_id for example in made}),
        variants_by_kind=_counts(Counter(example.kind for example in made)),
        dropped=_counts(augmented.dropped),
        without_template=_counts(augmented.without_template),
        methods=_methods(on),
    )


def _methods(on: bool) -> list[Method]:
    templates = Method("question templates", "on") if on else Method("question templates", "off", "augment.question_variants is 0")
    return [templates, *(Method(name, "off", NO_TEACHER) for name in ("paraphrase", "answer length variants", "back-translation"))]


def _counts(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _check_ids(examples: Sequence[Example], source: str) -> None:
    """Variants are tied to originals by id, so each must be there once."""
    name, times = Counter(example.id for example in examples).most_common(1)[0]
    if times > 1:
        raise GradusError(f"{times} examples share the id {name}", where=source, cure="Run 02_extract and 03_curate again with --force")


def _summary(augmentation: Augmentation) -> Summary:
    off = ", ".join(method.name for method in augmentation.methods if method.state == "off")
    return {
        "originals": augmentation.originals,
        "variants": augmentation.variants,
        "factor": augmentation.factor,
        "dropped": ", ".join(f"{reason} {count:,}" for reason, count in augmentation.dropped.items()) or "none",
        "no template fits": sum(augmentation.without_template.values()),
        "off": off or "nothing",
    }
