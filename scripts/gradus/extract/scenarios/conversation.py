"""What the teacher is asked for a scenario, and what its reply becomes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from gradus.config.scenarios import ScenarioSettings
from gradus.extract.scenarios.plan import Plan
from gradus.extract.scenarios.sample import Scenario
from gradus.files import sha256_json
from gradus.records import Example, Message
from gradus.teacher import Cut, Failure, Reply, Request, Unusable

NO_SOURCE = "none: written by the teacher, there is no source text to check against"
_PLACEHOLDER = re.compile(r"\{\{\s*\w{2,}\s*\}\}|\[(?:(?:your|first|user|coach|the|'?s)\s*)*name\]|\[insert\b", re.IGNORECASE)
# Looked for at the beginning of an answer only: further down such words are mostly part of good advice.
_REFUSAL = re.compile(
    r"""(?ix) ^\W* (?: as\ an?\ (?:\w+\ ){0,3}(?:ai|language\ model)\b
        | (?: (?:(?:i['’]?m|i\ am)\ (?:very\ |so\ )?)? sorry | unfortunately | i\ apologi[sz]e )? [\s,;:.—–-]* (?:but\ )?
          i\ (?: can(?:no|['’]|\ no)?t | am\ (?:not\ able|unable)\ to | will\ not | won['’]t ) \ (?:\w+\ ){0,2}
          (?: help | assist | answer | provide | comply | fulfil | create | write | discuss | do\ that ) \b )"""
)


@dataclass(frozen=True)
class Turn:
    """A question and its answer."""

    user: str
    assistant: str


def request_of(plan: Plan, scenario: Scenario, settings: ScenarioSettings) -> Request:
    """The request for one scenario; in mode dialogue the reply is JSON with the asked number of turns."""
    parts = (("system", plan.prompts.render("system", scenario.values)), ("user", plan.prompts.render("prompt", scenario.values)))
    messages = tuple({"role": role, "content": content} for role, content in parts if content)
    schema = _schema(plan.turns(scenario)) if plan.scenarios.mode == "dialogue" else None
    return Request(messages, settings.max_tokens, settings.temperature, schema, seed=2 * scenario.number + scenario.again)


def _schema(turns: int) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    turn = {"type": "object", "properties": {"user": text, "assistant": text}, "required": ["user", "assistant"], "additionalProperties": False}
    listed = {"type": "array", "items": turn, "minItems": turns, "maxItems": turns}
    return {"type": "object", "properties": {"turns": listed}, "required": ["turns"], "additionalProperties": False}


def turns_of(plan: Plan, scenario: Scenario, outcome: Any) -> list[Turn] | str:
    """The conversation in a reply (mode answer) or JSON value (mode dialogue), or why there is none."""
    if isinstance(outcome, Unusable):
        return "the reply is not of the asked form"
    if isinstance(outcome, Cut) or (isinstance(outcome, Reply) and outcome.finish_reason == "length"):
        return "cut at max_tokens"
    if isinstance(outcome, Failure):
        return "the request failed"
    if isinstance(outcome, Reply):
        return [Turn(plan.prompts.render("prompt", scenario.values), outcome.text.strip())]
    return [Turn(turn["user"].strip(), turn["assistant"].strip()) for turn in outcome["turns"]]


def fault_of(turns: list[Turn], least: int) -> str:
    """Why a conversation is no good, '' when nothing is found.

    Args:
        least: characters of the last answer.
    """
    if any(not turn.user or not turn.assistant for turn in turns):
        return "an empty question or answer"
    if len(turns[-1].assistant) < least:
        return "an answer shorter than min_answer_characters"
    if any(_REFUSAL.match(turn.assistant) for turn in turns):
        return "a refusal"
    if any(_PLACEHOLDER.search(text) for turn in turns for text in (turn.user, turn.assistant)):
        return "a placeholder that was not filled in"
    return ""


def example_of(plan: Plan, scenario: Scenario, turns: list[Turn], teacher: str) -> Example:
    """The example: the last turn is the question, earlier ones and the assistant's system prompt are its context."""
    persona = plan.prompts.render("assistant", scenario.values)
    context = [Message("system", persona)] if persona else []
    for turn in turns[:-1]:
        context += [Message("user", turn.user), Message("assistant", turn.assistant)]
    values = {name: value.value for name, value in scenario.values.items()}
    identity = sha256_json([plan.scenarios.name, scenario.number, values, [(turn.user, turn.assistant) for turn in turns]])[:16]
    return Example(
        id=identity,
        question=turns[-1].user,
        answer=turns[-1].assistant,
        document_id=plan.document_id(scenario),
        group=plan.group(scenario),
        span=(0, 0),
        origin_id=identity,
        kind="scenario",
        context=tuple(context),
        meta={"scenario": values, "teacher": teacher, "grounding": NO_SOURCE},
    )
