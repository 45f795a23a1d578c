"""Next steps, computed from the run's numbers by small explicit rules: each names a number, its limit and a config key.

Rules that would turn the same training in different directions stand in one group, of which the strongest evidence speaks alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gradus.config.report import ReportRules
from gradus.report import numbers as n
from gradus.report.labels import spoken
from gradus.report.shortfalls import against, furthest_off, worst_formatting
from gradus.report.sources import Sources
from gradus.results import Part


@dataclass(frozen=True)
class NextStep:
    """One thing to do: what was found, the limit it is past (a sentence of its own), what to change, and its value now (None: not recorded)."""

    finding: str
    limit: str
    action: str
    key: str
    value: Any = None


Rule = Callable[[Sources, ReportRules], "NextStep | None"]


def next_steps(sources: Sources, rules: ReportRules, most: int) -> list[NextStep]:
    """The steps whose rule applies, most important first, one a group and one a key, at most `most`.

    When the grade is withheld nothing but the grader can be mended: the other rules rest on what it scored.
    """
    if sources.evaluation.grade.withheld:
        return [mend_grader(sources)][:most]
    found: dict[str, NextStep] = {}
    for group in RULES:
        step = _first(group, sources, rules)
        if step is not None:
            found.setdefault(step.key, step)
    return list(found.values())[:most]


def _first(group: Sequence[Rule], sources: Sources, rules: ReportRules) -> NextStep | None:
    return next((step for rule in group if (step := rule(sources, rules)) is not None), None)


def _step(sources: Sources, finding: str, limit: str, action: str, key: str) -> NextStep:
    """With the value that the step used which reads the key: 07 may have run with other settings than the training."""
    of_evaluation = {"evaluate.rubric": sources.evaluation.rubric.path, "evaluate.questions": sources.evaluation.questions}
    return NextStep(finding, limit, action, key, of_evaluation[key] if key in of_evaluation else sources.metadata.setting(key))


def _rule(name: str, said: str) -> str:
    """A limit that stands in the configuration."""
    return f"{said}, says report.rules.{name}"


def mend_grader(sources: Sources) -> NextStep:
    """A withheld grade comes before everything else, and alone."""
    finding = f"The grade is withheld, because {sources.evaluation.grade.withheld}"
    return _step(sources, finding, "Every control must land where it belongs", "Look at the controls and correct the rubric", "evaluate.rubric")


def take_real_base(sources: Sources, _: ReportRules) -> NextStep | None:
    """The built-in base shows that the road works; it is nothing to ship."""
    if sources.base.kind != "builtin":
        return None
    finding = f"The base is the built-in demonstration model of {n.size_of_model(sources.base.parameters)} parameters"
    limit, action = "It shows that every step works, and is nothing to ship", "Name a real instruct model (a folder or a Hugging Face name)"
    return _step(sources, finding, limit, action, "model.base")


def ask_more(sources: Sources, _: ReportRules) -> NextStep | None:
    """A difference that chance can explain needs more questions, or more documents to ask about."""
    evaluation = sources.evaluation
    asked, available, needed = evaluation.questions, evaluation.available, evaluation.comparison.questions_needed
    if evaluation.grade.separable or needed is None or needed <= asked:
        return None
    difference = n.signed(evaluation.comparison.difference)
    finding = f"Tuned and base differ by {difference} points: about {n.count(needed)} questions would show that, {asked} were asked"
    limit = f"That is for 5{n.THIN}% error at 80{n.THIN}% power"
    if available > asked:
        return _step(sources, finding, limit, f"Ask more of the {n.count(available)} held-out questions", "evaluate.questions")
    return _step(sources, f"{finding}, and there are no more", limit, "Add documents", "collect.folders")


def learn_slower(sources: Sources, _: ReportRules) -> NextStep | None:
    """Training that made the answers worse."""
    evaluation = sources.evaluation
    difference = evaluation.comparison.difference
    if not evaluation.grade.separable or difference >= 0:
        return None
    finding = f"The tuned model is {n.decimal(-difference, 1)} points worse than its base"
    return _step(sources, finding, "It should be better", "Lower the learning rate", "train.learning_rate")


def fall_at_all(sources: Sources, _: ReportRules) -> NextStep | None:
    """A validation loss that was never better than before training."""
    best, first = sources.curve.best, sources.metadata.first_valid_loss
    if best is None or (best.iteration > 0 and (not first or best.loss < first)):
        return None
    finding = f"Validation loss was never below the {n.decimal(first or best.loss, 3)} from before training"
    return _step(sources, finding, "It should fall", "Lower the learning rate", "train.learning_rate")


def learn_faster(sources: Sources, rules: ReportRules) -> NextStep | None:
    """A validation loss that hardly fell."""
    best, first = sources.curve.best, sources.metadata.first_valid_loss
    if best is None or not first or (fall := _fall(first, best.loss)) >= rules.slow_fall:
        return None
    finding = f"Validation loss fell only by {n.share(fall, 1)}, from {n.decimal(first, 3)} to {n.decimal(best.loss, 3)}"
    limit = _rule("slow_fall", f"Below {n.share(rules.slow_fall)} it has hardly learned")
    return _step(sources, finding, limit, "Raise the learning rate", "train.learning_rate")


def stop_earlier(sources: Sources, rules: ReportRules) -> NextStep | None:
    """Validation loss that rose again after its best: the training data are being learned by heart."""
    best, valid = sources.curve.best, sources.curve.valid
    if best is None or not valid or (rise := -_fall(best.loss, valid[-1][1])) < rules.overfit_rise:
        return None
    where = f"from {n.decimal(best.loss, 3)} at iteration {best.iteration} to {n.decimal(valid[-1][1], 3)} at the end"
    finding = f"Validation loss rose by {n.share(rise, 1)}, {where}"
    limit = _rule("overfit_rise", f"From {n.share(rules.overfit_rise)} on it is learning by heart")
    return _step(sources, finding, limit, "Train shorter, or on more documents", "train.iterations")


def train_longer(sources: Sources, rules: ReportRules) -> NextStep | None:
    """Validation loss that still fell in the last quarter of the iterations."""
    valid = sources.curve.valid
    if len(valid) < 3:
        return None
    last, loss = valid[-1]
    before = next(y for x, y in reversed(valid) if x <= 0.75 * last or x == valid[0][0])
    if (fall := _fall(before, loss)) < rules.still_falling:
        return None
    finding = f"Validation loss still fell by {n.share(fall, 1)} over the last quarter of training (to {n.decimal(loss, 3)})"
    limit = _rule("still_falling", f"From {n.share(rules.still_falling)} on it is not done")
    return _step(sources, finding, limit, "Train longer", "train.iterations")


def _fall(before: float, after: float) -> float:
    """By what share of itself a loss fell, below 0 when it rose; 0 for a loss of 0, which has no share."""
    return (before - after) / before if before else 0.0


def show_formatted(sources: Sources, rules: ReportRules) -> NextStep | None:
    """A formatting criterion below its target that the training answers seldom show."""
    worst, trained = worst_formatting(sources)
    if worst is None or trained is None or trained >= rules.rare_structure:
        return None
    finding = f"{_formatting(sources, worst)}, and {n.share(1 - trained)} of the training answers have none"
    limit = _rule("rare_structure", f"With less than {n.share(rules.rare_structure)} it is rare")
    return _step(sources, finding, limit, "Prefer formatted examples", "curate.weights.formatting")


def learn_formatting(sources: Sources, rules: ReportRules) -> NextStep | None:
    """A formatting criterion below its target that the training answers do show: it has not been learned yet."""
    worst, trained = worst_formatting(sources)
    if worst is None or (trained is not None and trained < rules.rare_structure):
        return None
    seen = "" if trained is None else f", though {n.share(trained)} of the training answers show it"
    limit = f"The rubric asks for {n.decimal(worst.target)}"
    return _step(sources, f"{_formatting(sources, worst)}{seen}", limit, "Train longer", "train.iterations")


def _formatting(sources: Sources, worst: Part) -> str:
    return f"Formatting is {against(sources.evaluation.tuned.formatting)}; it loses most by {spoken(worst.name)}, {against(worst)}"


def let_finish(sources: Sources, rules: ReportRules) -> NextStep | None:
    """Training conversations without their end: from those no model learns to stop."""
    train = sources.statistics.splits["train"]
    missing = train.missing_eos / train.examples
    if missing < rules.truncated:
        return None
    ended = n.share(sources.evaluation.tuned.finished)
    finding = f"{n.share(missing, 1)} of the training conversations are cut before their end; {ended} of the answers were not cut at the limit"
    limit = _rule("truncated", f"From {n.share(rules.truncated)} on that is too many")
    return _step(sources, finding, limit, "Allow longer conversations", "prepare.max_tokens")


def ask_better_teacher(sources: Sources, rules: ReportRules) -> NextStep | None:
    """A teacher whose answers say what their documents do not."""
    taught = sources.extraction.teacher
    if taught is None or not taught.pairs or taught.rejected / taught.pairs < rules.unsupported:
        return None
    finding = f"{n.share(taught.rejected / taught.pairs)} of the teacher's {n.count(taught.pairs)} answers are not supported by their documents"
    limit = _rule("unsupported", f"From {n.share(rules.unsupported)} on that is too many")
    return _step(sources, finding, limit, "Take a stronger teacher, or smaller chunks", "extract.teacher.model")


def know_more(sources: Sources, rules: ReportRules) -> NextStep | None:
    """Content below its target on a real base, after a training without fault: more room for the adapter, or more wordings for all weights."""
    content = sources.evaluation.tuned.content
    if content.target is None or content.value >= content.target or sources.base.kind == "builtin" or _first(FAULTS, sources, rules):
        return None
    worst = furthest_off(content.parts, sources.evaluation.questions)
    finding = f"Content is {against(content)}" + (f"; it loses most by {spoken(worst.name)}, {against(worst)}" if worst else "")
    limit = f"The rubric asks for {n.decimal(content.target)}"
    if sources.metadata.method == "full":
        return _step(sources, finding, limit, "Train on more wordings of each question", "augment.question_variants")
    return _step(sources, finding, limit, "Give the adapter more room", "train.lora.rank")


FAULTS: tuple[Rule, ...] = (learn_slower, fall_at_all, stop_earlier)
"""Signs that the training itself went wrong."""
RULES: tuple[tuple[Rule, ...], ...] = (
    (take_real_base,),
    (ask_more,),
    (*FAULTS, learn_faster, train_longer, learn_formatting),
    (let_finish,),
    (ask_better_teacher,),
    (show_formatted,),
    (know_more,),
)
"""Groups of rules, the most important group first; in a group the strongest evidence first."""
