"""Ask the teacher for one conversation a scenario; for a duplicate or one that is no good it is asked again, within bounds."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from gradus.config.schema import Extract
from gradus.extract.scenarios.conversation import Turn, example_of, fault_of, request_of, turns_of
from gradus.extract.scenarios.duplicates import Seen
from gradus.extract.scenarios.plan import Plan
from gradus.extract.scenarios.sample import Scenario
from gradus.log import progress
from gradus.records import Example
from gradus.teacher import Failure, Teacher, ask_json, in_order

log = logging.getLogger(__name__)


@dataclass
class Generated:
    """The examples with their scenarios, and the fate of the other replies."""

    examples: list[Example] = field(default_factory=list)
    kept: list[Scenario] = field(default_factory=list)
    asked: list[Scenario] = field(default_factory=list)
    duplicates: Counter[str] = field(default_factory=Counter)
    """`exact` and `near` ones."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Other reasons."""


def generate(plan: Plan, teacher: Teacher, config: Extract) -> Generated:
    """Ask until there are `scenarios.count` examples or the extra requests are used up.

    Replies are looked at in the order of their scenarios, whatever the order in which they come, so that the same
    replies give the same examples.

    Raises:
        UserError: when no request can succeed.
    """
    settings = config.scenarios
    made, seen = Generated(), _Conversations(plan, config)
    scenarios = iter(plan.sampler)
    extra = most_extra(config)
    wave = draw(scenarios, settings.count)
    second_try = True
    while wave:
        lost = [s for s, outcome in _ask(plan, teacher, wave, config) if not _take(plan, s, outcome, teacher.name, seen, made)]
        missing = min(settings.count - len(made.examples), extra)
        extra -= missing
        if missing:
            log.info("%d of %d scenarios are kept, asking %d more", len(made.examples), len(made.asked), missing)
        # The lost ones first once more, with another seed, so that the grid stays covered; then new ones.
        wave = [replace(s, again=True) for s in lost[:missing]] if second_try else draw(scenarios, missing)
        second_try = False
    return made


def draw(scenarios: Iterator[Scenario], count: int) -> list[Scenario]:
    """The next scenarios of a sampler, with progress."""
    drawn = []
    with progress("Drawing scenarios", count) as advance:
        for scenario in islice(scenarios, count):
            drawn.append(scenario)
            advance(1, "")
    return drawn


def most_extra(config: Extract) -> int:
    """How many further requests there may be."""
    return int(config.scenarios.count * config.scenarios.extra)


def _ask(plan: Plan, teacher: Teacher, wave: list[Scenario], config: Extract) -> Iterator[tuple[Scenario, Any]]:
    """Scenarios with their outcomes, in order."""
    requests = [request_of(plan, scenario, config.scenarios) for scenario in wave]
    outcomes: Iterable[tuple[int, Any]] = ask_json(teacher, requests) if plan.scenarios.mode == "dialogue" else teacher.answers(requests)
    for index, outcome in in_order(outcomes):
        yield wave[index], outcome


def _take(plan: Plan, scenario: Scenario, outcome: Any, teacher: str, seen: _Conversations, made: Generated) -> bool:
    """Keep a conversation, or count why not; returns whether it was kept."""
    made.asked.append(scenario)
    turns = turns_of(plan, scenario, outcome)
    if isinstance(outcome, Failure):
        log.debug("scenario %d: %s", scenario.number, outcome.reason)
    fault = turns if isinstance(turns, str) else fault_of(turns, seen.least)
    if fault or isinstance(turns, str):
        made.dropped[fault] += 1
        return False
    if kind := seen.kind(turns):
        made.duplicates[kind] += 1
        return False
    seen.add(turns)
    made.kept.append(scenario)
    made.examples.append(example_of(plan, scenario, turns, teacher))
    return True


class _Conversations:
    """The conversations so far. One whose questions or answers were there before is a duplicate.

    In mode answer the question is the filled-in template, alike in all of them, so only answers are compared.
    """

    def __init__(self, plan: Plan, config: Extract) -> None:
        self.least = config.min_answer_characters
        self._sides = ("assistant",) if plan.scenarios.mode == "answer" else ("user", "assistant")
        self._seen = {side: Seen(config.scenarios.near_duplicates) for side in self._sides}

    def _texts(self, turns: list[Turn]) -> dict[str, str]:
        return {side: "\n".join(getattr(turn, side) for turn in turns) for side in self._sides}

    def kind(self, turns: list[Turn]) -> str:
        """`exact` or `near` when one side was there before, else ''."""
        kinds = {self._seen[side].kind(text) for side, text in self._texts(turns).items()}
        return next((kind for kind in ("exact", "near") if kind in kinds), "")

    def add(self, turns: list[Turn]) -> None:
        """Remember a conversation."""
        for side, text in self._texts(turns).items():
            self._seen[side].add(text)
