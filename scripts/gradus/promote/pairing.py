"""Two versions on the same questions: as 07_evaluate compared them, else from the answers that were kept with each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from gradus.registry import Registry
from gradus.registry_entries import Version
from gradus.results import AnswerRow, Evaluation, Interval, read_answers
from gradus.statistics import draw, interval, permutation_p


@dataclass(frozen=True)
class Paired:
    """A version against another on the same questions; differences are its percentage minus the other's."""

    other: str
    questions: int
    wins: int
    losses: int
    difference: float
    interval: Interval
    p_value: float

    def __str__(self) -> str:
        spread = f"95 %: {self.interval.low:+.1f} to {self.interval.high:+.1f}"
        return f"{self.other} by {self.difference:+.1f} points on the same {self.questions} questions ({spread}, p = {self.p_value:.3g})"


@dataclass(frozen=True)
class Kept:
    """The evaluation of a version as the registry keeps it."""

    evaluation: Evaluation
    rows: list[AnswerRow]


def kept_of(registry: Registry, version: Version) -> Kept | str:
    """The evaluation behind a version's grade, or why there is none to compare with."""
    folder = registry.evaluation_of(version)
    if folder is None:
        return f"the answers of {version.id} were not kept"
    if wrong := registry.damage_of_evaluation(version):
        return f"{version.id}'s {wrong}"
    return Kept(Evaluation.from_json(folder / "evaluation.json"), read_answers(folder / "answers.jsonl"))


def against_current(registry: Registry, version: Version, current: Version, share: float, samples: int) -> Paired | str:
    """A version against the current one on their common questions, or why they cannot be compared.

    Args:
        share: of the version's questions that both must have answered.
        samples: draws of the bootstrap and of the permutation test.
    """
    found = _compare(kept_of(registry, version), kept_of(registry, current), current.id, share, samples)
    if isinstance(found, str):
        cure = f"python scripts/run_all.py --run {version.run} --from 07_evaluate --to 09_promote lets both answer the same questions"
        return f"it cannot be compared with the current model {current.id}: {found} ({cure})"
    return found


def _compare(own: Kept | str, other: Kept | str, current: str, share: float, samples: int) -> Paired | str:
    if isinstance(own, str):
        return own
    told = own.evaluation.current
    if told and told.version == current:
        c = told.comparison
        return Paired(current, own.evaluation.questions, c.wins, c.losses, c.difference, c.interval, c.p_value)
    if isinstance(other, str):
        return other
    if why := not_comparable(own, other):
        return why
    pairs = common(own.rows, other.rows)
    if len(pairs) < max(share * len(own.rows), 1):
        return f"only {len(pairs)} of its {len(own.rows)} questions were put to both, promote.common_share asks for {share:g} of them"
    return pair(current, pairs, samples, own.evaluation.seed)


def not_comparable(own: Kept, other: Kept) -> str:
    """Why the marks of two evaluations do not go together, '' when they do."""
    mine, theirs = own.evaluation.terms, other.evaluation.terms
    if unlike := [f"{name} {mine[name]} and {theirs[name]}" for name in mine if mine[name] != theirs[name]]:
        return f"they were not graded in the same way ({'; '.join(unlike)})"
    pairs = common(own.rows, other.rows)
    if changed := sum(row.asked is None or row.asked != rival.asked for row, rival in pairs):
        told = "the system prompt, the earlier turns or the options of the chat template differ"
        return f"{changed} of their {len(pairs)} common questions were not asked in the same way ({told}, or are not recorded)"
    return ""


def common(own: Sequence[AnswerRow], other: Sequence[AnswerRow]) -> list[tuple[AnswerRow, AnswerRow]]:
    """The rows about the same question with the same reference, in the order of `own`."""
    known = {(row.id, row.question, row.reference): row for row in other}
    return [(row, known[key]) for row in own if (key := (row.id, row.question, row.reference)) in known]


def pair(other: str, pairs: Sequence[tuple[AnswerRow, AnswerRow]], samples: int, seed: int) -> Paired:
    """Compare the tuned models' percentages in pairs of rows, at least one; whole documents are drawn, as in 07_evaluate."""
    differences = [row.tuned.percent - rival.tuned.percent for row, rival in pairs]
    draws = draw([row.document_id for row, _ in pairs], samples, seed)
    return Paired(
        other, len(pairs), sum(d > 0 for d in differences), sum(d < 0 for d in differences), fmean(differences),
        interval(draws, differences, -100, 100), permutation_p(draws, differences, seed),
    )  # fmt: skip
