"""Next steps, computed from the run's numbers by small explicit rules: each names a number, its limit and a config key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gradus.config.report import ReportRules
from gradus.report import numbers as n
from gradus.report.labels import spoken
from gradus.report.sources import Sources
from gradus.results import Part, Score


@dataclass(frozen=True)
class NextStep:
    """One thing to do: what was found, the limit it is past, what to change, and the value that has now (None when not recorded)."""

    finding: str
    limit: str
    action: str
    key: str
    value: Any = None


SHOWN_BY = {"language": "code", "closed": "code"}
"""Criteria that are learned from answers with a structure of another name."""

Rule = Callable[[Sources, ReportRules], "NextStep | None"]


def next_steps(sources: Sources, rules: ReportRules, most: int) -> list[NextStep]:
    """The steps whose rule applies, most important first, one a key, at most `most`."""
    found: dict[str, NextStep] = {}
    for rule in RULES:
        step = rule(sources, rules)
        if step is not None:
            found.setdefault(step.key, step)
    return list(found.values())[:most]


def _step(sources: Sources, finding: str, limit: str, action: str, key: str) -> NextStep:
    return NextStep(finding, limit, action, key, sources.metadata.setting(key))


def _rule(name: str, value: str) -> str:
    """A limit that stands in the configuration."""
    return f"{value} (report.rules.{name})"


def mend_grader(sources: Sources, _: ReportRules) -> NextStep | None:
    """A withheld grade comes before everything else."""
    reason = sources.evaluation.grade.withheld
    if not reason:
        return None
    return _step(
        sources, f"The grade is withheld: {reason}", "every control must hold", "Look at the controls and correct the rubric", "evaluate.rubric"
    )


def take_real_base(sources: Sources, _: ReportRules) -> NextStep | None:
    """The built-in base shows that the road works; it is nothing to ship."""
    if sources.base.kind != "builtin":
        return None
    finding = f"The base is the built-in demonstration model of {n.size_of_model(sources.base.parameters)} parameters"
    return _step(sources, finding, "it is never one to ship", "Name a real instruct model (a folder or a Hugging Face name)", "model.base")


def ask_more(sources: Sources, _: ReportRules) -> NextStep | None:
    """A difference that chance can explain needs more questions, or more documents to ask about."""
    evaluation = sources.evaluation
    asked, available, needed = evaluation.questions, evaluation.available, evaluation.comparison.questions_needed
    if evaluation.grade.separable or needed is None or needed <= asked:
        return None
    difference = n.signed(evaluation.comparison.difference)
    finding = f"Tuned and base differ by {difference} points: about {n.count(needed)} questions would show that, {asked} were asked"
    limit = f"5{n.THIN}% error at 80{n.THIN}% power"
    if available > asked:
        return NextStep(finding, limit, f"Ask more of the {n.count(available)} held-out questions", "evaluate.questions", asked)
    return _step(sources, f"{finding}, and there are no more", limit, "Add documents", "collect.folders")


def learn_slower(sources: Sources, _: ReportRules) -> NextStep | None:
    """Training that made the answers worse."""
    evaluation = sources.evaluation
    difference = evaluation.comparison.difference
    if not evaluation.grade.separable or difference >= 0:
        return None
    finding = f"The tuned model is {n.decimal(-difference, 1)} points worse than its base"
    return _step(sources, finding, "0 points", "Lower the learning rate", "train.learning_rate")


def learn_faster(sources: Sources, rules: ReportRules) -> NextStep | None:
    """A validation loss that hardly fell, or never."""
    best, first = sources.curve.best, sources.metadata.first_valid_loss
    if best is None or not first or (first - best.loss) / first >= rules.slow_fall:
        return None
    if best.loss >= first:
        finding = f"Validation loss was never below the {n.decimal(first, 3)} from before training"
        return _step(sources, finding, "it must fall", "Lower the learning rate", "train.learning_rate")
    finding = f"Validation loss fell only by {n.share((first - best.loss) / first, 1)}, from {n.decimal(first, 3)} to {n.decimal(best.loss, 3)}"
    return _step(sources, finding, _rule("slow_fall", f"at least {n.share(rules.slow_fall)}"), "Raise the learning rate", "train.learning_rate")


def stop_earlier(sources: Sources, rules: ReportRules) -> NextStep | None:
    """Validation loss that rose again after its best: the training data are being learned by heart."""
    best, valid = sources.curve.best, sources.curve.valid
    rise = (valid[-1][1] - best.loss) / best.loss if best and valid else 0.0
    if best is None or not valid or rise < rules.overfit_rise:
        return None
    where = f"from {n.decimal(best.loss, 3)} at iteration {best.iteration} to {n.decimal(valid[-1][1], 3)} at the end"
    finding = f"Validation loss rose by {n.share(rise, 1)}, {where}"
    return _step(
        sources, finding, _rule("overfit_rise", f"less than {n.share(rules.overfit_rise)}"), "Train shorter, or on more documents", "train.iterations"
    )


def train_longer(sources: Sources, rules: ReportRules) -> NextStep | None:
    """Validation loss that still fell in the last quarter of the iterations."""
    valid = sources.curve.valid
    if len(valid) < 3:
        return None
    last, loss = valid[-1]
    before = next(y for x, y in reversed(valid) if x <= 0.75 * last or x == valid[0][0])
    if (before - loss) / before < rules.still_falling:
        return None
    finding = f"Validation loss still fell by {n.share((before - loss) / before, 1)} over the last quarter of training (to {n.decimal(loss, 3)})"
    return _step(sources, finding, _rule("still_falling", f"less than {n.share(rules.still_falling)}"), "Train longer", "train.iterations")


def keep_formatted(sources: Sources, rules: ReportRules) -> NextStep | None:
    """A formatting criterion below its target: are there too few examples of it, or has it not been learned yet?"""
    score = sources.evaluation.tuned.formatting
    worst = _furthest_off([part for part in score.parts if part.reached is False])
    if worst is None:
        return None
    finding = f"Formatting is {_against(score)}; furthest off: {spoken(worst.name)}, {_against(worst)}"
    trained = sources.statistics.structure.get(SHOWN_BY.get(worst.name, worst.name))
    if trained is not None and trained < rules.rare_structure:
        finding += f", and {n.share(1 - trained)} of the training answers have none"
        limit = _rule("rare_structure", f"in at least {n.share(rules.rare_structure)} of them")
        return _step(sources, finding, limit, "Prefer formatted examples", "curate.weights.formatting")
    seen = "" if trained is None else f", though {n.share(trained)} of the training answers show it"
    return _step(sources, f"{finding}{seen}", f"the rubric's {n.decimal(worst.target)}", "Train longer", "train.iterations")


def let_finish(sources: Sources, rules: ReportRules) -> NextStep | None:
    """Training conversations without their end: from those no model learns to stop."""
    train = sources.statistics.splits["train"]
    missing = train.missing_eos / train.examples
    if missing < rules.truncated:
        return None
    ended = n.share(sources.evaluation.tuned.finished)
    finding = f"{n.share(missing, 1)} of the training conversations are cut before their end; {ended} of the answers end by themselves"
    return _step(sources, finding, _rule("truncated", f"less than {n.share(rules.truncated)}"), "Allow longer conversations", "prepare.max_tokens")


def ask_better_teacher(sources: Sources, rules: ReportRules) -> NextStep | None:
    """A teacher whose answers say what their documents do not."""
    taught = sources.extraction.teacher
    if taught is None or not taught.pairs or taught.rejected / taught.pairs < rules.unsupported:
        return None
    finding = f"{n.share(taught.rejected / taught.pairs)} of the teacher's {n.count(taught.pairs)} answers are not supported by their documents"
    limit = _rule("unsupported", f"less than {n.share(rules.unsupported)}")
    return _step(sources, finding, limit, "Take a stronger teacher, or smaller chunks", "extract.teacher.model")


def know_more(sources: Sources, _: ReportRules) -> NextStep | None:
    """Content below its target on a real base: give the adapter more room, or full training more wordings."""
    content = sources.evaluation.tuned.content
    if content.target is None or content.value >= content.target or sources.base.kind == "builtin":
        return None
    worst = _furthest_off(content.parts)
    finding = f"Content is {_against(content)}" + (f"; furthest off: {spoken(worst.name)}, {_against(worst)}" if worst else "")
    limit = f"the rubric's {n.decimal(content.target)}"
    if sources.metadata.method == "full":
        return _step(sources, finding, limit, "Train on more wordings of each question", "augment.question_variants")
    return _step(sources, finding, limit, "Give the adapter more room", "train.lora.rank")


def _furthest_off(parts: Sequence[Part]) -> Part | None:
    """The criterion that costs most: the largest weight times distance to its target, or to 1 where it has none."""
    off = [(part.weight * ((1 if part.target is None else part.target) - part.value), part) for part in parts if part.value is not None]
    return max((pair for pair in off if pair[0] > 0), key=lambda pair: pair[0], default=(0, None))[1]


def _against(score: Score | Part) -> str:
    target = "" if score.target is None else f" against {n.decimal(score.target)}"
    return f"{n.decimal(score.value)}{target}"


RULES: tuple[Rule, ...] = (
    mend_grader,
    take_real_base,
    learn_slower,
    ask_more,
    learn_faster,
    stop_earlier,
    let_finish,
    ask_better_teacher,
    keep_formatted,
    train_longer,
    know_more,
)
