"""What `scripts/09_promote.py register | list | show | promote | rollback | diff` do; each returns the text to show."""

from __future__ import annotations

import argparse

from gradus.config import Config
from gradus.errors import GradusError
from gradus.promote import REGISTER
from gradus.promote.diff import diff_versions
from gradus.promote.work import gate_of
from gradus.registry import Registry, damage
from gradus.registry_entries import Event, Version
from gradus.step import run_step, workspace_of


def list_versions(registry: Registry) -> str:
    """All versions as a table, oldest first."""
    versions = registry.book().versions
    if not versions:
        return f"no version registered in {registry.folder}   next: python scripts/09_promote.py"
    head = ("version", "state", "grade", "base", "method", "run", "created", "base model")
    return _table([head, *(_row(version) for version in versions)])


def _row(version: Version) -> tuple[str, ...]:
    graded = version.graded
    return (
        version.id, version.state, graded.label, f"{graded.base_percent:.1f} %", version.method, version.run, version.created, version.base.name,
    )  # fmt: skip


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def show_version(registry: Registry, version_id: str | None = None) -> str:
    """One version with its files, damaged or not, and its history; without a name the current one.

    Raises:
        UserError: when there is no such version, or none is current.
    """
    version = registry.get(version_id) if version_id else registry.current()
    folder = registry.folder_of(version)
    found = damage(folder, version)
    facts = {
        "version": f"{version.id} ({version.state})", "run": version.run, "created": version.created, "method": version.method,
        "grade": f"{version.graded.label} on {version.graded.questions} questions, base {version.graded.base_percent:.1f} %",
        "base model": version.base.name, "revision": version.base.revision, "base folder": registry.base_folder_of(version), "adapter": folder,
        "evaluation": registry.evaluation_of(version) or "not kept",
        "files": f"{found[0].name} {found[1]}" if found else f"{len(version.files)}, all with the registered SHA-256",
        **{f"data {name}": checksum for name, checksum in version.data.items()},
    }  # fmt: skip
    if version.graded.withheld:
        facts["withheld"] = version.graded.withheld
    width = max(len(name) for name in facts)
    lines = [f"{name:<{width}}  {value}" for name, value in facts.items()]
    events = [event for event in registry.book().history if version.id in (event.version, event.previous)]
    return "\n".join([*lines, "history", *(f"  {_event(event)}" for event in events)])


def _event(event: Event) -> str:
    notes = [f"in place of {event.previous}" if event.previous else "", "forced past the gate" if event.forced else "", event.reason]
    return f"{event.time}  {event.version} {event.action}: " + ", ".join(note for note in notes if note)


def register_run(config: Config, *, force: bool, dry_run: bool) -> str:
    """Enter the adapter of the configured run as a candidate. Raises UserError when its steps have not finished."""
    from gradus.pipeline import STEPS

    outcome = run_step(REGISTER, config, STEPS, force=force, dry_run=dry_run)
    if outcome.status == "would run":
        return f"would register the adapter of run {config.run.name}"
    known = "was registered before" if outcome.status == "up to date" else "is registered"
    version = Registry(workspace_of(config)).get(outcome.summary["version"])
    following = "" if version.state == "current" else f"   next: python scripts/09_promote.py promote {version.id}"
    return f"{version.id} {known} ({version.state}){following}"


def promote_version(registry: Registry, version_id: str, config: Config, *, force: bool, dry_run: bool = False) -> str:
    """Make a version current when it passes the gate, or with `force` in any case; the history says which.

    Raises:
        UserError: when there is no such version. GradusError: when the gate refuses it or its files are damaged.
    """
    version = registry.get(version_id)
    if version.state == "current":
        return f"{version.id} is the current model already"
    registry.verify(version)
    gate = gate_of(registry, config)
    if dry_run or force:
        against = gate(version, registry.book().current)
    else:
        version, against = registry.decide(version.id, gate, reason="by hand, passed the gate")
    if against and not force:
        cure = "--force promotes it all the same and records it"
        raise GradusError(f"{version.id} is not promoted: {'; '.join(against)}", where=str(registry.path), cure=cure)
    if dry_run:
        return f"would promote {version.id}"
    if force:
        reason = f"by hand, although {'; '.join(against)}" if against else "by hand, passed the gate"
        registry.promote(version.id, reason=reason, forced=bool(against))
    return f"{version.id} is the current model now ({registry.folder_of(version)})"


def roll_back(registry: Registry, *, dry_run: bool = False) -> str:
    """Go back to the model that was current before.

    Raises:
        UserError: when there is none. GradusError: when its files are damaged.
    """
    if dry_run:
        earlier = registry.previous()
        registry.verify(earlier)
        return f"would go back from {registry.current().id} to {earlier.id}"
    version = registry.rollback_model(reason="by hand")
    return f"{version.id} is the current model again ({registry.folder_of(version)})"


def run_command(config: Config, args: argparse.Namespace) -> str:
    """Carry out the command that the script's arguments name; returns the text to show."""
    registry = Registry(workspace_of(config))
    if args.command == "register":
        return register_run(config, force=args.force, dry_run=args.dry_run)
    if args.command == "list":
        return list_versions(registry)
    if args.command == "show":
        return show_version(registry, args.version)
    if args.command == "promote":
        return promote_version(registry, args.version, config, force=args.force, dry_run=args.dry_run)
    if args.command == "diff":
        return diff_versions(registry, args.version, args.other, config.evaluate.bootstrap_samples)
    return roll_back(registry, dry_run=args.dry_run)
