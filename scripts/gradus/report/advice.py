"""Next steps, computed from the run's numbers by small explicit rules: each names a number, its limit and a config key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gradus.config.schema import ReportRules
from gradus.report import numbers as n
from gradus.report.labels import criterion
from gradus.report.sources import Sources
from gradus.results import Part, Score


@dataclass(frozen=True)
class NextStep:
    """One thing to do: what was found, what to change, which key, and the value it has now (None when not recorded)."""

    finding: str
    action: str
    key: str
    value: Any = None


Rule = Callable[[Sources, ReportRules], "NextStep | None"]


def next_steps(sources: Sources, rules: ReportRules, most: int) -> list[NextStep]:
    """The steps whose rule applies, most important first, one a key, at most `most`."""
    found: dict[str, NextStep] = {}
    for rule in RULES:
        step = rule(sources, rules)
        if step is not None:
            found.setdefault(step.key, step)
    return list(found.values())[:most]


def _step(sources: Sources, finding: str, action: str, key: str) -> NextStep:
    return NextStep(finding, action, key, sources.metadata.setting(key))


def mend_grader(sources: Sources, _: ReportRules) -> NextStep | None:
    """A withheld grade comes before everything else."""
    reason = sources.evaluation.grade.withheld
    return _step(sources, f"The grade is withheld: {reason}", "Look at the controls and correct the rubric", "evaluate.rubric") if reason else None


def take_real_base(sources: Sources, _: ReportRules) -> NextStep | None:
    """The built-in base shows that the road works; it is nothing to ship."""
    if sources.base.kind != "builtin":
        return None
    finding = f"The base is the built-in demonstration model of {n.size_of_model(sources.base.parameters)} parameters"
    return _step(sources, finding, "Name a real instruct model (a folder or a Hugging Face name)", "model.base")


def ask_more(sources: Sources, _: ReportRules) -> NextStep | None:
    """A difference that chance can explain needs more questions, or more documents to ask about."""
    evaluation = sources.evaluation
    asked, available, needed = evaluation.questions, evaluation.available, evaluation.comparison.questions_needed
    if evaluation.grade.separable or needed is None or needed <= asked:
        return None
    difference = n.signed(evaluation.comparison.difference)
    finding = f"Tuned and base differ by {difference} points: about {n.count(needed)} questions would show that, {asked} were asked"
    if available > asked:
        return NextStep(finding, f"Ask more of the {n.count(available)} held-out questions", "evaluate.questions", asked)
    return _step(sources, f"{finding}, and there are no more", "Add documents", "collect.folders")


def learn_slower(sources: Sources, _: ReportRules) -> NextStep | None:
    """Training that made the answers worse."""
    evaluation = sources.evaluation
    difference = evaluation.comparison.difference
    if not evaluation.grade.separable or difference >= 0:
        return None
    finding = f"The tuned model is {n.decimal(-difference, 1)} points worse than its base"
    return _step(sources, finding, "Lower the learning rate", "train.learning_rate")


def learn_faster(sources: Sources, rules: ReportRules) -> NextStep | None:
    """A validation loss that hardly fell, or never."""
    best, first = sources.curve.best, sources.metadata.first_valid_loss
    if best is None or not first or (first - best.loss) / first >= rules.slow_fall:
        return None
    if best.loss >= first:
        finding = f"Validation loss was never below the {n.decimal(first, 3)} from before training"
        return _step(sources, finding, "Lower the learning rate", "train.learning_rate")
    finding = f"Validation loss fell only from {n.decimal(first, 3)} to {n.decimal(best.loss, 3)}, less than {n.share(rules.slow_fall)}"
    return _step(sources, finding, "Raise the learning rate", "train.learning_rate")


def stop_earlier(sources: Sources, rules: ReportRules) -> NextStep | None:
    """Validation loss that rose again after its best: the training data are being learned by heart."""
    best, valid = sources.curve.best, sources.curve.valid
    if best is None or not valid or (valid[-1][1] - best.loss) / best.loss < rules.overfit_rise:
        return None
    finding = f"Validation loss rose from {n.decimal(best.loss, 3)} at iteration {best.iteration} to {n.decimal(valid[-1][1], 3)} at the end"
    return _step(sources, finding, "Train shorter, or on more documents", "train.iterations")


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
    return _step(sources, finding, "Train longer", "train.iterations")


def keep_formatted(sources: Sources, rules: ReportRules) -> NextStep | None:
    """A formatting criterion below its target: are there too few examples of it, or has it not been learned yet?"""
    score = sources.evaluation.tuned.formatting
    worst = _furthest_off([part for part in score.parts if part.reached is False])
    if worst is None:
        return None
    finding = f"Formatting is {_against(score)}; furthest off: {criterion(worst.name).lower()}, {_against(worst)}"
    trained = sources.statistics.structure.get(worst.name)
    if trained is not None and trained < rules.rare_structure:
        finding += f", and {n.share(1 - trained)} of the training answers have none"
        return _step(sources, finding, "Prefer formatted examples", "curate.weights.formatting")
    seen = "" if trained is None else f", though {n.share(trained)} of the training answers show it"
    return _step(sources, f"{finding}{seen}", "Train longer", "train.iterations")


def let_finish(sources: Sources, rules: ReportRules) -> NextStep | None:
    """Training conversations without their end: from those no model learns to stop."""
    train = sources.statistics.splits["train"]
    missing = train.missing_eos / train.examples
    if missing < rules.truncated:
        return None
    ended = n.share(sources.evaluation.tuned.finished)
    finding = f"{n.share(missing, 1)} of the training conversations are cut before their end; {ended} of the answers end by themselves"
    return _step(sources, finding, "Allow longer conversations", "prepare.max_tokens")


def know_more(sources: Sources, _: ReportRules) -> NextStep | None:
    """Content below its target on a real base: give the adapter more room, or full training more wordings."""
    content = sources.evaluation.tuned.content
    if content.target is None or content.value >= content.target or sources.base.kind == "builtin":
        return None
    worst = _furthest_off(content.parts)
    finding = f"Content is {_against(content)}" + (f"; furthest off: {criterion(worst.name).lower()}, {_against(worst)}" if worst else "")
    if sources.metadata.method == "full":
        return _step(sources, finding, "Train on more wordings of each question", "augment.question_variants")
    return _step(sources, finding, "Give the adapter more room", "train.lora.rank")


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
    keep_formatted,
    train_longer,
    know_more,
)
