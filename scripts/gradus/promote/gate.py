"""The gate: may this version become the current model? It needs only what the registry keeps, so it can be asked again any time."""

from __future__ import annotations

from gradus.config.schema import Promote
from gradus.promote.pairing import Paired
from gradus.registry_entries import Graded


def objections(graded: Graded, paired: Paired | str | None, settings: Promote, *, untrained: bool = False) -> list[str]:
    """Why a version with this grade may not become current; empty when it may.

    Args:
        paired: how it did against the current model on the same questions, or why that is not known; None when there
            is no current model.
        untrained: whether training found nothing better than what it began with.
    """
    found = ["its training improved on nothing: the best iteration is 0, so this is the adapter that it began with"] if untrained else []
    if graded.percent is None:
        return [*found, f"its grade is withheld ({graded.withheld or 'no reason given'})"]
    if graded.percent < settings.minimum_percent:
        found.append(f"its grade of {graded.percent:.1f} % is below promote.minimum_percent ({settings.minimum_percent:g} %)")
    if settings.must_beat_base and graded.percent <= graded.base_percent:
        found.append(f"its grade of {graded.percent:.1f} % is not above the base model's {graded.base_percent:.1f} % (promote.must_beat_base)")
    if isinstance(paired, str):
        found.append(paired)
    elif paired is not None and (why := _worse(paired, settings)):
        found.append(f"it is worse than the current model {paired}: {why}")
    return found


def _worse(paired: Paired, settings: Promote) -> str:
    """Which limit a loss against the current model crosses, '' for none."""
    if paired.difference < 0 and paired.p_value < settings.significance:
        return f"p is below promote.significance ({settings.significance:g})"
    if -paired.difference > settings.tolerance_points:
        return f"the loss is beyond promote.tolerance_points ({settings.tolerance_points:g})"
    return ""
