"""`09_promote.py diff`: what differs between two versions, from what the registry keeps of each."""

from __future__ import annotations

from gradus.config.load import flattened
from gradus.errors import UserError
from gradus.files import read_json
from gradus.promote.pairing import Kept, common, kept_of, not_comparable, pair
from gradus.registry import Registry
from gradus.registry_entries import WEIGHTS, Version

SHOWN_QUESTIONS, SHOWN_CHARACTERS = 3, 70
SHAPING = ("run.seed", "collect.", "extract.", "curate.", "augment.", "prepare.", "model.", "train.")


def diff_versions(registry: Registry, old_id: str, new_id: str | None, samples: int) -> str:
    """Grade, data, base, sizes, settings and answers of two versions, the second against the first.

    Args:
        new_id: None stands for the current version.
        samples: draws of the bootstrap and of the permutation test.

    Raises:
        UserError: when there is no such version, or both are the same. GradusError: when the files of one are damaged.
    """
    old = registry.get(old_id)
    new = registry.get(new_id) if new_id else registry.current()
    if old.id == new.id:
        raise _itself(old.id, new_id is None, [version.id for version in registry.book().versions if version.id != old.id])
    for version in (old, new):
        registry.verify(version)
    facts = [_fact(name, _facts(registry, old)[name], value) for name, value in _facts(registry, new).items()]
    lines = [f"{old.id} -> {new.id}", *_aligned([("", old.id, new.id), *facts])]
    lines += ["settings", *(_settings(registry, old, new) or ["  the same"])]
    return "\n".join([*lines, "answers", *_answers(kept_of(registry, old), kept_of(registry, new), old.id, samples)])


def _itself(version: str, left_out: bool, others: list[str]) -> UserError:
    why = f"{version} is the current version, with which it is compared when no other is named" if left_out else f"{version} is compared with itself"
    cure = f"Name another one: python scripts/09_promote.py diff {version} {others[-1]}" if others else "There is no other version yet"
    return UserError(why, where="diff", cure=cure)


def _facts(registry: Registry, version: Version) -> dict[str, str]:
    folder = registry.folder_of(version)
    return {
        "run": version.run,
        "created": version.created,
        "grade": version.graded.label,
        "base grade": f"{version.graded.base_percent:.1f} % on {version.graded.questions} questions",
        "base model": f"{version.base.name} {version.base.revision[:12]}",
        "method": version.method,
        **{f"data {name}": checksum[:12] for name, checksum in version.data.items()},
        "adapter": f"{(folder / WEIGHTS).stat().st_size:,} bytes",
        "all files": f"{sum((folder / name).stat().st_size for name in version.files):,} bytes",
    }


def _fact(name: str, old: str, new: str) -> tuple[str, str, str]:
    return name, old, "the same" if old == new else new


def _aligned(rows: list[tuple[str, str, str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return [f"  {name:<{widths[0]}}  {old:<{widths[1]}}  {new}".rstrip() for name, old, new in rows]


def _settings(registry: Registry, old: Version, new: Version) -> list[str]:
    """Settings with an influence on the model that differ, from the metadata of both trainings."""
    before, after = (flattened(read_json(registry.folder_of(v) / "run_metadata.json").get("config", {})) for v in (old, new))
    changed = [key for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key) and key.startswith(SHAPING)]
    return [f"  {key}: {before.get(key)!r} -> {after.get(key)!r}" for key in changed]


def _answers(old: Kept | str, new: Kept | str, old_id: str, samples: int) -> list[str]:
    """Wins and losses of the newer one on the common questions, and the largest of each."""
    if isinstance(old, str) or isinstance(new, str):
        return [f"  not compared: {old if isinstance(old, str) else new}"]
    if why := not_comparable(new, old):
        return [f"  not compared: {why}"]
    pairs = common(new.rows, old.rows)
    if not pairs:
        return ["  not compared: they have no question in common"]
    found = pair(old_id, pairs, samples, new.evaluation.seed)
    ties = found.questions - found.wins - found.losses
    spread = f"95 %: {found.interval.low:+.1f} to {found.interval.high:+.1f}, p = {found.p_value:.3g}"
    lines = [f"  {found.questions} common questions: {found.wins} better, {ties} the same, {found.losses} worse"]
    lines.append(f"  mean difference {found.difference:+.1f} points ({spread})")
    ranked = sorted(((row.tuned.percent - rival.tuned.percent, row.question) for row, rival in pairs), reverse=True)
    gains = [one for one in ranked if one[0] > 0][:SHOWN_QUESTIONS]
    losses = [one for one in reversed(ranked) if one[0] < 0][:SHOWN_QUESTIONS]
    return lines + [f"  {points:+6.1f}  {_short(question)}" for points, question in (*gains, *losses)]


def _short(question: str) -> str:
    text = " ".join(question.split())
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"
