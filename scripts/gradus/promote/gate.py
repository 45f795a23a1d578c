"""The gate: may this version become the current model?"""

from __future__ import annotations

from gradus.config.schema import Promote
from gradus.promote.entries import Graded


def objections(graded: Graded, settings: Promote) -> list[str]:
    """Why a version with this grade may not become current; empty when it may."""
    if graded.percent is None:
        return [f"its grade is withheld ({graded.withheld or 'no reason given'})"]
    found = []
    if graded.percent < settings.minimum_percent:
        found.append(f"its grade of {graded.percent:.1f} % is below promote.minimum_percent ({settings.minimum_percent:g} %)")
    if settings.must_beat_base and graded.percent <= graded.base_percent:
        found.append(f"its grade of {graded.percent:.1f} % is not above the base model's {graded.base_percent:.1f} % (promote.must_beat_base)")
    return found
