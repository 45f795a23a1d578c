"""What others did to a run's version in the registry; apart from the work, since every run asks it and it needs no NumPy."""

from __future__ import annotations

from gradus.config import Config
from gradus.registry import Registry
from gradus.registry_entries import identity_in
from gradus.step import workspace_of

PASSED = "passed the gate"


def done_by_others(config: Config) -> list[str]:
    """The version that this run's adapter has to stand up to, and how it came into use or went out of it otherwise than by this step.

    The step's own decision changes nothing here. It is told anew after a rollback or a promotion by hand, and undoes neither.
    """
    workspace = workspace_of(config)
    registry, identity = Registry(workspace), identity_in(workspace / "adapters" / config.run.name)
    book, rival = registry.book(), registry.rival_of(identity)
    own = book.known(identity)
    event = book.last_switch(own.id) if own else None
    by_itself = event is None or (own is not None and event.version == own.id and event.reason == PASSED)
    return [rival.id if rival else "", "" if by_itself else str(event)]
