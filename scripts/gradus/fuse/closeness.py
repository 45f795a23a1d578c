"""Does the fused model answer as base and adapter do together?"""

from __future__ import annotations

from dataclasses import dataclass

from gradus.compare import Logits, logit_difference
from gradus.config.delivery import Fidelity, Fuse
from gradus.fidelity import Observed, drift, objection


@dataclass(frozen=True)
class Closeness:
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
    loss_difference: float
    """Loss of the fused model minus that of base + adapter, in nats a token."""
    equal_answers: float
    questions: int
    places: int


def closeness(base: Logits, tuned: Observed, fused: Observed) -> Closeness:
    """Compare the three."""
    error, effect = logit_difference(tuned.logits, fused.logits), logit_difference(base, tuned.logits)
    spoken = drift(tuned.spoken, fused.spoken)
    return Closeness(
        largest_logit_difference=error.largest,
        logit_error=error.rms,
        adapter_effect=effect.rms,
        lost_share=error.rms / effect.rms if effect.rms else None,
        same_next_token=error.same_next_token,
        loss_difference=spoken.loss_difference,
        equal_answers=spoken.equal_answers,
        questions=spoken.questions,
        places=error.places,
    )


def too_far(found: Closeness, settings: Fuse) -> str:
    """Says so when a logit is further off than allowed, else ''. NaN is never near enough."""
    if found.largest_logit_difference <= settings.max_logit_difference:
        return ""
    return f"its logits are up to {found.largest_logit_difference:.3g} off (fuse.max_logit_difference {settings.max_logit_difference:g})"


def too_much_lost(found: Closeness, settings: Fuse) -> str:
    """Says so when more of the adapter is lost than allowed, else ''."""
    if found.lost_share is None or found.lost_share <= settings.max_lost_share:
        return ""
    return f"{found.lost_share:.0%} of the adapter's effect is lost (fuse.max_lost_share {settings.max_lost_share:.0%})"


def drifted(tuned: Observed, fused: Observed, fidelity: Fidelity) -> str:
    """Says so when loss or answers are beyond `fidelity.fused`, else ''."""
    return objection(drift(tuned.spoken, fused.spoken), fidelity.fused, "fidelity.fused")
