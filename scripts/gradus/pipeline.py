"""The twelve steps in their order."""

from __future__ import annotations

from gradus.augment import STEP as AUGMENT
from gradus.collect import STEP as COLLECT
from gradus.curate import STEP as CURATE
from gradus.evaluate import STEP as EVALUATE
from gradus.export import STEP as EXPORT
from gradus.extract import STEP as EXTRACT
from gradus.fuse import STEP as FUSE
from gradus.prepare import STEP as PREPARE
from gradus.promote import STEP as PROMOTE
from gradus.quantize import STEP as QUANTIZE
from gradus.report import STEP as REPORT
from gradus.step import Step
from gradus.train import STEP as TRAIN

ORDER = (COLLECT, EXTRACT, CURATE, AUGMENT, PREPARE, TRAIN, EVALUATE, REPORT, PROMOTE, FUSE, QUANTIZE, EXPORT)
STEPS: dict[str, Step] = {step.name: step for step in ORDER}


def next_step(name: str) -> str | None:
    """The name of the step after `name`, or None after the last and for what is none of the twelve."""
    names = list(STEPS)
    following = names[names.index(name) + 1 :] if name in names else []
    return following[0] if following else None
