"""What the learned recipes learn from: training conversations as token sequences of one length."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.chat import render
from gradus.config.delivery import Calibration
from gradus.errors import UserError
from gradus.files import iter_jsonl

MINIMUM = 2  # sequences; dwq keeps one aside


@dataclass(frozen=True)
class Data:
    """Token sequences of one length, and the seed by which they are shuffled in learning."""

    rows: list[list[int]]
    seed: int


def read_data(train: Path, tokenizer: Any, settings: Calibration, seed: int) -> Data:
    """Conversations in a random order, one after the other, cut into pieces of `settings.tokens`.

    mlx-lm's own programs fetch a text from the network for this. Training examples are nearer to what the model will
    be asked, and validation and test examples must not be touched: they measure the outcome.

    Raises:
        UserError: when there are too few training tokens.
    """
    conversations = list(iter_jsonl(train, lambda row: row["messages"]))
    random.Random(seed).shuffle(conversations)
    wanted = settings.sequences * settings.tokens
    stream: list[int] = []
    for messages in conversations:
        if len(stream) >= wanted:
            break
        stream += render(tokenizer, messages).tokens
    pieces = [stream[i : i + settings.tokens] for i in range(0, min(len(stream), wanted) - settings.tokens + 1, settings.tokens)]
    if len(pieces) < MINIMUM:
        what = f"{len(stream)} training tokens make {len(pieces)} sequences of {settings.tokens}, a learned recipe needs {MINIMUM}"
        raise UserError(what, where="quantize.calibration.tokens", cure="Lower it, or take a recipe that learns nothing, say 4")
    return Data(pieces, seed)
