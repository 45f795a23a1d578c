"""What 07_evaluate says on the screen when it is done."""

from __future__ import annotations

import logging
from typing import Any

from gradus.judgement import Judged
from gradus.results import Comparison, Evaluation, ModelScores

log = logging.getLogger(__name__)
ALIKE = "all questions the same, no interval can be told"


def shown(evaluation: Evaluation) -> dict[str, Any]:
    """The summary on the screen; notes and a withheld grade are told as warnings. What a grader scored that failed is left out."""
    for note in evaluation.notes:
        log.warning("%s", note)
    if evaluation.grade.withheld:
        log.warning("The grade is withheld: %s.", evaluation.grade.withheld)
    tuned, base = evaluation.tuned, evaluation.base
    passed = sum(control.passed for control in evaluation.controls)
    return {
        "grade": evaluation.grade.label,
        **({} if evaluation.grade.withheld else _scores(evaluation)),
        "content read by": f"words and sentence embeddings ({evaluation.embedding})" if evaluation.embedding else "words alone",
        "bits per byte": f"{tuned.likelihood.bits_per_byte:.3f} (base {base.likelihood.bits_per_byte:.3f})",
        **({} if evaluation.grade.withheld else _current(evaluation)),
        **(_judge(evaluation.judge) if evaluation.judge else {}),
        "controls": f"{passed} of {len(evaluation.controls)} as expected",
        "base model": evaluation.base_model.name,
    }


def _scores(evaluation: Evaluation) -> dict[str, str]:
    tuned, base = evaluation.tuned, evaluation.base
    return {
        "tuned": _percent(tuned),
        "base": _percent(base),
        **_against(evaluation.comparison, evaluation.questions),
        "formatting": f"{tuned.formatting.value:.2f} (base {base.formatting.value:.2f}, target {tuned.formatting.target})",
        "content": f"{tuned.content.value:.2f} (base {base.content.value:.2f}, target {tuned.content.target})",
    }


def _percent(scores: ModelScores) -> str:
    spread = scores.interval
    return f"{scores.percent:.1f} % ({f'95 %: {spread.low:.1f} to {spread.high:.1f}' if spread.told else ALIKE})"


def _against(comparison: Comparison, questions: int) -> dict[str, str]:
    needed = "" if comparison.questions_needed is None else f"; about {comparison.questions_needed:,} questions show a difference of this size"
    return {
        "difference": f"{_difference(comparison)}{needed}",
        "better, tied, worse": f"{comparison.wins}, {comparison.ties}, {comparison.losses} of {questions} questions",
    }


def _difference(comparison: Comparison) -> str:
    spread = comparison.interval
    between = f"95 %: {spread.low:+.1f} to {spread.high:+.1f}" if spread.told else ALIKE
    return f"{comparison.difference:+.1f} points ({between}), p = {comparison.p_value:.3g}"


def _current(evaluation: Evaluation) -> dict[str, str]:
    current = evaluation.current
    if current is None:
        return {}
    return {f"current model {current.version}": f"{_percent(current.scores)}; tuned against it: {_difference(current.comparison)}"}


def _judge(judge: Judged) -> dict[str, str]:
    pairs = judge.pairs
    if judge.unusable:
        reasons = "; ".join(f"{reason} ({count} times)" for reason, count in judge.unusable.items())
        log.warning("%d of %d verdicts of the judge could not be used: %s", sum(judge.unusable.values()), judge.requests, reasons)
    scores = ", ".join(f"{who} {score.mean:.2f}" for who, score in judge.scores.items())
    rate = "none usable" if pairs.win_rate is None else f"{pairs.wins}, {pairs.ties}, {pairs.losses}; rate {pairs.win_rate:.2f}"
    both = "" if pairs.agreement is None else f"; both orders agree in {pairs.agreement:.0%}"
    return {f"judge {judge.name}": f"of 5: {scores or 'no usable score'}", "judged better, tied, worse": f"{rate}{both}"}
