"""What training will see, counted with the tokenizer of the base model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradus.chat import Messages, Rendered, render
from gradus.records import Example
from gradus.structure import STRUCTURES, structures


@dataclass(frozen=True)
class Lengths:
    """Tokens of the conversations of one part."""

    median: int
    p95: int
    max: int


@dataclass(frozen=True)
class PartStatistics:
    """One part of the split; token counts are after the cut at `max_tokens`."""

    examples: int
    variants: int
    groups: int
    tokens: int
    supervised_tokens: int
    truncated: int
    """Conversations longer than `max_tokens`."""
    missing_eos: int
    """Conversations whose last supervised token is not the end of sequence: a model learns to stop from those that have it."""
    unsupervised: int
    """Conversations without a single supervised token after the cut; they are left out of training."""
    length: Lengths


def tokenize(examples: Sequence[Example], tokenizer: Any, system_prompt: str) -> list[Rendered]:
    """Every example as tokens, uncut."""
    return [render(tokenizer, with_system(example.messages(), system_prompt)) for example in examples]


def supervised_tokens(conversation: Rendered, max_tokens: int) -> int:
    """How many tokens a conversation is trained on after the cut; its first one has nothing before it to be predicted from."""
    return sum(conversation.mask[1:max_tokens])


def part_statistics(examples: Sequence[Example], conversations: Sequence[Rendered], ends: set[int], max_tokens: int) -> PartStatistics:
    """Count one part of the split; `conversations` are its examples as tokens, `ends` the end-of-sequence tokens."""
    lengths, supervised, truncated, missing, unsupervised = [], 0, 0, 0, 0
    for conversation in conversations:
        tokens, mask = conversation.tokens[:max_tokens], conversation.mask[:max_tokens]
        lengths.append(len(tokens))
        supervised += sum(mask)
        truncated += len(conversation.tokens) > max_tokens
        missing += not (mask and mask[-1] and tokens[-1] in ends)
        unsupervised += not any(mask)
    return PartStatistics(
        examples=len(examples),
        variants=sum(e.id != e.origin_id for e in examples),
        groups=len({e.group for e in examples}),
        tokens=sum(lengths),
        supervised_tokens=supervised,
        truncated=truncated,
        missing_eos=missing,
        unsupervised=unsupervised,
        length=Lengths(int(np.median(lengths)), int(np.quantile(lengths, 0.95)), max(lengths)),
    )


def with_system(messages: Messages, system_prompt: str) -> Messages:
    """The conversation with the configured system prompt in front, unless it has one of its own."""
    if not system_prompt or messages[0]["role"] == "system":
        return messages
    return [{"role": "system", "content": system_prompt}, *messages]


def structure_shares(examples: Sequence[Example]) -> dict[str, float]:
    """Share of answers with bold, lists, headings, tables, code: what the model can learn of form."""
    counts = Counter(name for example in examples for name in structures(example.answer))
    return {name: round(counts[name] / len(examples), 4) for name in STRUCTURES}


def kinds(examples: Sequence[Example]) -> dict[str, int]:
    """Number of examples of each kind, most frequent first."""
    return dict(Counter(example.kind for example in examples).most_common())
