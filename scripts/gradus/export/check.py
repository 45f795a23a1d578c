"""Is the exported folder the model it was made from? Asked of the folder itself, loaded anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.chat import prompt_tokens
from gradus.compare import Sample, ask
from gradus.errors import GradusError
from gradus.models import load_model

# Accents, other scripts, signs outside the basic plane, code, runs of spaces: where tokenizers go wrong.
TEXTS = (
    "The quick brown fox, 3.14159 and 1e-9.",
    "naïve Straße — “quoted” … 100 €",
    "日本語のテキスト и немного кириллицы",
    "emoji 🙂🚀 and combining é",
    "def f(x):\n    return {'a': [x, x**2]}  # comment\n\n\tend",
    "| a | b |\n|---|---|\n| **1** | `2` |\n",
)


@dataclass(frozen=True)
class Checks:
    """What was found about the exported folder."""

    answer: str
    same_answer: bool
    """Whether it gives the answer to the sample's question that its source gave."""
    tokenizer_texts: int
    same_tokens: bool
    """Whether its tokenizer turns every text and the sample's prompt into the source's tokens, and back into its text."""
    lossless_texts: int
    """How many of the texts come back from their tokens character for character."""


def check_folder(folder: Path, source: Path, sample: Sample) -> Checks:
    """Load the exported folder, ask the sample's question, and compare its tokenizer with the source's.

    Raises:
        GradusError: when the answer or the tokens differ.
    """
    from gradus.models import load_tokenizer

    model, tokenizer = load_model(folder)
    answer = ask(model, tokenizer, sample.messages, sample.max_tokens)
    original = load_tokenizer(source)
    trips = [round_trip(tokenizer, text) for text in TEXTS]
    same = trips == [round_trip(original, text) for text in TEXTS]
    same = same and prompt_tokens(tokenizer, sample.messages) == prompt_tokens(original, sample.messages)
    lossless = sum(text == back for text, (_, back) in zip(TEXTS, trips, strict=True))
    checks = Checks(answer, answer == sample.answer, len(TEXTS), same, lossless)
    if not (checks.same_tokens and checks.same_answer):
        what = "does not answer as the model it was made from" if checks.same_tokens else "has another tokenizer than the model it was made from"
        cure = "Run python scripts/run_all.py --from 10_fuse --force, and report it when it happens again"
        raise GradusError(f"the exported model {what}", where=str(folder), cure=cure)
    return checks


def round_trip(tokenizer: Any, text: str) -> tuple[list[int], str]:
    """The tokens of a text, and the text of these tokens."""
    tokens = list(tokenizer.encode(text, add_special_tokens=False))
    return tokens, tokenizer.decode(tokens)
