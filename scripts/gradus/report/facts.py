"""What stands on the page as a name and a value: of the training, where the numbers come from, and what a judge said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from gradus.interval import Interval
from gradus.report import numbers as n
from gradus.report.sources import Sources
from gradus.report.upstream import Metadata
from gradus.results import Evaluation

T = TypeVar("T")
Pairs = list[tuple[str, str]]


def date_of(created: datetime) -> str:
    """A time as `21 November 2026, 08:12 UTC`."""
    time = created.astimezone(UTC)
    return f"{time.day} {time:%B %Y, %H:%M} UTC"


def method_of(metadata: Metadata) -> str:
    """The way of training with what it was given, say `LoRA of rank 8`."""
    rank = metadata.setting("train.lora.rank")
    names = {"lora": "LoRA", "dora": "DoRA", "full": "full training"}
    name = names.get(metadata.method, metadata.method)
    return name if metadata.method == "full" or rank is None else f"{name} of rank {rank}"


def training(sources: Sources) -> Pairs:
    """Facts about the training, those that were measured."""
    metadata, best = sources.metadata, sources.curve.best
    trained, total = metadata.trainable_parameters, metadata.total_parameters
    rate = metadata.setting("train.learning_rate")
    facts = {
        "Method": method_of(metadata),
        "Parameters trained": None if trained is None else n.count(trained) + (f" ({n.share(trained / total, 1)})" if total else ""),
        "Iterations": f"{n.count(metadata.iterations)}, {metadata.stopped}",
        "Learning rate": None if rate is None else n.significant(rate),
        "Best validation loss": None if best is None else f"{n.decimal(best.loss, 3)} at iteration {best.iteration}",
        "Supervised tokens seen": _known(metadata.tokens, n.count),
        "Tokens a second": _known(metadata.tokens_per_second, lambda value: n.decimal(value, 0)),
        "Peak memory": _known(metadata.peak_memory_gb, lambda value: f"{n.decimal(value)}{n.THIN}GB"),
        "Time": _known(metadata.seconds, n.duration),
    }
    return [(name, value) for name, value in facts.items() if value is not None]


def _known(value: T | None, show: Callable[[T], str]) -> str | None:
    return None if value is None else show(value)


def provenance(sources: Sources) -> Pairs:
    """Where the numbers come from: code, machine, packages, base, data, rubric; what is known of them."""
    metadata, base, evaluation = sources.metadata, sources.base, sources.evaluation
    machine = metadata.machine
    memory = f"{machine['memory_gb']:g}{n.THIN}GB memory" if machine.get("memory_gb") is not None else None
    cores = f"{machine['cores']} cores" if machine.get("cores") is not None else None
    rows: dict[str, str | None] = {
        "Trained": date_of(metadata.created),
        "Code": _code(metadata),
        "Machine": _joined([machine.get("processor"), cores, memory, machine.get("system"), _named("Python", machine.get("python"))]),
        "Packages": _joined([f"{name} {version}" for name, version in metadata.packages.items()]),
        "Base model": _joined([base.name, f"{base.kind} ({base.reason})"]),
        "Base revision": base.revision or None,
        "Base licence": base.licence or None,
        "Data (SHA-256)": _joined([f"{name} {value[:16]}" for name, value in metadata.dataset.items()]),
        "Rubric": f"{evaluation.rubric.path}, SHA-256 {evaluation.rubric.sha256[:16]}",
        "Content measured": f"words, and meaning by {evaluation.embedding}" if evaluation.embedding else "by words alone, without a sentence encoder",
        "Questions": f"{evaluation.questions} of {n.count(evaluation.available)} held out, seed {evaluation.seed}",
    }
    return [(name, value) for name, value in rows.items() if value]


def _code(metadata: Metadata) -> str | None:
    """Commit and whether the files differed from it; without git there is nothing to say."""
    if metadata.git is None or not metadata.git.commit:
        return None
    state = {True: "with uncommitted changes", False: "no uncommitted changes", None: None}[metadata.git.dirty]
    return _joined([f"commit {metadata.git.commit[:12]}", state])


def _named(name: str, value: Any) -> str | None:
    return None if value is None else f"{name} {value}"


def _joined(parts: Sequence[Any]) -> str:
    return ", ".join(str(part) for part in parts if part)


def judge_facts(evaluation: Evaluation) -> Pairs:
    """What the judge said, empty without a judge."""
    judged = evaluation.judge
    if judged is None:
        return []
    pairs = judged.pairs
    rate = None if pairs.interval is None else f"{n.share(pairs.win_rate)} ({_shares(pairs.interval)})"
    facts: dict[str, str | None] = {
        "Tuned better, tie, base better": f"{pairs.wins}, {pairs.ties}, {pairs.losses}",
        "Win rate of the tuned model": rate,
        "Both orders agree": None if pairs.agreement is None else n.share(pairs.agreement),
        "For the answer shown first": None if pairs.first_place is None else n.share(pairs.first_place),
        "Same answer from both": n.count(pairs.same) if pairs.same else None,
        "Pairs without two verdicts": n.count(pairs.incomplete) if pairs.incomplete else None,
    }
    facts |= {f"Mean of 0 to 5, {name}": f"{n.decimal(score.mean)} ({n.interval(score.interval, 2)})" for name, score in judged.scores.items()}
    facts |= {
        "Requests": f"{n.count(judged.requests)}, {n.count(judged.cached)} from the cache",
        "Replies of no use": ", ".join(f"{reason} {count}" for reason, count in judged.unusable.items()) or "none",
        "Cost": None if judged.cost is None else n.decimal(judged.cost, 4),
    }
    return [(name, value) for name, value in facts.items() if value is not None]


def _shares(interval: Interval) -> str:
    return f"{n.share(interval.low)} to {n.share(interval.high)}" if interval.told else n.UNTOLD
