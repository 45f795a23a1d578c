"""What a judge model said: part of `evaluation.json` and of the rows of `answers.jsonl`, beside the grade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gradus.interval import Interval
from gradus.strict import Strict

Verdict = Literal["base", "tuned", "tie"]


@dataclass(frozen=True)
class PairVerdict(Strict):
    """What the judge said of one pair, shown in both orders; None where there was no usable verdict."""

    base_first: Verdict | None
    tuned_first: Verdict | None
    reasons: tuple[str, ...]
    """In the judge's words."""

    @property
    def outcome(self) -> Verdict | None:
        """The answer that more verdicts name; a tie when each names another one. None unless both are usable."""
        if self.base_first is None or self.tuned_first is None:
            return None
        named = {self.base_first, self.tuned_first} - {"tie"}
        return self.base_first if self.base_first == self.tuned_first else named.pop() if len(named) == 1 else "tie"


@dataclass(frozen=True)
class JudgeScore(Strict):
    """What the judge gave one model, from 0 to 5, over the answers with a usable verdict."""

    mean: float
    interval: Interval
    answers: int


@dataclass(frozen=True)
class Pairs(Strict):
    """Tuned against base by the judge, each pair shown in both orders. It counts with two usable verdicts only."""

    wins: int
    ties: int
    """Both verdicts a tie, or each for another answer."""
    losses: int
    win_rate: float | None
    """(wins + ties / 2) over the pairs that count; None when none does. 0.5: no difference."""
    interval: Interval | None
    agreement: float | None
    """Share of the pairs whose two verdicts name the same answer, or both a tie; a judge that looks at the place has little."""
    first_place: float | None
    """Of the verdicts that name an answer, the share for the one shown first; 0.5 is no preference for a place."""
    same: int
    """Questions that both models answered alike, word by word: ties that were not asked about, not part of the above."""
    incomplete: int
    """Pairs left out, because one of the two verdicts could not be used."""


@dataclass(frozen=True)
class Judged(Strict):
    """A judge model's opinion, beside the grade: it never changes the letter."""

    name: str
    rubric: str
    """Path of what it was told."""
    rubric_sha256: str
    pairs: Pairs
    scores: dict[str, JudgeScore]
    """By `base`, `tuned` and, when it answered, `current`; a model without a usable verdict is missing."""
    requests: int
    cached: int
    unusable: dict[str, int]
    """Requests without a verdict by reason: they failed, or the reply was no verdict at the second try. None is guessed."""
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
