"""Who answers the questions: the base, the tuned model, and the registry's model that the tuned one would replace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gradus.evaluate.answering import Asked, Limits, ask
from gradus.evaluate.questions import Question
from gradus.evaluate.rivals import ADAPTER, Rival
from gradus.log import progress
from gradus.records import Base
from gradus.step import StepContext


def ask_all(context: StepContext, base: Base, questions: Sequence[Question], rival: Rival) -> dict[str, Asked]:
    """What `base`, `tuned` and, when there is a rival, `current` answer."""
    settings = context.config.evaluate
    limits = Limits(settings.max_tokens, settings.batch_size, context.config.prepare.max_tokens)
    own = context.workspace / base.path
    models: dict[str, tuple[Path, Path | None]] = {"base": (own, None), "tuned": (own, context.input(ADAPTER).parent)}
    if rival.base:
        models["current"] = (rival.base, rival.adapter)
    with progress("Answering", len(models) * len(questions)) as advance:
        return {
            name: ask(name, folder, adapter, questions, limits, context.out / "parts", advance)
            for name, (folder, adapter) in models.items()
        }  # fmt: skip
