"""Does the fused model answer as base and adapter do together?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradus.chat import Messages
from gradus.compare import Logits, Sample, answer_logits, equal_share, logit_difference, questions_of, take_sample
from gradus.config.schema import Fuse
from gradus.models import Answer, generate_answers, load_model

BATCH = 8


@dataclass(frozen=True)
class Observed:
    """What one model says: logits at the places of the probe, and greedy answers."""

    logits: Logits
    answers: list[Answer]
    sample: Sample


@dataclass(frozen=True)
class Fidelity:
    """The fused model against base + adapter. Logits are compared at the same places of the same reference answers."""

    largest_logit_difference: float
    logit_error: float
    """RMS of the logits' difference, fused against base + adapter."""
    adapter_effect: float
    """RMS of the logits' difference, base + adapter against the base alone."""
    lost_share: float | None
    """`logit_error` over `adapter_effect`: about 0 when all of the adapter is in, about 1 when rounding took it out
    again; None when the adapter has no effect."""
    same_next_token: float
    equal_answers: float
    questions: int
    places: int


def observe(base: Path, adapter: Path | None, conversations: Sequence[Messages], settings: Fuse) -> Observed:
    """Load a model from disk, with an adapter when one is given, and put the probe to it."""
    model, tokenizer = load_model(base, adapter)
    questions = questions_of(conversations)
    answers = generate_answers(model, tokenizer, questions, max_tokens=settings.answer_tokens, batch_size=BATCH)
    sample = take_sample(model, tokenizer, questions, answers, settings.answer_tokens)
    return Observed(answer_logits(model, tokenizer, conversations, settings.probe_tokens), answers, sample)


def base_logits(base: Path, conversations: Sequence[Messages], settings: Fuse) -> Logits:
    """The logits of the base alone."""
    return answer_logits(*load_model(base), conversations, settings.probe_tokens)


def fidelity(base: Logits, tuned: Observed, fused: Observed) -> Fidelity:
    """Compare the three."""
    error, effect = logit_difference(tuned.logits, fused.logits), logit_difference(base, tuned.logits)
    return Fidelity(
        largest_logit_difference=error.largest,
        logit_error=error.rms,
        adapter_effect=effect.rms,
        lost_share=error.rms / effect.rms if effect.rms else None,
        same_next_token=error.same_next_token,
        equal_answers=equal_share(tuned.answers, fused.answers),
        questions=len(tuned.answers),
        places=error.places,
    )


def too_far(found: Fidelity, settings: Fuse) -> str:
    """Says so when a logit is further off than allowed, else ''. NaN is never near enough."""
    if found.largest_logit_difference <= settings.max_logit_difference:
        return ""
    return f"its logits are up to {found.largest_logit_difference:.3g} off (fuse.max_logit_difference {settings.max_logit_difference:g})"


def too_much_lost(found: Fidelity, settings: Fuse) -> str:
    """Says so when more of the adapter is lost than allowed, else ''."""
    if found.lost_share is None or found.lost_share <= settings.max_lost_share:
        return ""
    return f"{found.lost_share:.0%} of the adapter's effect is lost (fuse.max_lost_share {settings.max_lost_share:.0%})"
