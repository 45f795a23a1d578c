"""Where the exported model stands in the registry: its version, its state, and what the gate said."""

from __future__ import annotations

from dataclasses import dataclass

from gradus.config import Config
from gradus.registry import Registry
from gradus.registry_entries import Book, State, Version, identity_in
from gradus.step import workspace_of


@dataclass(frozen=True)
class Standing:
    """A registered version, and why it is in its state."""

    version: str
    state: State
    why: str


def standing(config: Config) -> Standing | None:
    """That of the run's adapter; None when it is not registered. Raises GradusError when the registry is damaged."""
    workspace = workspace_of(config)
    book = Registry(workspace).book()
    own = book.known(identity_in(workspace / "adapters" / config.run.name)) if book.versions else None
    return Standing(own.id, own.state, _why(book, own)) if own else None


def _why(book: Book, version: Version) -> str:
    switch = book.last_switch(version.id)
    if version.state == "candidate" or switch is None:
        refused = next((event for event in reversed(book.history) if event.version == version.id and event.action == "refused"), None)
        return f"the gate refused it, because {refused.reason}" if refused else "the gate has not been asked"
    if version.state == "archived":
        return f"rolled back to {switch.version} ({switch.reason})" if switch.action == "rolled back" else f"replaced by {switch.version}"
    if switch.action == "rolled back":
        return f"it came back when {switch.previous} was rolled back ({switch.reason})"
    return f"promoted past the gate ({switch.reason})" if switch.forced else f"promoted ({switch.reason})"
